/** The shapes of requests and answers: what validates is also what `openapi.json` documents. */
import { z } from "@hono/zod-openapi";
import { MUTE_REASONS } from "../alerts/silences.ts";
import { LINK_KINDS } from "../incidents/links.ts";
import { INCIDENT_STATUSES } from "../incidents/journal.ts";
import { ACT_STATUSES } from "../mitigations/act.ts";
import { LEASE_STATUSES } from "../mitigations/lease.ts";
import { LIST_ACTIONS, LIST_MODES } from "../policy/lists.ts";
import { severity } from "../playbooks/schema.ts";
import { formatDuration, parseDuration } from "../shared/duration.ts";
import { unfitForPublic } from "../shared/private.ts";

export const TEXT_MAX = 2_000;
export const LIST_LIMIT_MAX = 100;

const ULID = "[0-9A-HJKMNP-TV-Z]{26}";
export const incidentId = z.string().regex(new RegExp(`^inc_${ULID}$`), "write inc_ and a ULID");
export const mitigationId = z
  .templateLiteral([z.enum(["lse_", "act_"]), z.string().regex(/^[0-9a-f]{26}$/)])
  .openapi({ type: "string", pattern: "^(?:lse|act)_[0-9a-f]{26}$" });

/** What people may ask of a mitigation by hand; the incident has the last word. */
export const LEASE_MS_MIN = 10_000;
export const LEASE_MS_MAX = 24 * 3_600_000;

/** A reason, a note, a title: never empty, never endless. */
export const text = z.string().trim().min(1).max(TEXT_MAX);
/** What visitors read on the guard's page, and everybody on the status page. */
export const visitorMessage = text.max(500).superRefine((message, ctx) => {
  const problem = unfitForPublic(message);
  if (problem !== null) ctx.addIssue({ code: "custom", message: problem });
});
export const moment = z.iso.datetime().openapi({ example: "2026-11-23T14:02:11.000Z" });
const momentOrNull = moment.nullable();

/** A duration as people write it, within bounds; milliseconds after parsing. */
export function durationBetween(minMs: number, maxMs: number) {
  const allowed = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return z
    .string()
    .transform((written, context) => {
      const parsed = parseDuration(written);
      if (parsed.ok && parsed.value >= minMs && parsed.value <= maxMs) return parsed.value;
      const message = parsed.ok ? `outside ${allowed}` : "not a duration such as 90s, 5m or 1h30m";
      context.addIssue({ code: "custom", message, params: { allowed } });
      return z.NEVER;
    })
    .openapi({ type: "string", example: "15m", description: `A duration, ${allowed}` });
}

export const mitigation = z
  .object({
    id: z.string(),
    incident: z.string(),
    step: z.string(),
    actuator: z.string(),
    kind: z.enum(["lease", "act"]).describe("A lease is taken back; an act is done once"),
    status: z.enum([...new Set([...LEASE_STATUSES, ...ACT_STATUSES])]),
    mode: z.enum(["auto", "approve", "manual"]),
    shadow: z.boolean(),
    share: z.number(),
    expiresAt: momentOrNull,
    says: z
      .string()
      .nullable()
      .describe(
        "What an act would do, or did; whom a lease is about that finds that out when it is taken; null while unknown",
      ),
    approvals: z
      .object({ needed: z.int(), by: z.array(z.string()) })
      .nullable()
      .describe("Who agreed to what needs more than one person; null for everything else"),
    /** From the policy that it came with to nearly all requests decided on it; null: not yet, or not known. */
    enforcementLagMs: z.number().nullable(),
    why: z.string(),
  })
  .openapi("Mitigation");

export const checklistItem = z
  .object({
    item: z.int(),
    text: z.string(),
    /** `people` tick it; the others are seen, and ticked, by Firebreak. */
    seenBy: z.enum(["people", "signals", "evidence", "step", "record"]),
    ticked: z.boolean(),
    /** The last word on it. */
    by: z.string().nullable(),
    at: momentOrNull,
    why: z.string().nullable(),
  })
  .openapi("ChecklistItem");

