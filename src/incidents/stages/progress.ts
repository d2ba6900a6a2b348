/** The flow of the incident itself: its status, escalation when nobody answers, and resolution. */
import { formatDuration } from "../../shared/duration.ts";
import type { IncidentEvent, IncidentStatus } from "../journal.ts";
import { heardSinceMs, nextLevel, unreachedAtMs } from "../escalation.ts";
import { durationOf, type Stage } from "../moment.ts";
import {
  hasEnded,
  isLeftToPeople,
  isPreparedAct,
  isPrepared,
  isResolved,
  isUndecided,
  type IncidentState,
} from "../state.ts";
import { draftUpdate, updateDueAtMs } from "../update-clock.ts";
import { withdraw } from "./acts.ts";
import { endAll } from "./leases.ts";

/** Moves the status to what the leases and the signals say. */
export const statusStage: Stage = (state) => {
  if (isResolved(state)) return [];
  const to = statusOf(state);
  return to.status === state.status
    ? []
    : [
        {
          type: "incident.status_changed",
          data: { from: state.status, to: to.status, why: to.why },
        },
      ];
};

function statusOf(state: IncidentState): { readonly status: IncidentStatus; readonly why: string } {
  const real = state.leases.filter(
    (lease) => !lease.shadow && !lease.beside && !hasEnded(lease) && !isPrepared(lease),
  );
  if (real.some((lease) => lease.status === "proposed" || lease.status === "applying")) {
    return { status: "mitigating", why: "a mitigation is being applied" };
  }
  const acts = state.acts.filter(
    (act) => act.round === state.timesResolved && !act.shadow && !act.beside,
  );
  if (
    acts.some((act) => act.status === "performing" || (isUndecided(act) && !isPreparedAct(act)))
  ) {
    return { status: "mitigating", why: "an act is being decided on or done" };
  }
  const holds = real.some((lease) => lease.because !== "ineffective" && lease.because !== "failed");
  const last = acts.findLast((act) => !isUndecided(act));
  if (!holds && (last?.status === "performed" || last?.status === "effective")) {
    return { status: "monitoring", why: "an act was done" };
  }
  if (holds) return { status: "monitoring", why: "a mitigation is in force" };
  if (state.recoveredSinceMs !== null) return { status: "monitoring", why: "recovery was seen" };
  return { status: "investigating", why: "nothing that helps is in force" };
}

/** Asks the next level when nobody acknowledged in time, and everybody when no message gets through to anybody. */
export const escalationStage: Stage = (state, moment) => [
  ...escalateUnreached(state, moment),
  ...escalateSilence(state, moment),
];

const escalateUnreached: Stage = (state, { atMs, site }) => {
  const dueAtMs = unreachedAtMs(state, site.channels);
  if (dueAtMs === null || atMs < dueAtMs) return [];
  const why = `no message reached anybody within ${formatDuration(atMs - heardSinceMs(state, state.pagesSinceMs ?? atMs))}`;
  const channels = site.channels.map(({ id }) => id);
  return [{ type: "incident.escalated", data: { because: "unreached", why, channels } }];
};

const escalateSilence: Stage = (state, { atMs, site }) => {
  const next = nextLevel(state, site.escalation);
  if (next === null || atMs < next.dueAtMs) return [];
  const why = `nobody acknowledged within ${formatDuration(atMs - heardSinceMs(state, state.askedSinceMs))}`;
  const { level, number } = next;
  const asked =
    number === null
      ? {}
      : { level: number, channels: [...level.channels], people: [...level.people] };
  return [{ type: "incident.escalated", data: { because: "silence", why, ...asked } }];
};

/** Reminds whoever promised an update. */
export const updateStage: Stage = (state, { atMs, site: { updateEveryMs } }) => {
  const dueAtMs = updateDueAtMs(state, updateEveryMs);
  if (updateEveryMs === null || dueAtMs === null || atMs < dueAtMs) return [];
  const why = `the public has heard nothing new for ${formatDuration(updateEveryMs)}`;
  const draft = draftUpdate(state, updateEveryMs);
  return [{ type: "incident.update_due", data: { why, draft } }];
};

/** Resolves when all has been well, with nothing applied, for as long as the playbook asks. What a person never started is dropped. */
export const resolutionStage: Stage = (state, moment) => {
  if (isResolved(state) || state.recoveredSinceMs === null) return [];
  if (!state.leases.every((lease) => hasEnded(lease) || isLeftToPeople(lease))) return [];
  if (state.acts.some((act) => act.status === "performing")) return [];
  const stableMs = durationOf(state, moment.playbook.spec.recover.stable_for);
  const sinceMs = Math.max(state.recoveredSinceMs, state.anchors.releasedAtMs ?? 0);
  if (moment.atMs - sinceMs < stableMs) return [];
  const why = `well for ${formatDuration(moment.atMs - sinceMs)} with nothing applied`;
  return [...dropAll(state), ...resolved(why)];
};

/** What ends with the incident: leases are taken back, and what waits for a person waits no longer. */
export const dropAll = (state: IncidentState): readonly IncidentEvent[] => [
  ...endAll(state, "resolved", "the incident was resolved"),
  ...withdraw(state, "the incident was resolved"),
];

/** The end of an incident, and the beginning of its post-mortem. */
export const resolved = (why: string): readonly IncidentEvent[] => [
  { type: "incident.resolved", data: { why } },
  { type: "postmortem.drafted", data: {} },
];
