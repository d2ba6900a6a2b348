/** Who is asked when nobody answers: one level after the other, as often as the site says, until somebody acknowledges. Pure. */
import type { EscalationSpec } from "../playbooks/site-people.ts";
import { resolveDuration } from "../playbooks/params.ts";
import type { Severity } from "../playbooks/schema.ts";
import { afterQuietMs } from "./mutes.ts";
import { RESPONSE_MS } from "./severity.ts";
import { isResolved, type IncidentState } from "./state.ts";

/** After this long without one delivered message, whoever can be reached at all is told. */
export const REACH_MS = 2 * 60_000;

export type Level = {
  /** After the level before it; null: the severity's response time. */
  readonly afterMs: number | null;
  /** Ids in `site.yaml`. */
  readonly channels: readonly string[];
  readonly people: readonly string[];
};

export type Escalation = {
  readonly respondMs: Readonly<Record<Severity, number>>;
  /** At least one. */
  readonly levels: readonly [Level, ...Level[]];
  readonly repeat: number;
};

/** Nobody beside those who heard of it already. */
const NOBODY_ELSE: Level = { afterMs: null, channels: [], people: [] };

/** Where `site.yaml` says nothing: the mission's response times, and three times the channels of the severity. */
export const USUAL_ESCALATION: Escalation = {
  respondMs: RESPONSE_MS,
  levels: [NOBODY_ELSE],
  repeat: 2,
};

export function escalationOf({ respond_within, levels, repeat }: EscalationSpec): Escalation {
  const [first = NOBODY_ELSE, ...others] = levels.map(({ after, channels, people }) => ({
    afterMs: after === undefined ? null : resolveDuration(after, {}),
    channels,
    people,
  }));
  return {
    respondMs: {
      "SEV-1": resolveDuration(respond_within["SEV-1"], {}),
      "SEV-2": resolveDuration(respond_within["SEV-2"], {}),
      "SEV-3": resolveDuration(respond_within["SEV-3"], {}),
      "SEV-4": resolveDuration(respond_within["SEV-4"], {}),
    },
    levels: [first, ...others],
    repeat,
  };
}

/** Whom silence asks next, and when. */
export type NextLevel = {
  readonly dueAtMs: number;
  readonly level: Level;
  /** From 1; null where the site names no levels. */
  readonly number: number | null;
};

/** Null when somebody answered, or everybody was asked as often as the site says. */
export function nextLevel(state: IncidentState, policy: Escalation): NextLevel | null {
  if (!isWaitingForAnswer(state)) return null;
  const { levels, repeat, respondMs } = policy;
  if (state.silences >= levels.length * (1 + repeat)) return null;
  const place = state.silences % levels.length;
  const level = levels[place] ?? levels[0];
  // Counted from the last time, so that an alarm that comes late does not ask everybody at once.
  const sinceMs = heardSinceMs(state, state.lastSilenceAtMs ?? state.askedSinceMs);
  return {
    dueAtMs: afterQuietMs(state, sinceMs + (level.afterMs ?? respondMs[state.severity])),
    level,
    number: level === NOBODY_ELSE ? null : place + 1,
  };
}

/** When it is taken for certain that no page gets through; null when one did, when nobody is to be woken, or when this was said. */
export function unreachedAtMs(state: IncidentState, channels: readonly unknown[]): number | null {
  // From when somebody is first to be woken: before, there was nobody to reach.
  const { pagesSinceMs } = state;
  if (!isWaitingForAnswer(state) || pagesSinceMs === null || channels.length === 0) return null;
  if (state.reachedAtMs !== null || state.unreachedAtMs !== null) return null;
  return afterQuietMs(state, heardSinceMs(state, pagesSinceMs) + REACH_MS);
}

/** Since when it is known to people, who were known to it since `sinceMs`: nobody answers what they were kept from hearing. */
export const heardSinceMs = ({ unmutedAtMs }: IncidentState, sinceMs: number): number =>
  Math.max(sinceMs, unmutedAtMs ?? sinceMs);

const isWaitingForAnswer = (state: IncidentState): boolean =>
  state.opened !== null && !isResolved(state) && state.acknowledgedBy === null;
