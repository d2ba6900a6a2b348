/**
 * One incident, pure: `decide` says what a command means in a state, `evolve` what an event means, `react` what must
 * happen outside, `nextWakeAtMs` when to look again. Time and ids arrive inside the command.
 */
import { evidenceStage } from "./stages/evidence.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { heldUntilMs } from "../notify/bundle.ts";
import type { CommandOf, IncidentCommand, Rejection } from "./command.ts";
import { nextLevel, unreachedAtMs } from "./escalation.ts";
import { tellAgainAtMs } from "./mutes.ts";
import type { IncidentEvent } from "./journal.ts";
import { decideInStages, foldDrafts, type Ground, type Moment, type Stage } from "./moment.ts";
import { outgoing } from "./outgoing.ts";
import { decidePerson } from "./people.ts";
import { relays } from "./relay.ts";
import { decideResult } from "./results.ts";
import { isInForce, isResolved, type IncidentState } from "./state.ts";
import {
  expiryStage,
  rehearsalStage,
  releaseStage,
  renewStage,
  reselectStage,
  silenceDueAtMs,
  silenceStage,
  verifyStage,
} from "./stages/leases.ts";
import { actSilenceDueAtMs, actSilenceStage, actVerifyStage } from "./stages/acts.ts";
import { chaseDueAtMs } from "./chase.ts";
import { chaseStage } from "./stages/chase.ts";
import { checklistStage, recordsStage } from "./stages/checklist.ts";
import { mitigationStage } from "./stages/mitigation.ts";
import { mutedBy, muteStage, unmuteStage } from "./stages/mutes.ts";
import { escalationStage, resolutionStage, statusStage, updateStage } from "./stages/progress.ts";
import { recoveryStage, rulesStage, severityStage } from "./stages/rules.ts";
import { updateDueAtMs } from "./update-clock.ts";
import type { IncidentView } from "./view.ts";
import { viewOf } from "./view-of.ts";

const OBSERVE = [
  rulesStage,
  severityStage,
  recoveryStage,
  expiryStage,
  verifyStage,
  actVerifyStage,
  renewStage,
  reselectStage,
  releaseStage,
  rehearsalStage,
  mitigationStage,
  silenceStage,
  actSilenceStage,
  unmuteStage,
  escalationStage,
  updateStage,
  evidenceStage,
  checklistStage,
  resolutionStage,
  statusStage,
  recordsStage,
] as const;
const OBSERVE_RESOLVED = [expiryStage, chaseStage, recordsStage] as const;
const WAKE = [
  expiryStage,
  silenceStage,
  actSilenceStage,
  unmuteStage,
  escalationStage,
  updateStage,
  chaseStage,
  statusStage,
  recordsStage,
] as const;
const AFTER_RESULT = [statusStage, recordsStage] as const;
/** What a person's own command journals is that person's word; the records wait for the next that is Firebreak's. */
const AFTER_PERSON = [statusStage] as const;

/** What a command means: the events to append, none when there is nothing to do, or why it is refused. */
export function decide(
  state: IncidentState,
  command: IncidentCommand,
  ground: Ground,
): Result<readonly IncidentEvent[], Rejection> {
  if (command.type === "open") {
    return state.opened === null ? withMessages(state, open(command), command, ground) : ok([]);
  }
  if (state.opened === null)
    return err({ reason: "not_open", detail: "there is no such incident" });
  const decided = decideOpened(state, command, ground);
  return decided.ok ? withMessages(state, decided.value, command, ground) : decided;
}

