import { describe, it } from "vitest";
import { INACTIVE, stepRule, type RuleTiming } from "../../../src/detection/rule-machine.ts";
import type { RuleState } from "../../../src/detection/rule-state.ts";
import type { Truth } from "../../../src/expressions/truth.ts";

const TIMING: RuleTiming = { forMs: 1_000, clearForMs: 2_000, unknown: "keep" };
const PENDING: RuleState = { status: "pending", sinceMs: 5_000 };
const FIRING: RuleState = { status: "firing", sinceMs: 5_000 };
const CLEARING: RuleState = { status: "clearing", firingSinceMs: 5_000, sinceMs: 9_000 };

const step = (
  state: RuleState,
  [when, clear]: readonly [Truth, Truth | null],
  nowMs: number,
  timing: Partial<RuleTiming> = {},
) => stepRule(state, { when, clear }, { ...TIMING, ...timing }, nowMs);

describe("a rule without a clear condition", () => {
  const rows = [
    ["inactive", INACTIVE, "true", 5_000, PENDING, "condition_met"],
    ["inactive", INACTIVE, "false", 5_000, INACTIVE, null],
    ["inactive", INACTIVE, "unknown", 5_000, INACTIVE, null],
    ["inactive", INACTIVE, "broken", 5_000, INACTIVE, null],
    ["pending before its time", PENDING, "true", 5_999, PENDING, null],
    ["pending at its time", PENDING, "true", 6_000, FIRING, "held_long_enough"],
    ["pending after its time", PENDING, "true", 6_001, FIRING, "held_long_enough"],
    ["pending", PENDING, "false", 6_000, INACTIVE, "condition_gone"],
    ["pending past its time", PENDING, "unknown", 9_000, PENDING, null],
    ["pending past its time", PENDING, "broken", 9_000, PENDING, null],
    ["firing", FIRING, "true", 9_000, FIRING, null],
    ["firing", FIRING, "unknown", 9_000, FIRING, null],
    ["firing", FIRING, "broken", 9_000, FIRING, null],
    ["firing", FIRING, "false", 9_000, CLEARING, "clear_met"],
    ["clearing before its time", CLEARING, "false", 10_999, CLEARING, null],
    ["clearing at its time", CLEARING, "false", 11_000, INACTIVE, "cleared"],
    ["clearing after its time", CLEARING, "false", 11_001, INACTIVE, "cleared"],
    ["clearing", CLEARING, "true", 10_000, FIRING, "clear_lost"],
    ["clearing past its time", CLEARING, "unknown", 99_000, FIRING, "clear_lost"],
    ["clearing past its time", CLEARING, "broken", 99_000, FIRING, "clear_lost"],
  ] as const;

  it.for(rows)(
    "%s, when it reads %3$s at %4$s",
    ([, before, when, nowMs, after, why], { expect }) => {
      expect(step(before, [when, null], nowMs)).toEqual({ state: after, changed: why });
    },
  );

  it("fires at once with `for: 0s`, and clears at once with `clear_for: 0s`", ({ expect }) => {
    expect(step(INACTIVE, ["true", null], 5_000, { forMs: 0 }).state).toEqual(FIRING);
    expect(step(FIRING, ["false", null], 9_000, { clearForMs: 0 }).state).toEqual(INACTIVE);
  });
});

describe("a rule with a clear condition", () => {
  it("stays firing between the two conditions", ({ expect }) => {
    expect(step(FIRING, ["false", "false"], 9_000)).toEqual({ state: FIRING, changed: null });
  });

  it("clears on its clear condition, even while `when` is unknown", ({ expect }) => {
    expect(step(FIRING, ["unknown", "true"], 9_000)).toEqual({
      state: CLEARING,
      changed: "clear_met",
    });
  });

  it("does not clear while both conditions are true", ({ expect }) => {
    expect(step(FIRING, ["true", "true"], 9_000).state).toEqual(FIRING);
  });

  it.for(["false", "unknown", "broken"] as const)(
    "fires again when the clear condition becomes %s",
    (clear, { expect }) => {
      expect(step(CLEARING, ["false", clear], 99_000)).toEqual({
        state: FIRING,
        changed: "clear_lost",
      });
    },
  );
});

describe("a rule that fires on unknown", () => {
  const fire = { unknown: "fire" } as const;

  it("counts unknown as true on the way up", ({ expect }) => {
    expect(step(INACTIVE, ["unknown", null], 5_000, fire).state).toEqual(PENDING);
    expect(step(PENDING, ["unknown", null], 6_000, fire).state).toEqual(FIRING);
  });

  it("does not clear on unknown, whatever the clear condition says", ({ expect }) => {
    expect(step(FIRING, ["unknown", "true"], 9_000, fire).state).toEqual(FIRING);
    expect(step(CLEARING, ["unknown", "true"], 99_000, fire).state).toEqual(FIRING);
  });

  it("does not count broken as true", ({ expect }) => {
    expect(step(INACTIVE, ["broken", null], 5_000, fire).state).toEqual(INACTIVE);
  });
});

describe("gaps and late ticks", () => {
  it("a long gap between two true readings counts, if nothing known to be false came between", ({
    expect,
  }) => {
    expect(step(PENDING, ["true", null], 3_600_000).state).toEqual(FIRING);
  });

  it("a gap alone proves nothing: the tick that ends it must read true", ({ expect }) => {
    expect(step(PENDING, ["unknown", null], 3_600_000).state).toEqual(PENDING);
    expect(step(PENDING, ["false", null], 3_600_000).state).toEqual(INACTIVE);
  });

  it("time that runs backwards neither fires nor clears", ({ expect }) => {
    expect(step(PENDING, ["true", null], 0).state).toEqual(PENDING);
    expect(step(CLEARING, ["false", null], 0).state).toEqual(CLEARING);
  });
});
