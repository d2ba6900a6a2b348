/** An incident as people and programs read it: folded from the journal, times in epoch milliseconds. */
import type { Stake } from "../payments/unpaid.ts";
import type { Severity } from "../playbooks/schema.ts";
import type { IncidentStatus } from "./journal.ts";
import type { Harm } from "./harm.ts";
import type { IncidentMute } from "./mutes.ts";
import type { WrittenItem } from "../postmortem/action-items.ts";
import type { Link } from "./links.ts";
import type { PublicUpdate } from "./public.ts";
import type { ActStatus } from "../mitigations/act.ts";
import type { LeaseStatus } from "../mitigations/lease.ts";

/** When each thing first happened, and when recovery, release and resolution last did; null until then. KPIs are differences of these. */
export type Anchors = {
  /** First bad sample. */
  readonly onsetAtMs: number;
  readonly detectedAtMs: number;
  /** First of acknowledge, lead, automatic step. */
  readonly respondedAtMs: number | null;
  readonly acknowledgedAtMs: number | null;
  /** First mitigation recorded as applied. */
  readonly mitigatedAtMs: number | null;
  /** First mitigation seen effective in the guard. */
  readonly enforcedAtMs: number | null;
  readonly recoveredAtMs: number | null;
  /** Last mitigation gone. */
  readonly releasedAtMs: number | null;
  readonly resolvedAtMs: number | null;
};

export type LeaseView = {
  readonly id: string;
  readonly step: string;
  readonly actuator: string;
  readonly status: LeaseStatus;
  readonly mode: "auto" | "approve" | "manual";
  readonly shadow: boolean;
  /** It touches every visitor. */
  readonly siteWide: boolean;
  readonly share: number;
  readonly expiresAtMs: number | null;
  readonly why: string;
  /** How long guards took to decide on it; absent when nobody could say. */
  readonly enforcementLagMs?: number;
  /** Whom or what it is about, where that is found out when it is taken; empty before it is known. */
  readonly about?: string;
  /** It mends nothing; absent where it should. */
  readonly beside?: boolean;
};

export type ActView = {
  readonly id: string;
  readonly step: string;
  readonly actuator: string;
  readonly status: ActStatus;
  readonly mode: "auto" | "approve" | "manual";
  readonly shadow: boolean;
  readonly siteWide: boolean;
  /** It mends nothing, so that nobody asks whether it helped. */
  readonly beside?: boolean;
  /** Of what needs more than one person. */
  readonly approvals?: { readonly needed: number; readonly by: readonly string[] };
  /** What it would do, and later what it did; empty before it is known. */
  readonly says: string;
  readonly performedAtMs: number | null;
  readonly why: string;
};

export type ItemView = {
  /** From 0, in the playbook's order. */
  readonly item: number;
  readonly text: string;
  /** `people` tick it; the others Firebreak sees for itself. */
  readonly seenBy: "people" | "signals" | "evidence" | "step" | "record";
  readonly isTicked: boolean;
  /** The last word on it; null when nobody has said anything. */
  readonly word: { readonly by: string; readonly atMs: number; readonly why: string } | null;
};

export type IncidentView = {
  readonly id: string;
  readonly instance: string;
  readonly playbook: string;
  readonly scope: string;
  readonly title: string;
  readonly severity: Severity;
  readonly status: IncidentStatus;
  readonly lead: string | null;
  readonly acknowledgedBy: string | null;
  readonly drill: boolean;
  readonly firingRules: readonly string[];
  readonly leases: readonly LeaseView[];
  readonly acts: readonly ActView[];
  readonly anchors: Anchors;
  readonly postmortem: "none" | "drafted" | "saved" | "completed";
  /** What was agreed on in it, as last saved. Absent from views that were kept before that was read. */
  readonly actions?: readonly WrittenItem[];
  /** When the incident next acts by itself; null when it waits for people or signals. */
  readonly nextWakeAtMs: number | null;
  /** When people are promised something new at the latest. Absent where nothing is promised, and from views that were kept before. */
  readonly updateDueAtMs?: number;
  /** When the first message since people are asked got through; null: none did. Absent from views that were kept before it was known. */
  readonly reachedAtMs?: number | null;
  /** How far its journal is. */
  readonly seq: number;
  /** The status page's component and sentence, when the playbook names them. */
  readonly statusPage: { readonly component: string; readonly message: string } | null;
  /** What was said in public, oldest first. Absent from views that were kept before it was. */
  readonly updates?: readonly PublicUpdate[];
  /** What may keep messages about it back, and how many it did since it was last heard. Absent from views that were kept before. */
  readonly mutes?: readonly IncidentMute[];
  readonly mutedMessages?: number;
  /** What it belongs together with. Absent where there is nothing. */
  readonly links?: readonly Link[];
  /** At the worst. Absent where nobody measured any. */
  readonly harm?: Harm;
  /** The revenue that waited to be charged. Absent where nobody measured it. */
  readonly stake?: Stake;
  /** Absent from views that were kept before there was one. */
  readonly checklist?: readonly ItemView[];
};
