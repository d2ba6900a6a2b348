/** What time and the tick's signals mean for the leases: did they help, are they still needed, may they go. */
import { isTriggered } from "../../detection/trigger.ts";
import { formatDuration } from "../../shared/duration.ts";
import type { CompiledStep } from "../../playbooks/compile.ts";
import { ENFORCED_SHARE } from "../../policy/receipts.ts";
import { asSeenAt, isKnown } from "../../signals/signal.ts";
import type { EventData, IncidentEvent } from "../journal.ts";
import {
  durationOf,
  lookedAtAfter,
  readingsOf,
  truthOf,
  type Moment,
  type Stage,
} from "../moment.ts";
import {
  hasEnded,
  isInForce,
  isSelecting,
  type IncidentState,
  type LeaseState,
  type RevertCause,
} from "../state.ts";
import { healthOf } from "./rules.ts";

/** The shares of clients a staged release passes through before the mitigation is taken back entirely. */
export const RELEASE_SHARES = [0.5, 0.2] as const;
/** A relapse doubles how long recovery must last before the next release, up to this many times the playbook's word. */
export const HOLD_FACTOR_MAX = 8;
/** A renewal that failed is tried again after this part of the lease. */
const RENEW_AGAIN = 1 / 8;

/** Ends what outlived its time. The guard has stopped enforcing it by itself; what is left is tidying up. */
export const expiryStage: Stage = (state, moment) =>
  state.leases
    .filter((lease) => isInForceOrApplying(lease) && lease.expiresAtMs !== null)
    .filter((lease) => (lease.expiresAtMs ?? 0) <= moment.atMs)
    .map((lease) => ({ type: "lease.expired", data: { leaseId: lease.id } }));

/** What silence means for a lease that waits for approval. */
export const silenceStage: Stage = (state, moment) =>
  state.leases.flatMap((lease) => {
    const dueAtMs = silenceDueAtMs(lease, state, moment.playbook.steps);
    if (dueAtMs === null || moment.atMs < dueAtMs) return [];
    const silence = stepOf(lease, moment.playbook.steps)?.spec.on_silence;
    const why = `nobody answered within ${formatDuration(dueAtMs - lease.proposedAtMs)}`;
    return silence?.then === "apply"
      ? approveAndApply(lease, moment.atMs, why)
      : [{ type: "lease.declined", data: { leaseId: lease.id, why } }];
  });

/** When silence answers a request for approval; null when it never does. */
export function silenceDueAtMs(
  lease: LeaseState,
  state: IncidentState,
  steps: readonly CompiledStep[],
): number | null {
  const silence = stepOf(lease, steps)?.spec.on_silence;
  if (lease.status !== "proposed" || isSelecting(lease) || silence === undefined) return null;
  return lease.proposedAtMs + durationOf(state, silence.after);
}

/** Did it help: the step's expectation came true, or its time is up and it did not. */
export const verifyStage: Stage = (state, moment) =>
  state.leases.flatMap((lease): readonly IncidentEvent[] => {
    const step = stepOf(lease, moment.playbook.steps);
    if (lease.status !== "applied" || lease.shadow || lease.beside) return [];
    if (lease.appliedAtMs === null) return [];
    if (step?.expect == null || step.spec.expect === undefined) {
      return [effective(lease, [], moment)];
    }
    const since = lookedAtAfter(moment, lease.appliedAtMs);
    const readings = readingsOf(step.expect, state, since);
    if (truthOf(step.expect, state, since) === "true") {
      return [effective(lease, readings, moment)];
    }
    const withinMs = durationOf(state, step.spec.expect.within);
    if (moment.atMs - lease.appliedAtMs < withinMs) return [];
    const why = `not seen within ${formatDuration(withinMs)}: ${step.expect.source}`;
    return [
      { type: "lease.ineffective", data: { leaseId: lease.id, why, readings } },
      reverting(lease, "ineffective", why),
    ];
  });

const effective = (
  lease: LeaseState,
  readings: EventData["lease.effective"]["readings"],
  moment: Moment,
): IncidentEvent => {
  const lagMs = enforcementLagMs(lease, moment);
  const lag = lagMs === null ? {} : { enforcementLagMs: lagMs };
  return { type: "lease.effective", data: { leaseId: lease.id, readings, ...lag } };
};

