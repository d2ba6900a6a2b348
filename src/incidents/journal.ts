/**
 * The journal: what happened in one incident, in order, never edited. Its rows are a contract: additive only,
 * readers upcast older versions, and keep, show and skip what they do not know.
 */
import { z } from "zod";
import { MUTE_REASONS } from "../alerts/silences.ts";
import { MESSAGE_STATES } from "../notify/channel.ts";
import { severity } from "../playbooks/schema.ts";
import { LINK_KINDS } from "./links.ts";
import type { PlaybookSpec } from "../playbooks/schema.ts";
import type { RuleState } from "../detection/rule-state.ts";

/** Who did it. `id` is a token's name, an e-mail, a rule id or an effect id. */
export const actor = z.looseObject({
  kind: z.enum(["person", "firebreak", "monitor", "webhook"]),
  id: z.string().max(200),
});
export type Actor = {
  readonly kind: "person" | "firebreak" | "monitor" | "webhook";
  readonly id: string;
};
export const FIREBREAK: Actor = { kind: "firebreak", id: "firebreak" };

const atMs = z.int();
const leaseId = z.string().startsWith("lse_");
const actId = z.string().startsWith("act_");
/** The effect whose result this event is. */
const effectId = z.string();
/** `says` is a sentence for people, `facts` what it rests on. */
const selected = {
  with: z.record(z.string(), z.unknown()),
  says: z.string(),
  facts: z.unknown(),
};
const muteReason = z.enum(MUTE_REASONS);
/** The messages that waited and are told in this one, each with its machine reason. */
const bundled = z
  .array(z.looseObject({ deliveryId: z.string(), message: z.string(), why: z.string() }))
  .optional();
const readings = z.array(
  z.looseObject({
    signal: z.string(),
    value: z.union([z.number(), z.boolean(), z.string()]).optional(),
    unknown: z.string().optional(),
    atMs: atMs.optional(),
  }),
);
/** A signal's value at a moment, as evidence. */
export type Reading = {
  readonly signal: string;
  readonly value?: number | boolean | string;
  readonly unknown?: string;
  readonly atMs?: number;
};
const ruleState = z.custom<RuleState>(
  (value) => typeof value === "object" && value !== null && "status" in value,
);
const failure = z.looseObject({
  class: z.enum(["retry", "refuse", "unknown_outcome"]),
  detail: z.string(),
  afterMs: z.int().min(0).optional(),
  notApplicable: z.literal(true).optional(),
});
/** How an adapter failed. `retry`: it certainly did nothing and may work later; `refuse`: it never will; `unknown_outcome`: it may have happened. */
export type Failure = {
  readonly class: "retry" | "refuse" | "unknown_outcome";
  readonly detail: string;
  /** To be tried again no sooner than after this long: the other side asks for it, or cannot know before. */
  readonly afterMs?: number | undefined;
  /** A refusal that is an answer: what it is for is not the case here, and nobody has anything to mend. */
  readonly notApplicable?: true | undefined;
};

export const INCIDENT_STATUSES = [
  "detected",
  "triaged",
  "investigating",
  "mitigating",
  "monitoring",
  "resolved",
  "reopened",
] as const;
export const incidentStatus = z.enum(INCIDENT_STATUSES);
export type IncidentStatus = (typeof INCIDENT_STATUSES)[number];

/** Why a mitigation is taken back. */
export const REVERT_CAUSES = [
  "recovered",
  "ineffective",
  "failed",
  "expired",
  "person",
  "resolved",
] as const;

