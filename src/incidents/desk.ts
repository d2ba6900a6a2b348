/** What the desk decides about a trigger: does it join an open incident, reopen a recent one, or open a new one. Pure. */
import type { Alert } from "../alerts/alert.ts";
import type { GroupTurn } from "../alerts/groups.ts";
import type { BundledPlaybook } from "../playbooks/bundled.ts";
import { resolveDuration } from "../playbooks/params.ts";
import { sha256Hex, type IncidentId } from "../shared/ids.ts";
import type { Mute } from "../alerts/mutes.ts";
import { reasonOf, type MuteReason, type Silence } from "../alerts/silences.ts";
import type { Severity } from "../playbooks/schema.ts";
import type { CommandOf, IncidentCommand } from "./command.ts";
import type { Trigger } from "./desk-api.ts";
import { FIREBREAK } from "./journal.ts";
import { ALERTS_MUTE, couldMean, UNTOLD_MS_MAX, type IncidentMute } from "./mutes.ts";
import { isWorse } from "./severity.ts";
import type { IncidentView } from "./view.ts";

export type TriggerAnswer =
  | { readonly answer: "join"; readonly incidentId: string }
  | { readonly answer: "reopen"; readonly incidentId: string }
  | { readonly answer: "open" };

/** `latest` is the newest incident of the same playbook and scope, or null. */
export function answerTrigger(
  trigger: Trigger,
  latest: IncidentView | null,
  playbook: BundledPlaybook,
): TriggerAnswer {
  if (latest === null) return { answer: "open" };
  if (latest.status !== "resolved") return { answer: "join", incidentId: latest.id };
  const reopenMs = resolveDuration(playbook.spec.recover.reopen_within, trigger.params);
  const resolvedAtMs = latest.anchors.resolvedAtMs ?? 0;
  return trigger.atMs - resolvedAtMs <= reopenMs
    ? { answer: "reopen", incidentId: latest.id }
    : { answer: "open" };
}

/** The command that opens the incident a trigger asks for. Its id is the incident's: it opens once. */
export const openCommand = (
  trigger: Trigger,
  incidentId: IncidentId,
  {
    playbook,
    instance,
    silences,
  }: {
    readonly playbook: BundledPlaybook;
    readonly instance: string;
    /** Those that have not ended. */
    readonly silences: readonly Silence[];
  },
): CommandOf<"open"> => ({
  id: `open:${incidentId}`,
  type: "open",
  atMs: trigger.atMs,
  actor: trigger.actor,
  data: {
    incidentId,
    instance,
    scope: trigger.scope,
    title: trigger.title,
    playbook,
    params: trigger.params,
    severity: trigger.severity,
    onsetAtMs: trigger.onsetAtMs,
    rules: trigger.rules,
    readings: trigger.readings,
    drill: trigger.drill,
    mutes: silences
      .filter((silence) =>
        couldMean(silence, {
          playbook: playbook.spec.id,
          severity: trigger.severity,
          scope: trigger.scope,
          statusPage: playbook.spec.communicate.status_page ?? null,
        }),
      )
      .map(silenceMute),
  },
});

/** What an incident hears of a trigger that joins it, null when its own observation tells it already. */
export function joinCommand(trigger: Trigger, answer: TriggerAnswer): IncidentCommand | null {
  const base = { atMs: trigger.atMs, actor: trigger.actor };
  if (answer.answer === "reopen") {
    return {
      ...base,
      id: `reopen:${trigger.id}`,
      type: "reopen",
      data: { why: `${trigger.title} again`, rules: trigger.rules },
    };
  }
  if (trigger.actor.kind === "monitor") return null;
  return {
    ...base,
    id: `join:${trigger.id}`,
    type: "note",
    data: { text: `Triggered again: ${trigger.title}` },
  };
}

/** The trigger that an alert is which no playbook claims. */
export const alertTrigger = ({ turn, alert, scope, others }: GroupTurn, atMs: number): Trigger => ({
  id: `${scope}:${alert.fingerprint}:${alert.startsAtMs}${againOf(turn, alert, atMs)}`,
  playbook: null,
  scope,
  title: titleWith(alert, others),
  severity: alert.severity,
  params: {},
  onsetAtMs: alert.startsAtMs,
  atMs,
  rules: {},
  readings: [],
  actor: { kind: "webhook", id: alert.source },
  drill: false,
});

/** The same alert may have had an incident already, that a person resolved meanwhile: what was quiet since, or is worse now, is news. */
function againOf(turn: GroupTurn["turn"], { severity }: Alert, atMs: number): string {
  if (turn === "sounds") return `:${atMs}`;
  return turn === "worsens" ? `:${severity}` : "";
}

