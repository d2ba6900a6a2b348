/** Every rule of one playbook at one moment: asks its expressions and steps its machine. */
import type { Truth } from "../expressions/truth.ts";
import type { CompiledRule } from "../playbooks/compile.ts";
import { resolveDuration, type Params } from "../playbooks/params.ts";
import type { SignalSet } from "../signals/signal.ts";
import { INACTIVE, stepRule, type RuleChange } from "./rule-machine.ts";
import type { RuleState } from "./rule-state.ts";
import type { RuleStates } from "./trigger.ts";

export type RuleEvaluation = {
  readonly rule: string;
  readonly before: RuleState;
  readonly after: RuleState;
  readonly changed: RuleChange | null;
  /** What `when` answered. */
  readonly truth: Truth;
  /** Why `when` or `clear` is unknown or broken, in words; null when neither is. */
  readonly detail: string | null;
  /** An expression failed although everything it needs is known: people must hear of it. */
  readonly isBroken: boolean;
};

/** Steps all rules, in the playbook's order. The signals must be as seen at `nowMs`. */
export function evaluateRules(
  rules: readonly CompiledRule[],
  states: RuleStates,
  seen: { readonly signals: SignalSet; readonly params: Params; readonly nowMs: number },
): readonly RuleEvaluation[] {
  const { signals, params, nowMs } = seen;
  return rules.map(({ spec, when, clear }) => {
    const before = states[spec.id] ?? INACTIVE;
    const whenAnswer = when.evaluate(signals, params);
    const clearAnswer = clear === null ? null : clear.evaluate(signals, params);
    const timing = {
      forMs: resolveDuration(spec.for, params),
      clearForMs: resolveDuration(spec.clear_for, params),
      unknown: spec.unknown,
    };
    const reading = { when: whenAnswer.truth, clear: clearAnswer?.truth ?? null };
    const { state: after, changed } = stepRule(before, reading, timing, nowMs);
    return {
      rule: spec.id,
      before,
      after,
      changed,
      truth: whenAnswer.truth,
      detail: whenAnswer.detail ?? clearAnswer?.detail ?? null,
      isBroken: [reading.when, reading.clear].includes("broken"),
    };
  });
}

/** The states after an evaluation, by rule id. */
export const statesAfter = (evaluations: readonly RuleEvaluation[]): RuleStates =>
  Object.fromEntries(evaluations.map(({ rule, after }) => [rule, after]));