/** Each event's data, version 1. The key is the row's `type`. */
export const EVENT_DATA = {
  "incident.opened": z.looseObject({
    incidentId: z.string().startsWith("inc_"),
    instance: z.string(),
    scope: z.string(),
    title: z.string(),
    playbook: z.looseObject({
      id: z.string(),
      sha256: z.string(),
      source: z.string(),
      spec: z.custom<PlaybookSpec>((value) => typeof value === "object" && value !== null),
    }),
    params: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])),
    severity,
    /** First bad sample of the rules that fired. */
    onsetAtMs: atMs,
    rules: z.record(z.string(), ruleState),
    readings,
    /** A rehearsal: kept out of the KPIs. */
    drill: z.boolean(),
  }),
  "incident.triggered": z.looseObject({ rules: z.array(z.string()), readings }),
  "incident.status_changed": z.looseObject({
    from: incidentStatus,
    to: incidentStatus,
    why: z.string(),
  }),
  "incident.acknowledged": z.looseObject({}),
  /** `from` is who led until then, where somebody did. */
  "incident.lead_taken": z.looseObject({
    lead: z.string(),
    from: z.string().optional(),
    /** What whoever takes over must know, where it was handed over. */
    note: z.string().optional(),
  }),
  /** `alerts`: so many more joined the group that it is about. */
  "incident.noted": z.looseObject({ text: z.string(), alerts: z.int().optional() }),
  "incident.severity_set": z.looseObject({ from: severity, to: severity, why: z.string() }),
  "incident.escalated": z.looseObject({
    because: z.enum(["silence", "unreached", "exhausted", "person"]),
    why: z.string(),
    /** From 1, where the site names levels; then whom it asks beside those who hear of it anyway. */
    level: z.int().min(1).optional(),
    channels: z.array(z.string()).optional(),
    people: z.array(z.string()).optional(),
  }),
  /** What people promised is due; `draft` is what they may say. */
  "incident.update_due": z.looseObject({ why: z.string(), draft: z.string() }),
  /** Somebody asks a supplier for help; `how` is what the contact sheet says. */
  "incident.support_asked": z.looseObject({
    supplier: z.string(),
    name: z.string(),
    how: z.string(),
    why: z.string(),
  }),
  "incident.support_answered": z.looseObject({ supplier: z.string(), text: z.string() }),
  /** It belongs together with another incident, a ticket (its address) or a group of alerts (its scope). */
  "incident.linked": z.looseObject({
    kind: z.enum(LINK_KINDS),
    target: z.string(),
    says: z.string(),
    why: z.string(),
  }),
  "incident.unlinked": z.looseObject({ target: z.string(), why: z.string() }),
  /** Messages about it are kept back while this holds; said again under the same `mute` it replaces what was said. */
  "incident.muted": z.looseObject({
    mute: z.string(),
    because: muteReason,
    by: z.string(),
    why: z.string(),
    /** Absent where it means this incident whatever becomes of it. */
    matchers: z.array(z.string()).optional(),
    startsAtMs: atMs,
    endsAtMs: atMs,
  }),
  /** It is heard again, and is still open; `messages` were kept back. */
  "incident.unmuted": z.looseObject({ why: z.string(), messages: z.int() }),
  "incident.recovery_seen": z.looseObject({ readings }),
  "incident.recovery_lost": z.looseObject({ readings }),
  "incident.resolved": z.looseObject({ why: z.string() }),
  "incident.reopened": z.looseObject({
    why: z.string(),
    /** Those that had waited out their time already. */
    rules: z.record(z.string(), ruleState).optional(),
  }),
  "rule.changed": z.looseObject({
    rule: z.string(),
    from: ruleState,
    to: ruleState,
    truth: z.string(),
    readings,
  }),
  "evidence.requested": z.looseObject({ collector: z.string() }),
  "evidence.collected": z.looseObject({
    effectId,
    collector: z.string(),
    summary: z.string(),
    facts: z.unknown(),
  }),
  "evidence.failed": z.looseObject({ effectId, collector: z.string(), failure }),
  "step.skipped": z.looseObject({ step: z.string(), why: z.string() }),
  "lease.proposed": z.looseObject({
    leaseId,
    step: z.string(),
    attempt: z.int(),
    actuator: z.string(),
    with: z.record(z.string(), z.unknown()),
    leaseMs: z.int(),
    release: z.enum(["staged", "at_once", "manual"]),
    mode: z.enum(["auto", "approve", "manual"]),
    shadow: z.boolean(),
    siteWide: z.boolean(),
    masks: z.array(z.string()),
    /** It mends nothing, and the ladder goes on. */
    beside: z.boolean().optional(),
    /** It names whom or what it is about when it is taken; `with` is without that. */
    select: z.looseObject({ from: z.string() }).optional(),
  }),
  /** From now on it is about these: `with` is all of its options. */
  "lease.selected": z.looseObject({ effectId, leaseId, ...selected }),
  /** While it is in force it is looked again whom it should be about. */
  "lease.reselecting": z.looseObject({ leaseId, why: z.string() }),
  /** More than before: `with` is all of its options. */
  "lease.widened": z.looseObject({ effectId, leaseId, ...selected }),
  /** Nobody, or nobody new, was named. `because` is one of the selector's reasons, or `failed`. */
  "lease.unselected": z.looseObject({
    effectId,
    leaseId,
    because: z.string(),
    says: z.string(),
  }),
  "lease.approved": z.looseObject({ leaseId, why: z.string() }),
  "lease.declined": z.looseObject({ leaseId, why: z.string() }),
  "lease.applying": z.looseObject({ leaseId, expiresAtMs: atMs }),
  "lease.applied": z.looseObject({
    effectId,
    leaseId,
    expiresAtMs: atMs,
    prior: z.unknown(),
    receipt: z.unknown(),
  }),
  /** A new share or expiry is in force. */
  "lease.adjusted": z.looseObject({ effectId, leaseId, receipt: z.unknown() }),
  "lease.effective": z.looseObject({
    leaseId,
    readings,
    /** From the policy that it came with to nearly all of visitors' requests decided on it; absent when nobody could say. */
    enforcementLagMs: z.number().optional(),
  }),
  "lease.ineffective": z.looseObject({ leaseId, why: z.string(), readings }),
  "lease.extended": z.looseObject({ leaseId, expiresAtMs: atMs, why: z.string() }),
  "lease.reworded": z.looseObject({ leaseId, message: z.string(), why: z.string() }),
  "lease.releasing": z.looseObject({ leaseId, share: z.number(), why: z.string() }),
  "lease.rearmed": z.looseObject({ leaseId, expiresAtMs: atMs, why: z.string() }),
  "lease.reverting": z.looseObject({ leaseId, because: z.enum(REVERT_CAUSES), why: z.string() }),
  "lease.reverted": z.looseObject({
    effectId,
    leaseId,
    outcome: z.enum(["restored", "gone", "changed"]),
  }),
  "lease.expired": z.looseObject({ leaseId }),
  "lease.failed": z.looseObject({
    effectId,
    leaseId,
    during: z.enum(["apply", "adjust", "revert"]),
    failure,
  }),
  "act.proposed": z.looseObject({
    actId,
    step: z.string(),
    attempt: z.int(),
    actuator: z.string(),
    with: z.record(z.string(), z.unknown()),
    mode: z.enum(["auto", "approve", "manual"]),
    shadow: z.boolean(),
    siteWide: z.boolean(),
    /** It mends nothing, and is in nobody's way. */
    beside: z.boolean().optional(),
    /** How many different people must agree; absent is one, or the playbook. */
    approvals: z.int().min(1).optional(),
  }),
  /** What exactly it would do; nothing has been changed. */
  "act.judged": z.looseObject({ effectId, actId, says: z.string(), judged: z.unknown() }),
  "act.approved": z.looseObject({ actId, why: z.string() }),
  "act.declined": z.looseObject({ actId, why: z.string() }),
  "act.performing": z.looseObject({ actId }),
  "act.performed": z.looseObject({ effectId, actId, says: z.string(), receipt: z.unknown() }),
  "act.effective": z.looseObject({ actId, readings }),
  "act.ineffective": z.looseObject({ actId, why: z.string(), readings }),
  "act.failed": z.looseObject({
    effectId,
    actId,
    during: z.enum(["judge", "perform"]),
    failure,
  }),
  /** `item` counts from 0, in the order of the playbook that the incident was opened with. */
  "checklist.ticked": z.looseObject({
    item: z.int().min(0),
    text: z.string(),
    why: z.string(),
    readings,
  }),
  "checklist.unticked": z.looseObject({ item: z.int().min(0), text: z.string(), why: z.string() }),
  "message.requested": z.looseObject({
    deliveryId: z.string().startsWith("dlv_"),
    channel: z.string(),
    message: z.string(),
    why: z.string(),
    subject: z.string(),
    body: z.string(),
    /** These four came later; rows before them have none. */
    news: z.string().optional(),
    severity: severity.optional(),
    state: z.enum(MESSAGE_STATES).optional(),
    link: z.string().nullable().optional(),
    people: z.array(z.string()).optional(),
    bundled,
  }),
  /** It is told with others, or by itself, at `untilMs` at the latest. */
  "message.held": z.looseObject({
    deliveryId: z.string().startsWith("dlv_"),
    channel: z.string(),
    message: z.string(),
    why: z.string(),
    news: z.string(),
    untilMs: atMs,
  }),
  /** It would have been requested; `mute` is what kept it back. */
  "message.muted": z.looseObject({
    deliveryId: z.string().startsWith("dlv_"),
    channel: z.string(),
    message: z.string(),
    why: z.string(),
    because: muteReason,
    mute: z.string(),
    untilMs: atMs,
    bundled,
  }),
  "message.delivered": z.looseObject({ effectId, deliveryId: z.string(), receipt: z.unknown() }),
  "message.failed": z.looseObject({ effectId, deliveryId: z.string(), failure }),
  /** A person's words for the public. */
  "status.published": z.looseObject({
    message: z.string(),
    /** Null or absent: as it stands. */
    status: z.enum(["investigating", "identified", "monitoring"]).nullish(),
    component: z.string().nullish(),
  }),
  /** What the public knows of it is to be read at this public channel too. */
  "public.requested": z.looseObject({
    deliveryId: z.string().startsWith("dlv_"),
    channel: z.string(),
    /** What the public knows by then, in short: the same is not asked for twice in a row. */
    said: z.string(),
  }),
  "public.delivered": z.looseObject({ effectId, deliveryId: z.string(), receipt: z.unknown() }),
  "public.failed": z.looseObject({
    effectId,
    deliveryId: z.string(),
    channel: z.string(),
    failure,
  }),
  "postmortem.drafted": z.looseObject({}),
  "postmortem.saved": z.looseObject({ markdown: z.string() }),
  /** What was open then, on the checklist or of what was agreed on, and why it was complete all the same. */
  "postmortem.completed": z.looseObject({
    why: z.string().optional(),
    open: z.array(z.string()).optional(),
  }),
  /** Whoever owes it, or what was agreed on in it, is reminded; `owed` counts what is due, `people` are ids in `site.yaml`. */
  "postmortem.chased": z.looseObject({
    why: z.string(),
    people: z.array(z.string()),
    owed: z.int().min(1),
  }),
} as const;

export type EventType = keyof typeof EVENT_DATA;
export type EventData = { readonly [Type in EventType]: z.infer<(typeof EVENT_DATA)[Type]> };

/** What `decide` returns: the shell adds seq, time, actor and cause. */
export type IncidentEvent = {
  readonly [Type in EventType]: { readonly type: Type; readonly data: EventData[Type] };
}[EventType];

export type JournalRow = {
  /** From 1, without holes. */
  readonly seq: number;
  readonly type: string;
  readonly v: number;
  readonly atMs: number;
  readonly actor: Actor;
  /** The command that caused it. */
  readonly cause: string;
  readonly data: unknown;
};

/** A row this code understands, or null for an unknown type or a newer version: those are kept and shown, and never fold. */
export function readEvent(row: JournalRow): IncidentEvent | null {
  if (!Object.hasOwn(EVENT_DATA, row.type) || row.v !== 1) return null;
  const type = row.type as EventType;
  const parsed = EVENT_DATA[type].safeParse(row.data);
  if (!parsed.success) return null;
  return { type, data: parsed.data } as IncidentEvent;
}