/** Its first words stay whole where several are told of. */
const titleWith = ({ title }: Alert, others: number): string =>
  others === 0 ? title : `${title} (and ${others} more)`;

/**
 * What an open incident hears of its alerts. What fires again may find it about to be resolved: asked twice, it is refused.
 *
 * @param severity What the incident is at, as far as the desk knows.
 */
export function alertCommands(
  turn: GroupTurn,
  severity: Severity,
  atMs: number,
): readonly IncidentCommand[] {
  const { alert } = turn;
  const { source, title } = alert;
  const about = `${source}:${alert.fingerprint}:${alert.startsAtMs}`;
  const base = { atMs, actor: { kind: "webhook", id: source } } as const;
  const worse = {
    ...base,
    id: `worse:${about}`,
    type: "set_severity",
    data: { severity: alert.severity, why: `${source} says: ${title}` },
  } as const;
  switch (turn.turn) {
    case "fires":
      return [{ ...base, id: `again:${about}`, type: "reopen", data: { why: `${title} again` } }];
    case "worsens":
      return [worse];
    case "grows": {
      const text = `More alerts of its group: ${titleWith(alert, turn.others)}`;
      const data = { text, alerts: turn.others + 1 };
      return [{ ...base, id: `grows:${about}:${atMs}`, type: "note", data }];
    }
    case "quiets":
      return [{ ...muteCommand([alertsMute(turn.mute, alert, atMs)], atMs), actor: base.actor }];
    case "sounds": {
      // Raised first, so that what is said of it then is true.
      const raise = isWorse(alert.severity, severity)
        ? [{ ...worse, id: `${worse.id}:${atMs}` }]
        : [];
      const why = `${title} can be heard again`;
      const ended = { ...alertsMute(turn.mute, alert, atMs), why, endsAtMs: atMs };
      return [...raise, { ...muteCommand([ended], atMs), actor: base.actor }];
    }
    case "ends": {
      const why = `${source} says the alert has ended`;
      return [{ ...base, id: `ended:${about}`, type: "resolve", data: { why } }];
    }
  }
}

/** What an incident whose alerts are all quiet is kept quiet by. */
const alertsMute = (
  { because, by, untilMs }: Mute,
  { title }: Alert,
  atMs: number,
): IncidentMute => ({
  id: ALERTS_MUTE,
  because,
  by,
  why: QUIET_WORDS[because](title),
  startsAtMs: atMs,
  endsAtMs: untilMs ?? atMs + UNTOLD_MS_MAX,
});

const QUIET_WORDS: Readonly<Record<MuteReason, (title: string) => string>> = {
  silenced: (title) => `its alerts are silenced: ${title}`,
  maintenance: (title) => `its alerts belong to maintenance: ${title}`,
  inhibited: (title) => `another alert that fires explains its own: ${title}`,
  gathering: (title) => `the other alerts of its group are waited for: ${title}`,
  flapping: (title) => `${title} begins and ends again and again; quiet until it stops to`,
};

/** What a silence is to an incident that it may mean. */
export const silenceMute = (silence: Silence): IncidentMute => ({
  id: silence.id,
  because: reasonOf(silence),
  by: silence.author,
  why: silence.comment,
  matchers: silence.matchers,
  startsAtMs: silence.startsAtMs,
  endsAtMs: silence.endsAtMs,
});

/** Derived from what it says, so that saying it twice is saying it once. */
export const muteCommand = (mutes: readonly IncidentMute[], atMs: number): CommandOf<"mute"> => ({
  id: `mute:${sha256Hex(JSON.stringify([mutes, atMs])).slice(0, 26)}`,
  type: "mute",
  atMs,
  actor: FIREBREAK,
  data: { mutes },
});

/** The index's first picture of an incident, until its own projection arrives. */
export const firstView = ({ data, atMs }: CommandOf<"open">): IncidentView => ({
  id: data.incidentId,
  instance: data.instance,
  playbook: data.playbook.spec.id,
  scope: data.scope,
  title: data.title,
  severity: data.severity,
  status: "detected",
  lead: null,
  acknowledgedBy: null,
  drill: data.drill,
  firingRules: [],
  leases: [],
  acts: [],
  anchors: {
    onsetAtMs: data.onsetAtMs,
    detectedAtMs: atMs,
    respondedAtMs: null,
    acknowledgedAtMs: null,
    mitigatedAtMs: null,
    enforcedAtMs: null,
    recoveredAtMs: null,
    releasedAtMs: null,
    resolvedAtMs: null,
  },
  postmortem: "none",
  nextWakeAtMs: null,
  seq: 0,
  statusPage: data.playbook.spec.communicate.status_page ?? null,
  updates: [{ seq: 1, atMs, status: "investigating", message: null, component: null }],
});
