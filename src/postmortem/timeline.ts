/** One line per journal row, in words. No row is left out: what this version does not know is shown as it is. */
import {
  readEvent,
  type EventData,
  type IncidentEvent,
  type JournalRow,
} from "../incidents/journal.ts";
import { isActEvent, type ActEvent } from "../incidents/evolve-acts.ts";
import { formatDuration } from "../shared/duration.ts";
import { shareText } from "../shared/share.ts";
import { utcTime } from "../shared/utc.ts";
import { code, prose } from "./markdown.ts";

export type TimelineLine = {
  readonly seq: number;
  readonly atMs: number;
  readonly type: string;
  /** Safe Markdown, one line. */
  readonly text: string;
};

type Readings = EventData["incident.opened"]["readings"];
/** What ids stand for: a lease's or an act's actuator, a delivery's channel. */
type Names = ReadonlyMap<string, string>;

/** The journal as lines, oldest first. */
export function timelineOf(rows: readonly JournalRow[]): readonly TimelineLine[] {
  const names: Map<string, string> = new Map();
  return rows.map((row) => {
    const event = readEvent(row);
    if (event?.type === "lease.proposed") names.set(event.data.leaseId, event.data.actuator);
    if (event?.type === "act.proposed") names.set(event.data.actId, event.data.actuator);
    if (event?.type === "message.requested") names.set(event.data.deliveryId, event.data.channel);
    const what = event === null ? unreadable(row) : describe(event, names);
    return { seq: row.seq, atMs: row.atMs, type: row.type, text: `${what} (${actorName(row)})` };
  });
}

/** `"probe.around_success_ratio = 0.25, redis.reachable_ratio unknown: timeout"`, as Markdown. */
export const readingsText = (readings: Readings): string =>
  readings
    .map(({ signal, value, unknown }) =>
      value === undefined
        ? `${code(signal)} unknown: ${code(unknown ?? "no reason given")}`
        : `${code(signal)} = ${valueText(value)}`,
    )
    .join(", ");

const valueText = (value: number | boolean | string): string =>
  typeof value === "number" ? String(Number(value.toPrecision(6))) : prose(String(value));

const actorName = ({ actor }: JournalRow): string =>
  actor.kind === actor.id ? actor.kind : `${prose(actor.kind)} ${code(actor.id)}`;

const unreadable = (row: JournalRow): string =>
  `${code(row.type)}, version ${row.v}, which this version cannot read: ${prose(JSON.stringify(row.data) ?? "no data")}`;

function describe(event: IncidentEvent, names: Names): string {
  switch (event.type) {
    case "incident.opened":
      return withReadings(
        `**Detected**: ${prose(event.data.title)}, ${event.data.severity}, by playbook ${code(event.data.playbook.id)}${event.data.drill ? ", as a drill" : ""}`,
        event.data.readings,
      );
    case "incident.triggered":
      return withReadings(
        `Triggered again by ${event.data.rules.map(code).join(", ")}`,
        event.data.readings,
      );
    case "incident.status_changed":
      return `Status ${event.data.from} → ${event.data.to}: ${prose(event.data.why)}`;
    case "incident.acknowledged":
      return "**Acknowledged**";
    case "incident.lead_taken":
      return `Lead taken by ${prose(event.data.lead)}${handedOver(event.data)}`;
    case "incident.noted":
      return `Note: ${prose(event.data.text)}`;
    case "incident.severity_set":
      return `Severity ${event.data.from} → ${event.data.to}: ${prose(event.data.why)}`;
    case "incident.escalated":
      return `**Escalated**: ${prose(event.data.why)}`;
    case "incident.linked":
      return `Linked to ${event.data.kind} ${prose(event.data.target)}: ${prose(event.data.says)}${whyText(event.data.why)}`;
    case "incident.unlinked":
      return `No longer linked to ${prose(event.data.target)}${whyText(event.data.why)}`;
    case "incident.update_due":
      return `Update due: ${prose(event.data.why)}`;
    case "incident.support_asked":
      return `**Support asked**: ${prose(event.data.name)}: ${prose(event.data.why)}`;
    case "incident.support_answered":
      return `${prose(event.data.supplier)} answered: ${prose(event.data.text)}`;
    case "incident.muted":
      if (event.data.endsAtMs <= event.data.startsAtMs) {
        return `Quiet no longer: ${prose(event.data.why)}`;
      }
      return `Quiet (${event.data.because}, ${code(event.data.by)}) until ${utcTime(event.data.endsAtMs)}: ${prose(event.data.why)}`;
    case "incident.unmuted":
      return `Heard again: ${prose(event.data.why)}`;
    case "incident.recovery_seen":
      return withReadings("**Recovery seen**", event.data.readings);
    case "incident.recovery_lost":
      return withReadings("Recovery lost", event.data.readings);
    case "incident.resolved":
      return `**Resolved**: ${prose(event.data.why)}`;
    case "incident.reopened":
      return `**Reopened**: ${prose(event.data.why)}`;
    case "rule.changed":
      return withReadings(
        `Rule ${code(event.data.rule)} ${event.data.from.status} → ${event.data.to.status}`,
        event.data.readings,
      );
    default:
      return describeWork(event, names);
  }
}

