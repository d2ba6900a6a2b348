/** What time, signals and results mean for the acts: may one be done, did it help, does it still wait. An act is done once and never taken back. */
import { formatDuration } from "../../shared/duration.ts";
import type { LadderAttempt } from "../../mitigations/ladder.ts";
import type { CompiledStep } from "../../playbooks/compile.ts";
import type { IncidentEvent } from "../journal.ts";
import {
  durationOf,
  lookedAtAfter,
  readingsOf,
  truthOf,
  type Moment,
  type Stage,
} from "../moment.ts";
import { isPreparedAct, isUndecided, type ActState, type IncidentState } from "../state.ts";

/** How long what was done may take to show, where the playbook expects nothing of it. */
export const SETTLES_MS = 60_000;

/** The events that let an act be done that a person or the playbook said yes to. */
export const approveAndPerform = (
  act: Pick<ActState, "id">,
  why: string,
): readonly IncidentEvent[] => [
  { type: "act.approved", data: { actId: act.id, why } },
  { type: "act.performing", data: { actId: act.id } },
];

/** What silence means for an act that waits for approval. What is well again is left alone: nothing could take it back. */
export const actSilenceStage: Stage = (state, moment) =>
  state.acts.flatMap((act): readonly IncidentEvent[] => {
    const dueAtMs = actSilenceDueAtMs(act, state, moment.playbook.steps);
    if (dueAtMs === null || moment.atMs < dueAtMs) return [];
    const silence = stepOf(act, moment.playbook.steps)?.spec.on_silence;
    const why = `nobody answered within ${formatDuration(dueAtMs - (act.judgedAtMs ?? 0))}`;
    const mayBeSilent = act.approvals === 1 && state.recoveredSinceMs === null;
    return silence?.then === "apply" && mayBeSilent
      ? approveAndPerform(act, why)
      : [{ type: "act.declined", data: { actId: act.id, why } }];
  });

/** When silence answers a request for approval; null when it never does. It is asked for once it is known what would be done. */
export function actSilenceDueAtMs(
  act: ActState,
  state: IncidentState,
  steps: readonly CompiledStep[],
): number | null {
  const silence = stepOf(act, steps)?.spec.on_silence;
  const asks = act.status === "waiting" && act.mode === "approve";
  if (!asks || act.judgedAtMs === null || silence === undefined) return null;
  return act.judgedAtMs + durationOf(state, silence.after);
}

/** Did it help: the step's expectation came true, or its time is up and it did not. What was done stays done. */
export const actVerifyStage: Stage = (state, moment) =>
  state.acts.flatMap((act): readonly IncidentEvent[] => {
    if (act.beside || act.status !== "performed" || act.performedAtMs === null) return [];
    const step = stepOf(act, moment.playbook.steps);
    if (step?.expect == null || step.spec.expect === undefined) {
      return [{ type: "act.effective", data: { actId: act.id, readings: [] } }];
    }
    const since = lookedAtAfter(moment, act.performedAtMs);
    const readings = readingsOf(step.expect, state, since);
    if (truthOf(step.expect, state, since) === "true") {
      return [{ type: "act.effective", data: { actId: act.id, readings } }];
    }
    const withinMs = durationOf(state, step.spec.expect.within);
    if (moment.atMs - act.performedAtMs < withinMs) return [];
    const why = `not seen within ${formatDuration(withinMs)}: ${step.expect.source}`;
    return [{ type: "act.ineffective", data: { actId: act.id, why, readings } }];
  });

/** What has not been begun is not begun any more. */
export const withdraw = (state: IncidentState, why: string): readonly IncidentEvent[] =>
  state.acts
    .filter(isUndecided)
    .map((act) => ({ type: "act.declined", data: { actId: act.id, why } }));

/**
 * How an act stands in the ladder. One that was done holds the place until it has had the time to show; after that the
 * next step's turn comes, for doing the same again would change nothing.
 */
export function ladderAttempt(act: ActState, state: IncidentState, moment: Moment): LadderAttempt {
  const isAsked =
    act.status === "waiting" &&
    act.mode === "approve" &&
    stepOf(act, moment.playbook.steps)?.spec.alongside === true;
  return {
    step: act.step,
    status: isBusy(act, state, moment) ? "applying" : "failed",
    because: null,
    shadow: act.shadow,
    isEarlier: act.round < state.timesResolved,
    isAside: act.beside || isPreparedAct(act) || isAsked,
    isAsked,
  };
}

function isBusy(act: ActState, state: IncidentState, moment: Moment): boolean {
  if (act.round < state.timesResolved) return false;
  switch (act.status) {
    case "proposed":
    case "waiting":
    case "performing":
    case "performed":
    case "rehearsed":
      return true;
    case "effective": {
      const within = stepOf(act, moment.playbook.steps)?.spec.expect?.within;
      const settlesMs = within === undefined ? SETTLES_MS : durationOf(state, within);
      return moment.atMs - (act.effectiveAtMs ?? 0) < settlesMs;
    }
    default:
      return false;
  }
}

const stepOf = (act: ActState, steps: readonly CompiledStep[]): CompiledStep | undefined =>
  steps.find((step) => step.id === act.step);