/** By the receipt of the newest policy, once guards decide on it and it was read after the lease was granted. */
function enforcementLagMs({ appliedAtMs }: LeaseState, { signals, atMs }: Moment): number | null {
  const seen = asSeenAt(signals, atMs);
  const [ratio, lag] = [seen["guard.enforced_ratio"], seen["guard.enforcement_lag_seconds"]];
  if (ratio === undefined || !isKnown(ratio) || Number(ratio.value) < ENFORCED_SHARE) return null;
  if (lag === undefined || !isKnown(lag) || lag.atMs < (appliedAtMs ?? Infinity)) return null;
  return Math.round(Number(lag.value) * 1_000);
}

/** Renews what is still needed, so that the lease runs out only when nobody looks after it any more. */
export const renewStage: Stage = (state, moment) =>
  state.leases
    .filter((lease) => isRenewable(lease, state, moment))
    .map((lease) => ({
      type: "lease.extended",
      data: {
        leaseId: lease.id,
        expiresAtMs: moment.atMs + lease.leaseMs,
        why: "still needed",
      },
    }));

/** What a person set by hand ends when that person said, and without rules nothing can be said to be needed. */
function isRenewable(lease: LeaseState, state: IncidentState, moment: Moment): boolean {
  if (!isInForce(lease) || lease.expiresAtMs === null) return false;
  if (lease.mode === "manual" || moment.playbook.rules.length === 0) return false;
  if (lease.expiresAtMs - moment.atMs > lease.leaseMs / 2) return false;
  const failedAtMs = lease.adjustFailedAtMs;
  if (failedAtMs !== null && moment.atMs - failedAtMs < lease.leaseMs * RENEW_AGAIN) return false;
  if (lease.release === "manual" || healthOf(state, moment) !== "well") return true;
  // It ends by its release, not by running out in the middle of it with everybody let back at once.
  return lease.expiresAtMs < releaseEndsAtMs(lease, state, moment);
}

/** When the release of a lease ends, if production stays well from now on. */
function releaseEndsAtMs(lease: LeaseState, state: IncidentState, moment: Moment): number {
  if (lease.shadow) return moment.atMs;
  const heldUntilMs = (state.recoveredSinceMs ?? moment.atMs) + holdMsOf(lease, state, moment);
  if (lease.release !== "staged") return heldUntilMs;
  const stageMs = durationOf(state, moment.playbook.spec.recover.stage_for);
  if (lease.status === "releasing") {
    const stagesLeft =
      RELEASE_SHARES.length - RELEASE_SHARES.findIndex((share) => share === lease.share);
    return (lease.stageSinceMs ?? moment.atMs) + stagesLeft * stageMs;
  }
  return heldUntilMs + RELEASE_SHARES.length * stageMs;
}

/** Looked again this long after the last time; twice as long each time that nobody new was named. */
export const SELECT_AGAIN_MS = 15_000;
export const SELECT_AGAIN_MS_MAX = 8 * SELECT_AGAIN_MS;
/** In the life of one lease. */
export const SELECTIONS_MAX = 40;

/** While the harm goes on, what moved elsewhere is followed: who is named then is added. */
export const reselectStage: Stage = (state, moment) =>
  state.recoveredSinceMs !== null || !isTriggered(moment.playbook.spec.detect.trigger, state.rules)
    ? []
    : state.leases
        .filter((lease) => isSelectable(lease, moment.atMs) && !isAwaited(lease, state))
        .map((lease) => ({
          type: "lease.reselecting",
          data: { leaseId: lease.id, why: "the harm goes on" },
        }));

function isSelectable(
  { select, status, share, shadow, selection }: LeaseState,
  atMs: number,
): boolean {
  if (select === null || shadow || share < 1) return false;
  if (status !== "applied" && status !== "effective") return false;
  const waitMs = Math.min(SELECT_AGAIN_MS * 2 ** selection.inVain, SELECT_AGAIN_MS_MAX);
  return selection.asked < SELECTIONS_MAX && atMs - selection.askedAtMs >= waitMs;
}

const isAwaited = ({ id }: LeaseState, { awaiting }: IncidentState): boolean =>
  Object.values(awaiting).some((one) => one.kind === "lease" && one.leaseId === id);

