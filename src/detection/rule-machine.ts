/**
 * One step of one rule: inactive → pending → firing → clearing → inactive. Time counts between readings, not ticks:
 * `for` runs from the first true reading for as long as no reading known to be false came between, `clear_for` from the
 * first reading that cleared for as long as every reading since did. So a late tick ends a wait that was due, but never
 * without a reading of its own that says so.
 */
import type { Truth } from "../expressions/truth.ts";
import type { RuleState } from "./rule-state.ts";

export const INACTIVE: RuleState = { status: "inactive" };

/** What the rule's expressions answered. `clear` is null when the rule has none: it clears when `when` is false. */
export type RuleReading = { readonly when: Truth; readonly clear: Truth | null };

export type RuleTiming = {
  readonly forMs: number;
  readonly clearForMs: number;
  /** What an unknown `when` means: keep the state, or count as true. */
  readonly unknown: "keep" | "fire";
};

/** Why a rule moved from one status to another. */
export type RuleChange =
  | "condition_met"
  | "condition_gone"
  | "held_long_enough"
  | "clear_met"
  | "clear_lost"
  | "cleared";

export type RuleStep = {
  readonly state: RuleState;
  /** Null when the status is what it was. */
  readonly changed: RuleChange | null;
};

/**
 * The rule's next state. Unknown never clears, and neither does broken. `sinceMs` of a firing rule is its first
 * true reading, which is the first bad sample of the incident it opens.
 */
export function stepRule(
  state: RuleState,
  reading: RuleReading,
  timing: RuleTiming,
  nowMs: number,
): RuleStep {
  const isTrue =
    reading.when === "true" || (reading.when === "unknown" && timing.unknown === "fire");
  switch (state.status) {
    case "inactive":
      return isTrue ? rise(nowMs, timing, nowMs, "condition_met") : stay(state);
    case "pending":
      if (isTrue) return rise(state.sinceMs, timing, nowMs, null);
      return reading.when === "false" ? to(INACTIVE, "condition_gone") : stay(state);
    case "firing":
      return isClear(reading, isTrue)
        ? fall({ firingSinceMs: state.sinceMs, sinceMs: nowMs }, timing, nowMs, "clear_met")
        : stay(state);
    case "clearing":
      return isClear(reading, isTrue)
        ? fall(state, timing, nowMs, null)
        : to({ status: "firing", sinceMs: state.firingSinceMs }, "clear_lost");
  }
}

/** Pending since `sinceMs`, or firing already when that was long enough ago. */
function rise(
  sinceMs: number,
  { forMs }: RuleTiming,
  nowMs: number,
  changed: RuleChange | null,
): RuleStep {
  if (nowMs - sinceMs >= forMs) return to({ status: "firing", sinceMs }, "held_long_enough");
  return { state: { status: "pending", sinceMs }, changed };
}

/** Clearing since `sinceMs`, or inactive already when that was long enough ago. */
function fall(
  clearing: { readonly firingSinceMs: number; readonly sinceMs: number },
  { clearForMs }: RuleTiming,
  nowMs: number,
  changed: RuleChange | null,
): RuleStep {
  if (nowMs - clearing.sinceMs >= clearForMs) return to(INACTIVE, "cleared");
  const { firingSinceMs, sinceMs } = clearing;
  return { state: { status: "clearing", firingSinceMs, sinceMs }, changed };
}

/** Known to be well: the clear condition is true, and the condition that fires is not. */
const isClear = ({ when, clear }: RuleReading, isTrue: boolean): boolean =>
  clear === null ? when === "false" : clear === "true" && !isTrue;

const to = (state: RuleState, changed: RuleChange): RuleStep => ({ state, changed });

const stay = (state: RuleState): RuleStep => ({ state, changed: null });
