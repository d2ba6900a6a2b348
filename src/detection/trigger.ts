/** From rules to an incident: which rules fire, whether they are enough, and when it began. */
import type { PlaybookSpec } from "../playbooks/schema.ts";
import type { RuleState } from "./rule-state.ts";

export type Trigger = PlaybookSpec["detect"]["trigger"];
/** The states of all rules of one playbook, by rule id; a rule that never ran may be missing unless the trigger is `all`. */
export type RuleStates = Readonly<Record<string, RuleState>>;

/** A rule fires until it has cleared: while it is clearing, the harm may still be there. */
export const isFiring = (
  state: RuleState,
): state is Extract<RuleState, { status: "firing" | "clearing" }> =>
  state.status === "firing" || state.status === "clearing";

/** The ids of the rules that fire, in the order of the states. */
export const firingRules = (states: RuleStates): readonly string[] =>
  Object.entries(states).flatMap(([id, state]) => (isFiring(state) ? [id] : []));

/** Are enough rules firing for an incident? */
export function isTriggered(trigger: Trigger, states: RuleStates): boolean {
  const firing = firingRules(states).length;
  if (trigger === "any") return firing >= 1;
  if (trigger === "all") return firing >= 1 && firing === Object.keys(states).length;
  return firing >= trigger.at_least;
}

/** When the harm began: the first true reading of the rules that fire, or null when none does. */
export function firstBadSampleAtMs(states: RuleStates): number | null {
  const startsMs = Object.values(states).flatMap((state) => {
    if (!isFiring(state)) return [];
    return [state.status === "firing" ? state.sinceMs : state.firingSinceMs];
  });
  return startsMs.length === 0 ? null : Math.min(...startsMs);
}

/** Is any rule on its way: then the monitor looks more often. */
export const isAnyStirring = (states: RuleStates): boolean =>
  Object.values(states).some((state) => state.status !== "inactive");