export const incident = z
  .object({
    id: z.string(),
    instance: z.string(),
    playbook: z.string(),
    scope: z.string(),
    title: z.string(),
    severity,
    status: z.enum(INCIDENT_STATUSES),
    lead: z.string().nullable(),
    acknowledgedBy: z.string().nullable(),
    drill: z.boolean(),
    firingRules: z.array(z.string()),
    mitigations: z.array(mitigation),
    times: z.object({
      onsetAt: moment,
      detectedAt: moment,
      respondedAt: momentOrNull,
      acknowledgedAt: momentOrNull,
      mitigatedAt: momentOrNull,
      enforcedAt: momentOrNull,
      recoveredAt: momentOrNull,
      releasedAt: momentOrNull,
      resolvedAt: momentOrNull,
    }),
    postmortem: z.enum(["none", "drafted", "saved", "completed"]),
    nextWakeAt: momentOrNull,
    /** When the first message since people are asked got through. */
    reachedAt: momentOrNull,
    seq: z.int(),
    statusPage: z.object({ component: z.string(), message: z.string() }).nullable(),
    /** What keeps messages about it back, or will; with `matchers` only while they hold. */
    mutes: z.array(
      z.object({
        id: z.string(),
        because: z.enum(MUTE_REASONS),
        by: z.string(),
        why: z.string(),
        matchers: z.array(z.string()).nullable(),
        startsAt: moment,
        endsAt: moment,
      }),
    ),
    /** Messages kept back since it was last heard; the journal says which. */
    mutedMessages: z.int(),
    /** What belongs to it; tickets of our own making, too. */
    links: z.array(z.object({ kind: z.enum(LINK_KINDS), target: z.string(), says: z.string() })),
    checklist: z.array(checklistItem),
  })
  .openapi("Incident");

export const journalRow = z
  .object({
    seq: z.int(),
    type: z.string(),
    v: z.int(),
    at: moment,
    actor: z.object({ kind: z.string(), id: z.string() }),
    cause: z.string(),
    data: z.unknown(),
  })
  .openapi("JournalRow");

/** A list of networks, without them. */
export const networkList = z
  .object({
    id: z.string(),
    /** `allow` exempts from block, challenge and limit. */
    action: z.enum(LIST_ACTIONS),
    mode: z.enum(LIST_MODES),
    owner: z.string(),
    reason: z.string(),
    expiresAt: moment,
    networks: z.int(),
    asns: z.array(z.int()),
    countries: z.array(z.string()),
    ja4s: z.array(z.string()),
    /** Also its `ETag`. */
    sha256: z.string(),
    updatedAt: moment,
  })
  .openapi("NetworkList");

/** What a command did. */
export const commandAnswer = z
  .object({
    incident: z.string(),
    /** How far the incident's journal is. */
    seq: z.int(),
    /** The types of the events that it led to; empty when there was nothing to do. */
    events: z.array(z.string()),
  })
  .openapi("CommandAnswer");

export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
  })
  .openapi("Problem");

/** A page of a list; `next` is the cursor of the following one. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), next: z.string().nullable() });

const finding = z
  .object({
    kind: z.enum([
      "signal",
      "actuator",
      "channel",
      "review",
      "owner",
      "postmortem",
      "action-item",
      "monitor",
      "networks",
      "write-journal",
      "integrity",
      "limiter",
      "client-address",
      "silence",
    ]),
    id: z.string(),
    state: z.enum(["ok", "missing", "failing", "due"]),
    detail: z.string().nullable(),
    /** The one line that mends it. */
    mend: z.string().nullable(),
  })
  .openapi("Finding");

export const doctorReport = z
  .object({
    /** False when something that a playbook needs is failing. */
    ok: z.boolean(),
    site: z.array(finding),
    playbooks: z.array(z.object({ playbook: z.string(), findings: z.array(finding) })),
  })
  .openapi("DoctorReport");
