/** The promise that people hear something new in time: when it is due, and what may be said. Pure. */
import { formatDuration } from "../shared/duration.ts";
import { afterQuietMs } from "./mutes.ts";
import { publicStatus, type PublicStatus } from "./public.ts";
import { pages } from "./severity.ts";
import { isResolved, type IncidentState } from "./state.ts";

/** Reminders of one incident until it opens again: at the usual pace, a day of them. */
export const REMINDERS_MAX = 48;

/** When an update is next due; null where none is promised: `everyMs` is null, or the severity wakes nobody. */
export function updateDueAtMs(state: IncidentState, everyMs: number | null): number | null {
  if (everyMs === null || state.opened === null || isResolved(state)) return null;
  if (!pages(state.severity) || state.reminders >= REMINDERS_MAX) return null;
  return afterQuietMs(state, lastSaidAtMs(state) + everyMs);
}

/** When the public, or whoever should tell them, last heard of it. */
const lastSaidAtMs = (state: IncidentState): number =>
  Math.max(
    state.askedSinceMs,
    state.unmutedAtMs ?? 0,
    state.updates.at(-1)?.atMs ?? 0,
    state.lastReminderAtMs ?? 0,
  );

const STANDS: Readonly<Record<PublicStatus, string>> = {
  investigating: "We are still looking into it.",
  identified: "We are taking measures against it.",
  monitoring: "Measures are in place, and we watch whether they help.",
  resolved: "It is over.",
};

/** Drafted from what changed since the last update, and from nothing internal: no names, numbers or words of others. */
export function draftUpdate(state: IncidentState, everyMs: number): string {
  const sinceMs = state.updates.at(-1)?.atMs ?? state.askedSinceMs;
  const isNew = (atMs: number | null): boolean => atMs !== null && atMs > sinceMs;
  const isDone =
    state.leases.some(({ appliedAtMs, shadow }) => !shadow && isNew(appliedAtMs)) ||
    state.acts.some(({ performedAtMs, shadow }) => !shadow && isNew(performedAtMs));
  const changes = [
    ...(isDone ? ["Since the last update, a measure has been taken."] : []),
    ...(isNew(state.recoveredSinceMs) ? ["Since the last update, it has begun to recover."] : []),
  ];
  const status = publicStatus(state.updates, state.status);
  const isWell = status === "monitoring" && state.recoveredSinceMs !== null;
  return [
    isWell ? "It works normally again, and we keep watching." : STANDS[status],
    ...(changes.length === 0 ? ["Nothing has changed since the last update."] : changes),
    `The next update follows within ${formatDuration(everyMs)}.`,
  ].join(" ");
}
