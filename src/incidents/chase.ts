/** What an incident that is over still owes, and when whoever owes it is reminded. Pure. */
import type { WrittenItem } from "../postmortem/action-items.ts";
import { dueAfter } from "../postmortem/due.ts";
import { afterQuietMs } from "./mutes.ts";
import { isResolved, type IncidentState } from "./state.ts";

/** When people are reminded of what is due: once before, once when it is, and then ever more rarely. */
export type Reminders = {
  readonly beforeMs: number;
  /** After it was due, in ascending order. */
  readonly afterMs: readonly number[];
};

const DAY_MS = 24 * 3_600_000;

/** Of a post-mortem, which is due after five days: on days 4, 5, 8, 15 and 30. */
export const USUAL_REMINDERS: Reminders = {
  beforeMs: DAY_MS,
  afterMs: [3 * DAY_MS, 10 * DAY_MS, 25 * DAY_MS],
};

export type Owed = {
  /** Null: the post-mortem itself. */
  readonly action: string | null;
  readonly owner: string | null;
  readonly dueAtMs: number;
};

/** When whoever owes something is next reminded; null while nothing is owed, or no reminder is left. */
export function chaseDueAtMs(state: IncidentState, reminders: Reminders): number | null {
  const sinceMs = chasedSinceMs(state);
  const nextMs = Math.min(
    ...owedOf(state)
      .flatMap(({ dueAtMs }) => momentsOf(dueAtMs, reminders))
      .filter((atMs) => atMs > sinceMs),
  );
  return Number.isFinite(nextMs) ? afterQuietMs(state, nextMs) : null;
}

/** What a reminder that is sent now is about: all that became due to be told since the last one. */
export const owedBy = (
  state: IncidentState,
  reminders: Reminders,
  atMs: number,
): readonly Owed[] => {
  const sinceMs = chasedSinceMs(state);
  return owedOf(state).filter(({ dueAtMs }) =>
    momentsOf(dueAtMs, reminders).some((one) => one > sinceMs && one <= atMs),
  );
};

/** A reminder that came late stands for those that it overslept. */
const chasedSinceMs = ({ anchors, chasedAtMs }: IncidentState): number =>
  Math.max(anchors.resolvedAtMs ?? 0, chasedAtMs ?? 0);

const momentsOf = (dueAtMs: number, { beforeMs, afterMs }: Reminders): readonly number[] => [
  dueAtMs - beforeMs,
  dueAtMs,
  ...afterMs.map((ms) => dueAtMs + ms),
];

/** A rehearsal owes nothing, and what is open again has something better to do. */
function owedOf(state: IncidentState): readonly Owed[] {
  if (state.opened === null || state.opened.drill || !isResolved(state)) return [];
  const itself = state.postmortem === "completed" ? null : owedPostmortem(state);
  return [...(itself === null ? [] : [itself]), ...state.actions.flatMap(owedItem)];
}

/** Who owes the post-mortem, and until when; null where none has to be. */
export function owedPostmortem({ opened, severity, lead, anchors }: IncidentState) {
  if (opened === null) return null;
  const { drill, playbook } = opened;
  const dueAtMs = dueAfter({ severity, drill, resolvedAtMs: anchors.resolvedAtMs });
  return dueAtMs === null ? null : { action: null, owner: lead ?? playbook.spec.owner, dueAtMs };
}

const owedItem = ({ action, owner, dueAtMs, isDone }: WrittenItem): readonly Owed[] =>
  isDone || dueAtMs === null ? [] : [{ action, owner, dueAtMs }];
