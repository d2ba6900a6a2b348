/** Which events a timeline tells, and in which words: what an on-call engineer would notice, and nothing else. */
import type { IncidentEvent } from "../../src/incidents/journal.ts";
import type { IncidentState } from "../../src/incidents/state.ts";
import { firingRules } from "../../src/detection/trigger.ts";

/** One line, or null for what only the journal keeps. `state` is the incident's after the event. */
export function lineOf(event: IncidentEvent, state: IncidentState): string | null {
  const step = (leaseId: string): string =>
    state.leases.find(({ id }) => id === leaseId)?.step ?? leaseId;
  const actStep = (actId: string): string =>
    state.acts.find(({ id }) => id === actId)?.step ?? actId;
  switch (event.type) {
    case "incident.opened":
      return `opened ${event.data.severity} by ${firingRules(event.data.rules).join(", ")}`;
    case "incident.severity_set":
      return `severity ${event.data.to}`;
    case "incident.acknowledged":
      return "acknowledged";
    case "incident.escalated":
      return `escalated: ${event.data.because}`;
    case "incident.recovery_seen":
      return "recovered";
    case "incident.recovery_lost":
      return "relapsed";
    case "incident.resolved":
      return "resolved";
    case "incident.reopened":
      return "reopened";
    case "message.requested":
      // What comes after the colon tells two such messages apart, and no person.
      return `told ${event.data.channel}: ${event.data.message.split(":")[0]}`;
    case "step.skipped":
      return `skipped ${event.data.step}: ${event.data.why}`;
    case "lease.proposed":
      return event.data.mode === "auto" && !event.data.shadow
        ? null
        : `proposed ${event.data.step}${event.data.shadow ? " in shadow" : ""}`;
    case "lease.widened":
      return `widened ${step(event.data.leaseId)}`;
    case "lease.applied":
      return `applied ${step(event.data.leaseId)}`;
    case "lease.effective":
      return `helped: ${step(event.data.leaseId)}`;
    case "lease.ineffective":
      return `did not help: ${step(event.data.leaseId)}`;
    case "lease.releasing":
      return `released ${step(event.data.leaseId)} to ${event.data.share}`;
    case "lease.rearmed":
      return `put back ${step(event.data.leaseId)}`;
    case "lease.reverted":
      return `took back ${step(event.data.leaseId)}`;
    case "lease.expired":
      return `expired ${step(event.data.leaseId)}`;
    case "lease.declined":
      return `declined ${step(event.data.leaseId)}`;
    case "lease.failed":
      return `failed to ${event.data.during} ${step(event.data.leaseId)}`;
    case "act.judged": {
      const act = state.acts.find(({ id }) => id === event.data.actId);
      return act?.mode === "auto" && !act.shadow
        ? null
        : `prepared ${actStep(event.data.actId)}${act?.shadow === true ? " in shadow" : ""}`;
    }
    case "act.performed":
      return `did ${actStep(event.data.actId)}`;
    case "act.effective":
      return `helped: ${actStep(event.data.actId)}`;
    case "act.ineffective":
      return `did not help: ${actStep(event.data.actId)}`;
    case "act.declined":
      return `declined ${actStep(event.data.actId)}`;
    case "act.failed":
      return `failed to ${event.data.during} ${actStep(event.data.actId)}`;
    default:
      return null;
  }
}