const handedOver = ({ from, note }: EventData["incident.lead_taken"]): string =>
  from === undefined ? "" : `, from ${prose(from)}${note === undefined ? "" : `: ${prose(note)}`}`;

/** Evidence, messages and the post-mortem itself. */
function describeWork(event: IncidentEvent, names: Names): string {
  switch (event.type) {
    case "evidence.requested":
      return `Asked ${code(event.data.collector)} for evidence`;
    case "evidence.collected":
      return `Evidence from ${code(event.data.collector)}: ${prose(event.data.summary)}`;
    case "evidence.failed":
      return `No evidence from ${code(event.data.collector)}: ${prose(event.data.failure.detail)}`;
    case "message.requested":
      return `Message ${code(event.data.message)} to ${code(event.data.channel)}: ${prose(event.data.subject)}`;
    case "message.muted":
      return `Message ${code(event.data.message)} to ${code(event.data.channel)} kept back (${event.data.because}, ${code(event.data.mute)})`;
    case "message.held":
      return `Message ${code(event.data.message)} to ${code(event.data.channel)} waits until ${utcTime(event.data.untilMs)}: ${prose(event.data.news)}`;
    case "message.delivered":
      return `Message to ${nameOf(event.data.deliveryId, names)} delivered`;
    case "message.failed":
      return `Message to ${nameOf(event.data.deliveryId, names)} not delivered: ${prose(event.data.failure.detail)}`;
    case "postmortem.drafted":
      return "Post-mortem drafted";
    case "postmortem.saved":
      return "Post-mortem saved";
    case "postmortem.chased":
      return `Reminded: ${prose(event.data.why)}`;
    case "postmortem.completed":
      return completedText(event.data);
    case "checklist.ticked":
      return `Ticked: ${prose(event.data.text)}${whyText(event.data.why)}`;
    case "checklist.unticked":
      return `Open again: ${prose(event.data.text)}${whyText(event.data.why)}`;
    case "step.skipped":
      return `Step ${code(event.data.step)} skipped: ${prose(event.data.why)}`;
    default:
      return isActEvent(event) ? describeAct(event, names) : describeLease(event, names);
  }
}

const whyText = (why: string): string => (why === "" ? "" : `; ${prose(why)}`);

const completedText = ({ open = [], why = "" }: EventData["postmortem.completed"]): string =>
  open.length === 0
    ? "Post-mortem completed"
    : `Post-mortem completed with ${open.length} open${whyText(why)}`;

