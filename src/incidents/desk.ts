/** What the desk decides about a trigger: does it join an open incident, reopen a recent one, or open a new one. Pure. */
import type { Alert } from "../alerts/alert.ts";
import type { GroupTurn } from "../alerts/groups.ts";
import type { BundledPlaybook } from "../playbooks/bundled.ts";
import { resolveDuration } from "../playbooks/params.ts";
import type { IncidentId } from "../shared/ids.ts";
import type { CommandOf, IncidentCommand } from "./command.ts";
import type { Trigger } from "./desk-api.ts";
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
  { playbook, instance }: { readonly playbook: BundledPlaybook; readonly instance: string },
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
export const alertTrigger = (alert: Alert, scope: string, atMs: number): Trigger => ({
  id: `${scope}:${alert.fingerprint}:${alert.startsAtMs}`,
  playbook: null,
  scope,
  title: alert.title,
  severity: alert.severity,
  params: {},
  onsetAtMs: alert.startsAtMs,
  atMs,
  rules: {},
  readings: [],
  actor: { kind: "webhook", id: alert.source },
  drill: false,
});

/** What an open incident hears of its alerts. What fires again may find it about to be resolved: asked twice, it is refused. */
export function alertCommand(turn: GroupTurn["turn"], alert: Alert, atMs: number): IncidentCommand {
  const { source, title, severity } = alert;
  const about = `${source}:${alert.fingerprint}:${alert.startsAtMs}`;
  const base = { atMs, actor: { kind: "webhook", id: source } } as const;
  switch (turn) {
    case "fires":
      return { ...base, id: `again:${about}`, type: "reopen", data: { why: `${title} again` } };
    case "worsens": {
      const why = `${source} says: ${title}`;
      return { ...base, id: `worse:${about}`, type: "set_severity", data: { severity, why } };
    }
    case "ends": {
      const why = `${source} says the alert has ended`;
      return { ...base, id: `ended:${about}`, type: "resolve", data: { why } };
    }
  }
}

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
