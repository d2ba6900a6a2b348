import { describe, it } from "vitest";
import { evaluateRules, statesAfter } from "../../../src/detection/evaluate-rules.ts";
import type { RuleStates } from "../../../src/detection/trigger.ts";
import { compiledWith } from "../playbooks/support.ts";
import { measured, unknownSignal } from "../../../src/signals/signal.ts";

const { rules } = compiledWith();
const PARAMS = { share: 0.5, hold: 30_000, count: 2, strict: true, word: "v1" };
const NOW = 1_000_000;

const at = (nowMs: number, ratio: number | "unknown", states: RuleStates = {}) => {
  const name = "probe.around_success_ratio";
  const signal =
    ratio === "unknown"
      ? unknownSignal(name, "timeout", { atMs: nowMs })
      : measured(name, ratio, { atMs: nowMs, freshMs: 60_000 });
  return evaluateRules(rules, states, { signals: { [name]: signal }, params: PARAMS, nowMs });
};

describe("evaluateRules", () => {
  it("steps each rule by its own expressions and the params of now", ({ expect }) => {
    const first = at(NOW, 0.2);
    const second = at(NOW + 30_000, 0.2, statesAfter(first));

    expect(statesAfter(first)).toEqual({
      probes: { status: "pending", sinceMs: NOW },
      errors: { status: "inactive" },
    });
    expect(statesAfter(second)["probes"]).toEqual({ status: "firing", sinceMs: NOW });
  });

  it("says why a rule does not know, and keeps what it was", ({ expect }) => {
    const states: RuleStates = { probes: { status: "firing", sinceMs: NOW } };
    const [probes] = at(NOW + 90_000, "unknown", states);

    expect(probes).toEqual({
      rule: "probes",
      before: { status: "firing", sinceMs: NOW },
      after: { status: "firing", sinceMs: NOW },
      changed: null,
      truth: "unknown",
      detail: "probe.around_success_ratio is unknown: timeout",
      isBroken: false,
    });
  });

  it("tells a broken rule from one that does not know", ({ expect }) => {
    const name = "probe.around_success_ratio";
    const signals = { [name]: measured(name, 0.2, { atMs: NOW, freshMs: 60_000 }) };
    const { share: _, ...withoutShare } = PARAMS;
    const [probes] = evaluateRules(rules, {}, { signals, params: withoutShare, nowMs: NOW });

    expect(probes).toMatchObject({
      truth: "broken",
      isBroken: true,
      detail: "params.share has no double value",
      after: { status: "inactive" },
    });
  });
});
