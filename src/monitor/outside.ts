/** The monitor's calls to other objects: each has a deadline, none can fail a tick, and the next tick repeats what did not arrive. */
import type { FollowedIncident } from "./memory.ts";
import { MONITOR } from "./tick.ts";
import type { Autopilot, IncidentCommand } from "../incidents/command.ts";
import type { DeskApi, Trigger } from "../incidents/desk-api.ts";
import type { IncidentApi } from "../incidents/incident-api.ts";
import { PLAIN_PLAYBOOK_ID } from "../incidents/plain.ts";
import { withinDeadline } from "../platform/deadline.ts";
import { errorName } from "../platform/error-name.ts";
import type { SignalSet } from "../signals/signal.ts";
import { say } from "../shared/log.ts";

export const DESK_MS_MAX = 5_000;
export const INCIDENT_MS_MAX = 5_000;
/** An incident's own alarm gets this long before the watchdog steps in. */
export const WAKE_GRACE_MS = 5_000;

export type Outside = {
  /** Made per call: a stub that once lost its object stays broken. */
  readonly desk: () => Pick<DeskApi, "trigger" | "open">;
  readonly incident: (id: string) => Pick<IncidentApi, "handle">;
  /** Tells the guards how often to ask for the policy. */
  readonly setPollMs: (pollMs: number) => Promise<void>;
};

/** The ids of the triggers that arrived. */
export async function deliverTriggers(
  triggers: readonly Trigger[],
  { desk }: Outside,
): Promise<readonly string[]> {
  const delivered = await Promise.all(
    triggers.map(async (trigger) => {
      const answer = await attempt("desk.trigger", DESK_MS_MAX, () => desk().trigger(trigger));
      return answer === null ? [] : [trigger.id];
    }),
  );
  return delivered.flat();
}

/** The incidents to feed; null when the desk does not answer. */
export async function askWhom({ desk }: Outside): Promise<readonly FollowedIncident[] | null> {
  const views = await attempt("desk.open", DESK_MS_MAX, () => desk().open());
  if (views === null) return null;
  return views.map(({ id, playbook, status, leases, nextWakeAtMs }) => {
    const isOpen = status !== "resolved";
    const isWatched = isOpen && (playbook !== PLAIN_PLAYBOOK_ID || leases.length > 0);
    return { id, playbook, isOpen, isWatched, nextWakeAtMs };
  });
}

export type Observation = {
  readonly tickAtMs: number;
  readonly nowMs: number;
  readonly signals: SignalSet;
  readonly autopilotOf: (playbook: string) => Autopilot;
};

/** Gives every followed incident the signals of this tick, all at once. */
export async function feed(
  incidents: readonly FollowedIncident[],
  { tickAtMs, nowMs, signals, autopilotOf }: Observation,
  outside: Outside,
): Promise<void> {
  await handleAll(incidents, outside, ({ playbook }) => ({
    id: `observe:${tickAtMs}`,
    type: "observe",
    atMs: nowMs,
    actor: MONITOR,
    data: { signals, autopilot: autopilotOf(playbook) },
  }));
}

/** Wakes every open incident that should have woken by itself. */
export async function wakeOverdue(
  incidents: readonly FollowedIncident[],
  nowMs: number,
  outside: Outside,
): Promise<void> {
  const overdue = incidents.filter(
    ({ isOpen, nextWakeAtMs }) =>
      isOpen && nextWakeAtMs !== null && nowMs - nextWakeAtMs >= WAKE_GRACE_MS,
  );
  await handleAll(overdue, outside, () => ({
    id: `wake:${nowMs}`,
    type: "wake",
    atMs: nowMs,
    actor: MONITOR,
    data: {},
  }));
}

/** Whether the guards were told. */
export async function tellGuards(pollMs: number, { setPollMs }: Outside): Promise<boolean> {
  const told = await attempt("policy.setPollMs", DESK_MS_MAX, async () => {
    await setPollMs(pollMs);
    return true;
  });
  return told !== null;
}

async function handleAll(
  incidents: readonly FollowedIncident[],
  { incident }: Outside,
  commandFor: (incident: FollowedIncident) => IncidentCommand,
): Promise<void> {
  await Promise.all(
    incidents.map((one) =>
      attempt(`incident ${one.id}`, INCIDENT_MS_MAX, () =>
        incident(one.id).handle(commandFor(one)),
      ),
    ),
  );
}

/** What the call answers, or null when it fails or its deadline passes. */
async function attempt<T>(
  what: string,
  deadlineMs: number,
  call: () => Promise<T>,
): Promise<T | null> {
  try {
    const answer = await withinDeadline(deadlineMs, call);
    if (answer.ok) return answer.value;
    say("warn", {
      part: "monitor",
      detail: `${what} did not answer within ${deadlineMs} ms; the next tick tries again`,
    });
  } catch (error) {
    say("warn", {
      part: "monitor",
      detail: `${what} failed (${errorName(error)}); the next tick tries again`,
    });
  }
  return null;
}
