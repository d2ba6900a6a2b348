import fc from "fast-check";
import { describe, it } from "vitest";
import { INACTIVE, stepRule, type RuleTiming } from "../../../src/detection/rule-machine.ts";
import type { RuleState } from "../../../src/detection/rule-state.ts";
import { isFiring } from "../../../src/detection/trigger.ts";
import type { Truth } from "../../../src/expressions/truth.ts";

type Reading = { readonly when: Truth; readonly clear: Truth | null; readonly atMs: number };

const truth = fc.constantFrom<Truth>("true", "false", "unknown", "broken");
const timing = fc.record<RuleTiming>({
  forMs: fc.constantFrom(0, 1, 1_000, 5_000),
  clearForMs: fc.constantFrom(0, 1, 1_000, 5_000),
  unknown: fc.constantFrom("keep", "fire"),
});
/** Readings in order of time; a rule has a clear condition, or it has none. */
const readings: fc.Arbitrary<readonly Reading[]> = fc
  .tuple(
    fc.boolean(),
    fc.array(
      fc.record({
        when: truth,
        clear: truth,
        gapMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4_000 })),
      }),
      {
        maxLength: 40,
      },
    ),
  )
  .map(([hasClear, all]) => {
    let atMs = 1_000_000;
    return all.map(({ when, clear, gapMs }) => {
      atMs += gapMs;
      return { when, clear: hasClear ? clear : null, atMs };
    });
  });

const run = (all: readonly Reading[], rule: RuleTiming): readonly RuleState[] => {
  let state = INACTIVE;
  return all.map((reading) => {
    state = stepRule(state, reading, rule, reading.atMs).state;
    return state;
  });
};

/** Is this reading one that may clear: the rule's own clear condition, or without one, `when` being false? */
const isWell = ({ when, clear }: Reading): boolean =>
  clear === null ? when === "false" : clear === "true";

const shifted = (state: RuleState, byMs: number): RuleState => {
  switch (state.status) {
    case "inactive":
      return state;
    case "pending":
    case "firing":
      return { ...state, sinceMs: state.sinceMs + byMs };
    case "clearing":
      return {
        ...state,
        sinceMs: state.sinceMs + byMs,
        firingSinceMs: state.firingSinceMs + byMs,
      };
  }
};

describe("any rule, on any readings", () => {
  it("never stops firing on a reading that is not known to be well", ({ expect }) => {
    fc.assert(
      fc.property(readings, timing, (all, rule) => {
        const states = run(all, rule);
        const afterIll = states.filter((_, index) => {
          const [before, reading] = [states[index - 1], all[index]];
          return (
            before !== undefined && reading !== undefined && isFiring(before) && !isWell(reading)
          );
        });
        expect(afterIll.filter(({ status }) => status !== "firing")).toEqual([]);
      }),
    );
  });

  it("clears only after readings that were well for all of clear_for", ({ expect }) => {
    fc.assert(
      fc.property(readings, timing, (all, rule) => {
        const states = run(all, rule);
        for (const [index, reading] of all.entries()) {
          const before = states[index - 1] ?? INACTIVE;
          if (!isFiring(before) || states[index]?.status !== "inactive") continue;
          const lastIll = all.slice(0, index).findLastIndex((one) => !isWell(one));
          const firstWell = all[lastIll + 1];
          expect(isWell(reading)).toBe(true);
          expect(reading.atMs - (firstWell?.atMs ?? Infinity)).toBeGreaterThanOrEqual(
            rule.clearForMs,
          );
        }
      }),
    );
  });

  it("fires only on a true reading, after `for` without a known false", ({ expect }) => {
    fc.assert(
      fc.property(readings, timing, (all, rule) => {
        const states = run(all, rule);
        for (const [index, reading] of all.entries()) {
          const before = states[index - 1] ?? INACTIVE;
          const after = states[index];
          if (isFiring(before) || after?.status !== "firing") continue;
          const isTrue = reading.when === "true" || rule.unknown === "fire";
          const between = all.filter(({ atMs }, other) => other <= index && atMs > after.sinceMs);
          expect(isTrue && reading.when !== "false" && reading.when !== "broken").toBe(true);
          expect(reading.atMs - after.sinceMs).toBeGreaterThanOrEqual(rule.forMs);
          expect(between.some(({ when }) => when === "false")).toBe(false);
        }
      }),
    );
  });

  it("does the same whenever it happens", ({ expect }) => {
    const shiftMs = fc.integer({ min: -900_000, max: 10 ** 12 });
    fc.assert(
      fc.property(readings, timing, shiftMs, (all, rule, byMs) => {
        const later = all.map((reading) => ({ ...reading, atMs: reading.atMs + byMs }));
        expect(run(later, rule)).toEqual(run(all, rule).map((state) => shifted(state, byMs)));
      }),
    );
  });

  it("names a reason exactly when the status changes", ({ expect }) => {
    fc.assert(
      fc.property(readings, timing, (all, rule) => {
        let state: RuleState = INACTIVE;
        for (const reading of all) {
          const step = stepRule(state, reading, rule, reading.atMs);
          expect(step.changed !== null).toBe(step.state.status !== state.status);
          state = step.state;
        }
      }),
    );
  });

  it("is the same after a reading that comes twice at once", ({ expect }) => {
    fc.assert(
      fc.property(readings, timing, (all, rule) => {
        const twice = all.flatMap((reading) => [reading, reading]);
        fc.pre(rule.forMs > 0 && rule.clearForMs > 0);
        expect(run(twice, rule).at(-1)).toEqual(run(all, rule).at(-1));
      }),
    );
  });
});