function describeAct(event: ActEvent, names: Names): string {
  const name = nameOf(event.data.actId, names);
  switch (event.type) {
    case "act.proposed":
      return `${name} proposed, mode ${event.data.mode}${event.data.shadow ? ", in shadow" : ""}`;
    case "act.judged":
      return `${name} would: ${prose(event.data.says)}`;
    case "act.approved":
      return `${name} approved: ${prose(event.data.why)}`;
    case "act.declined":
      return `${name} not done: ${prose(event.data.why)}`;
    case "act.performing":
      return `${name} being done`;
    case "act.performed":
      return `**Act done**: ${name}, ${prose(event.data.says)}`;
    case "act.effective":
      return withReadings(`${name} helped`, event.data.readings);
    case "act.ineffective":
      return withReadings(`${name} did not help: ${prose(event.data.why)}`, event.data.readings);
    case "act.failed":
      return `${name} ${notDone(event.data)}: ${prose(event.data.failure.detail)}`;
  }
}

const notDone = ({ during, failure }: EventData["act.failed"]): string =>
  failure.notApplicable === true ? "not done, as this is no case for it" : `failed to ${during}`;

function describeLease(event: IncidentEvent, names: Names): string {
  if (!("leaseId" in event.data)) return code(event.type);
  const name = nameOf(String(event.data.leaseId), names);
  switch (event.type) {
    case "lease.proposed":
      return `${name} proposed for ${formatDuration(event.data.leaseMs)}, mode ${event.data.mode}${event.data.shadow ? ", in shadow" : ""}`;
    case "lease.selected":
      return `${name} would be about ${prose(event.data.says)}`;
    case "lease.widened":
      return `${name} also about ${prose(event.data.says)}`;
    case "lease.reselecting":
      return `${name}: looking again whom it should be about`;
    case "lease.unselected":
      return `${name} about nobody${event.data.because === "nothing_new" ? " new" : ""}: ${prose(event.data.says)}`;
    case "lease.approved":
      return `${name} approved: ${prose(event.data.why)}`;
    case "lease.declined":
      return `${name} declined: ${prose(event.data.why)}`;
    case "lease.applying":
      return `${name} being applied until ${utcTime(event.data.expiresAtMs)}`;
    case "lease.applied":
      return `**Mitigation applied**: ${name} until ${utcTime(event.data.expiresAtMs)}`;
    case "lease.adjusted":
      return `${name} changed as asked`;
    case "lease.effective":
      return withReadings(`${name} effective${lagOf(event.data)}`, event.data.readings);
    case "lease.ineffective":
      return withReadings(`${name} did not help: ${prose(event.data.why)}`, event.data.readings);
    case "lease.extended":
      return `${name} extended until ${utcTime(event.data.expiresAtMs)}: ${prose(event.data.why)}`;
    case "lease.reworded":
      return `${name} now tells visitors "${prose(event.data.message)}"${event.data.why === "" ? "" : `: ${prose(event.data.why)}`}`;
    default:
      return describeEnd(event, name);
  }
}

function describeEnd(event: IncidentEvent, name: string): string {
  switch (event.type) {
    case "lease.releasing":
      return `${name} released to ${shareText(event.data.share)} of clients: ${prose(event.data.why)}`;
    case "lease.rearmed":
      return `${name} back in full until ${utcTime(event.data.expiresAtMs)}: ${prose(event.data.why)}`;
    case "lease.reverting":
      return `${name} being taken back: ${prose(event.data.why)}`;
    case "lease.reverted":
      return `**Mitigation taken back**: ${name}, ${REVERTED[event.data.outcome]}`;
    case "lease.expired":
      return `${name} ended by its own time limit`;
    case "lease.failed":
      return `${name} failed to ${event.data.during}: ${prose(event.data.failure.detail)}`;
    default:
      return name;
  }
}

const nameOf = (id: string, names: Names): string => code(names.get(id) ?? id);

export const REVERTED = {
  restored: "what was there before is there again",
  gone: "it was gone already",
  changed: "somebody had changed it, so it was left as it is",
} as const;

const withReadings = (text: string, readings: Readings): string =>
  readings.length === 0 ? text : `${text}; ${readingsText(readings)}`;

const lagOf = ({ enforcementLagMs }: EventData["lease.effective"]): string =>
  enforcementLagMs === undefined
    ? ""
    : `, decided on by guards within ${formatDuration(enforcementLagMs)}`;