function decideOpened(
  state: IncidentState,
  command: Exclude<IncidentCommand, { readonly type: "open" }>,
  ground: Ground,
): Result<readonly IncidentEvent[], Rejection> {
  switch (command.type) {
    case "observe": {
      const moment: Moment = { ...ground, ...command.data, command, atMs: command.atMs };
      return ok(decideInStages(state, moment, isResolved(state) ? OBSERVE_RESOLVED : OBSERVE));
    }
    case "wake":
      return ok(decideInStages(state, blind(command, ground), WAKE));
    case "mute":
      return ok(decideInStages(state, blind(command, ground), [muteStage(command), unmuteStage]));
    case "report_effect": {
      const decided = decideResult(state, command);
      return decided.ok
        ? ok(withStages(state, decided.value, command, ground, AFTER_RESULT))
        : decided;
    }
    default: {
      const decided = decidePerson(state, command, ground);
      return decided.ok
        ? ok(withStages(state, decided.value, command, ground, AFTER_PERSON))
        : decided;
    }
  }
}

/** When the incident must look again by itself; null when it waits for people or signals. */
export function nextWakeAtMs(state: IncidentState, ground: Ground): number | null {
  const wakes = [
    tellAgainAtMs(state),
    heldUntilMs(state.heard),
    nextLevel(state, ground.site.escalation)?.dueAtMs ?? null,
    unreachedAtMs(state, ground.site.channels),
    updateDueAtMs(state, ground.site.updateEveryMs),
    chaseDueAtMs(state, ground.site.reminders),
    ...state.leases.map((lease) =>
      isInForce(lease) || lease.status === "applying" ? lease.expiresAtMs : null,
    ),
    ...state.leases.map((lease) => silenceDueAtMs(lease, state, ground.playbook.steps)),
    ...state.acts.map((act) => actSilenceDueAtMs(act, state, ground.playbook.steps)),
  ].filter((atMs) => atMs !== null);
  return wakes.length === 0 ? null : Math.min(...wakes);
}

/** As people and programs read it, with what is due by what the site says. */
export const viewOn = (state: IncidentState, ground: Ground): IncidentView | null =>
  viewOf(state, nextWakeAtMs(state, ground), updateDueAtMs(state, ground.site.updateEveryMs));

/** Opens, assesses and starts to investigate in one go: what was seen is already in the command. */
function open(command: CommandOf<"open">): readonly IncidentEvent[] {
  const { playbook, incidentId, severity, readings, mutes = [], ...rest } = command.data;
  const { id, investigate } = playbook.spec;
  return [
    {
      type: "incident.opened",
      data: {
        ...rest,
        incidentId,
        severity,
        readings: [...readings],
        playbook: { id, sha256: playbook.sha256, source: playbook.source, spec: playbook.spec },
      },
    },
    ...mutes.map(mutedBy),
    {
      type: "incident.status_changed",
      data: { from: "detected", to: "triaged", why: `assessed as ${severity}` },
    },
    ...investigate.map(({ collect }): IncidentEvent => ({
      type: "evidence.requested",
      data: { collector: collect },
    })),
    {
      type: "incident.status_changed",
      data: { from: "triaged", to: "investigating", why: "evidence is being collected" },
    },
  ];
}

/** What follows from the events at once. */
function withStages(
  state: IncidentState,
  events: readonly IncidentEvent[],
  command: IncidentCommand,
  ground: Ground,
  stages: readonly Stage[],
): readonly IncidentEvent[] {
  const after = foldDrafts(state, events, command);
  return [...events, ...decideInStages(after, blind(command, ground), stages)];
}

/** A moment without signals: nothing that needs them can be concluded. */
const blind = (command: IncidentCommand, ground: Ground): Moment => ({
  ...ground,
  command,
  atMs: command.atMs,
  signals: {},
  autopilot: "off",
});

/** Adds the messages that the events ask for, each once in the incident's life, and what the public is to read elsewhere. */
function withMessages(
  state: IncidentState,
  events: readonly IncidentEvent[],
  command: IncidentCommand,
  ground: Ground,
): Result<readonly IncidentEvent[], Rejection> {
  const after = foldDrafts(state, events, command);
  const view = viewOn(after, ground);
  if (view === null) return ok(events);
  const said = outgoing(after, events, { view, site: ground.site, atMs: command.atMs });
  return ok([...events, ...said, ...relays(after, view, ground.site.publicChannels)]);
}

export { evolve } from "./evolve.ts";
export { react } from "./react.ts";