/** What was only a rehearsal ends when the autopilot is switched on: the ladder begins in earnest. */
export const rehearsalStage: Stage = (state, moment) =>
  moment.autopilot === "on"
    ? endingOf(
        state.leases.filter((lease) => lease.shadow),
        "person",
        "it was a rehearsal, and the autopilot is on now",
      )
    : [];

/** Releases what is no longer needed, as each lease declares; puts it back at once when the harm returns on the way. */
export const releaseStage: Stage = (state, moment) =>
  state.leases.flatMap((lease): readonly IncidentEvent[] => {
    if (lease.status === "releasing") return nextStage(lease, state, moment);
    if (lease.status !== "applied" && lease.status !== "effective") return [];
    if (lease.release === "manual" || !hasHeld(lease, state, moment)) return [];
    const why = "recovery has held";
    return lease.release === "at_once" || lease.shadow
      ? [reverting(lease, "recovered", why)]
      : [releasing(lease, 0, why)];
  });

function nextStage(
  lease: LeaseState,
  state: IncidentState,
  moment: Moment,
): readonly IncidentEvent[] {
  const health = healthOf(state, moment);
  if (health === "harmed") {
    const expiresAtMs = moment.atMs + lease.leaseMs;
    const why = "the harm came back during the release";
    return [{ type: "lease.rearmed", data: { leaseId: lease.id, expiresAtMs, why } }];
  }
  const stageMs = durationOf(state, moment.playbook.spec.recover.stage_for);
  if (health !== "well" || moment.atMs - (lease.stageSinceMs ?? moment.atMs) < stageMs) return [];
  const stage = RELEASE_SHARES.findIndex((share) => share === lease.share) + 1;
  const why = `production held with ${Math.round((1 - lease.share) * 100)} % of visitors back`;
  return stage < RELEASE_SHARES.length
    ? [releasing(lease, stage, why)]
    : [reverting(lease, "recovered", why)];
}

/** Has recovery lasted long enough to let go? Longer after each relapse. */
function hasHeld(lease: LeaseState, state: IncidentState, moment: Moment): boolean {
  if (state.recoveredSinceMs === null) return false;
  return moment.atMs - state.recoveredSinceMs >= holdMsOf(lease, state, moment);
}

function holdMsOf(lease: LeaseState, state: IncidentState, moment: Moment): number {
  const factor = Math.min(2 ** (lease.rearmed + lease.attempt - 1), HOLD_FACTOR_MAX);
  return durationOf(state, moment.playbook.spec.recover.release_after) * factor;
}

const releasing = (lease: LeaseState, stage: number, why: string): IncidentEvent => ({
  type: "lease.releasing",
  data: { leaseId: lease.id, share: RELEASE_SHARES[stage] ?? 0, why },
});

export const reverting = (lease: LeaseState, because: RevertCause, why: string): IncidentEvent => ({
  type: "lease.reverting",
  data: { leaseId: lease.id, because, why },
});

/** Why nobody was asked. */
export const AUTO = "the playbook says auto";

/** The events that put an approved or automatic lease in force. */
export const approveAndApply = (
  lease: Pick<LeaseState, "id" | "leaseMs">,
  atMs: number,
  why: string,
): readonly IncidentEvent[] => [
  { type: "lease.approved", data: { leaseId: lease.id, why } },
  { type: "lease.applying", data: { leaseId: lease.id, expiresAtMs: atMs + lease.leaseMs } },
];

/** Takes back, or declines, whatever has not ended. */
export const endAll = (
  state: IncidentState,
  because: RevertCause,
  why: string,
): readonly IncidentEvent[] => endingOf(state.leases, because, why);

const endingOf = (
  leases: readonly LeaseState[],
  because: RevertCause,
  why: string,
): readonly IncidentEvent[] =>
  leases
    .filter(
      (lease) => !hasEnded(lease) && lease.status !== "reverting" && lease.status !== "expired",
    )
    .map((lease) =>
      lease.status === "proposed"
        ? { type: "lease.declined", data: { leaseId: lease.id, why } }
        : reverting(lease, because, why),
    );

const isInForceOrApplying = (lease: LeaseState): boolean =>
  isInForce(lease) || lease.status === "applying";

const stepOf = (lease: LeaseState, steps: readonly CompiledStep[]): CompiledStep | undefined =>
  steps.find((step) => step.id === lease.step);
