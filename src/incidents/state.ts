/** An incident's state: folded from its journal, never stored by itself. */
import type { RuleState } from "../detection/rule-state.ts";
import type { ActStatus } from "../mitigations/act.ts";
import type { LeaseStatus } from "../mitigations/lease.ts";
import type { Heard } from "../notify/bundle.ts";
import type { Stake } from "../payments/unpaid.ts";
import type { Severity } from "../playbooks/schema.ts";
import type { EventData, IncidentStatus, REVERT_CAUSES } from "./journal.ts";
import type { WrittenItem } from "../postmortem/action-items.ts";
import { UNMEASURED, type Harm } from "./harm.ts";
import type { IncidentMute } from "./mutes.ts";
import type { Link } from "./links.ts";
import type { PublicUpdate } from "./public.ts";
import type { Anchors } from "./view.ts";

export type RevertCause = (typeof REVERT_CAUSES)[number];

/** An effect whose result has not come back yet. */
export type Awaited =
  | {
      readonly kind: "lease";
      readonly leaseId: string;
      readonly during: "select" | "apply" | "adjust" | "revert";
      /** Until when it asks the lease to hold; null when that stays as it is. */
      readonly expiresAtMs: number | null;
    }
  | { readonly kind: "act"; readonly actId: string; readonly during: "judge" | "perform" }
  | { readonly kind: "evidence"; readonly collector: string }
  | { readonly kind: "message"; readonly deliveryId: string; readonly channel: string }
  | { readonly kind: "public"; readonly deliveryId: string; readonly channel: string };

/** How it went to ask a collector, and to ask it again. */
export type Gathered = {
  readonly askedAtMs: number;
  readonly times: number;
  /** How often in a row it said the same as before, or nothing. */
  readonly inVain: number;
  /** Null while it has said nothing. */
  readonly summary: string | null;
};

/** As the step has it, its params in place. */
export type Select = Readonly<Record<string, unknown>> & { readonly from: string };

export type LeaseState = {
  readonly id: string;
  readonly step: string;
  readonly attempt: number;
  /** How often the incident had been resolved when this was proposed. */
  readonly round: number;
  readonly actuator: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** How it is found out whom it is about; null: its options say all. */
  readonly select: Select | null;
  /** When that was last asked, how often it was without naming anybody new since it last did, and what was last said. */
  readonly selection: {
    readonly askedAtMs: number;
    readonly inVain: number;
    readonly asked: number;
    readonly isKnown: boolean;
    readonly says: string;
  };
  readonly leaseMs: number;
  readonly release: "staged" | "at_once" | "manual";
  readonly mode: "auto" | "approve" | "manual";
  readonly shadow: boolean;
  readonly siteWide: boolean;
  readonly masks: readonly string[];
  /** It mends nothing, and the ladder goes on. */
  readonly beside: boolean;
  readonly status: LeaseStatus;
  /** A person asked for it or agreed to it: no budget of the automation stands in the way. */
  readonly isByPerson: boolean;
  readonly proposedAtMs: number;
  readonly appliedAtMs: number | null;
  /** Null until it is first asked to apply. */
  readonly expiresAtMs: number | null;
  /** Until when it was last confirmed to hold; null before that. */
  readonly heldUntilMs: number | null;
  /** When a change of it last failed, null once one succeeds. */
  readonly adjustFailedAtMs: number | null;
  readonly share: number;
  readonly stageSinceMs: number | null;
  /** How long guards took to decide on it, by the policy's receipt; null when nobody could say. */
  readonly enforcementLagMs: number | null;
  /** How often the harm came back while it was being released; each time the next release waits longer. */
  readonly rearmed: number;
  readonly prior: unknown;
  /** Why it is being, or was, taken back. */
  readonly because: RevertCause | null;
  readonly why: string;
};

export type ActState = {
  readonly id: string;
  readonly step: string;
  readonly attempt: number;
  /** How often the incident had been resolved when this was proposed. */
  readonly round: number;
  readonly actuator: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly mode: "auto" | "approve" | "manual";
  readonly shadow: boolean;
  readonly siteWide: boolean;
  /** It mends nothing, and is in nobody's way. */
  readonly beside: boolean;
  readonly status: ActStatus;
  /** How many different people must agree. */
  readonly approvals: number;
  /** Who did. */
  readonly approvedBy: readonly string[];
  /** Everybody who must, or the playbook, said yes. */
  readonly isApproved: boolean;
  /** A person asked for it or agreed to it: no budget of the automation stands in the way. */
  readonly isByPerson: boolean;
  readonly proposedAtMs: number;
  readonly judgedAtMs: number | null;
  /** What it decided to do; null before that. */
  readonly judged: unknown;
  /** What it would do, and later what it did; empty before it is known. */
  readonly says: string;
  readonly performedAtMs: number | null;
  readonly effectiveAtMs: number | null;
  readonly why: string;
};

export type ItemState = {
  readonly isTicked: boolean;
  /** Firebreak does not contradict a person. */
  readonly byPerson: boolean;
  readonly by: string;
  readonly atMs: number;
  readonly why: string;
};

export type IncidentState = {
  readonly seq: number;
  /** Null before the opening event. */
  readonly opened: EventData["incident.opened"] | null;
  /** Since when people are asked to answer: it opened, or opened again. */
  readonly askedSinceMs: number;
  /** Since when its severity wakes somebody; null while it does not. */
  readonly pagesSinceMs: number | null;
  readonly status: IncidentStatus;
  readonly severity: Severity;
  /** What the playbook raised it to; it does so once, and then it is for people to say. */
  readonly raisedTo: readonly Severity[];
  readonly lead: string | null;
  readonly acknowledgedBy: string | null;
  readonly rules: Readonly<Record<string, RuleState>>;
  readonly leases: readonly LeaseState[];
  readonly acts: readonly ActState[];
  /** Last journaled reason for not taking a step, by step. */
  readonly skipped: Readonly<Record<string, string>>;
  readonly awaiting: Readonly<Record<string, Awaited>>;
  /** Deliveries asked for, so that each is asked for once. */
  readonly deliveries: ReadonlySet<string>;
  /** The channels that were told of it, each with what its last receipt called it; null while none did. */
  readonly told: Readonly<Record<string, string | null>>;
  /** By channel: what it was told lately, and what waits to be told with more. */
  readonly heard: Readonly<Record<string, Heard>>;
  /** What people say that it belongs together with. */
  readonly links: readonly Link[];
  /** By channel, the address of the ticket that it made, where its receipt says so. */
  readonly tickets: Readonly<Record<string, string>>;
  /** By public channel: what it was last to say, and what its last receipt called the incident. */
  readonly relayed: Readonly<
    Record<string, { readonly said: string; readonly ref: string | null }>
  >;
  /** When customers were last mailed that it is over, by the receipt; null before that. */
  readonly endMailedAtMs: number | null;
  /** All well since; null while it is not. */
  readonly recoveredSinceMs: number | null;
  /** Escalations because nobody acknowledged, and when the last of them was. */
  readonly silences: number;
  readonly lastSilenceAtMs: number | null;
  /** When the first message since people are asked got through, and when it was told that none does; null until then. */
  readonly reachedAtMs: number | null;
  readonly unreachedAtMs: number | null;
  /** What may keep messages about it back, by the clock. */
  readonly mutes: readonly IncidentMute[];
  /** The deliveries kept back since it was last heard, and when the last of them was. */
  readonly muted: { readonly deliveries: ReadonlySet<string>; readonly lastAtMs: number | null };
  /** When it was last heard again; null: it never was quiet. */
  readonly unmutedAtMs: number | null;
  /** Reminders that an update is due, since people are asked, and when the last of them was. */
  readonly reminders: number;
  readonly lastReminderAtMs: number | null;
  /** Who was asked for help, by their ids in `site.yaml`. */
  readonly supportAsked: readonly string[];
  /** The ladder has nothing left, and people were told. */
  readonly exhausted: boolean;
  readonly timesResolved: number;
  readonly postmortem: "none" | "drafted" | "saved" | "completed";
  /** What was agreed on in it, as last saved. */
  readonly actions: readonly WrittenItem[];
  /** When somebody was last reminded of what is owed. */
  readonly chasedAtMs: number | null;
  /** What was said in public, oldest first. */
  readonly updates: readonly PublicUpdate[];
  /** Collectors whose evidence is there. */
  readonly collected: ReadonlySet<string>;
  /** The revenue that waited to be charged; null where nobody measured it. */
  readonly stake: Stake | null;
  /** Since it began, or began again. */
  readonly harm: Harm;
  /** Collectors that were asked. */
  readonly gathered: Readonly<Record<string, Gathered>>;
  /** The last word on each item of the checklist, by its place; an item without one is open. */
  readonly checklist: Readonly<Record<number, ItemState>>;
  readonly anchors: Anchors;
};

export const NOTHING_MUTED: IncidentState["muted"] = { deliveries: new Set(), lastAtMs: null };

export const initialState: IncidentState = {
  seq: 0,
  opened: null,
  askedSinceMs: 0,
  pagesSinceMs: null,
  status: "detected",
  severity: "SEV-4",
  raisedTo: [],
  lead: null,
  acknowledgedBy: null,
  rules: {},
  leases: [],
  acts: [],
  skipped: {},
  awaiting: {},
  deliveries: new Set(),
  told: {},
  heard: {},
  links: [],
  tickets: {},
  relayed: {},
  endMailedAtMs: null,
  recoveredSinceMs: null,
  silences: 0,
  lastSilenceAtMs: null,
  reachedAtMs: null,
  unreachedAtMs: null,
  mutes: [],
  muted: NOTHING_MUTED,
  unmutedAtMs: null,
  reminders: 0,
  lastReminderAtMs: null,
  supportAsked: [],
  exhausted: false,
  timesResolved: 0,
  postmortem: "none",
  actions: [],
  chasedAtMs: null,
  updates: [],
  collected: new Set(),
  stake: null,
  harm: UNMEASURED,
  gathered: {},
  checklist: {},
  anchors: {
    onsetAtMs: 0,
    detectedAtMs: 0,
    respondedAtMs: null,
    acknowledgedAtMs: null,
    mitigatedAtMs: null,
    enforcedAtMs: null,
    recoveredAtMs: null,
    releasedAtMs: null,
    resolvedAtMs: null,
  },
};

const ENDED: ReadonlySet<LeaseStatus> = new Set(["reverted", "declined", "failed"]);
const IN_FORCE: ReadonlySet<LeaseStatus> = new Set([
  "applied",
  "effective",
  "ineffective",
  "releasing",
]);

/** It has nothing left to do, here or outside. */
export const hasEnded = (lease: LeaseState): boolean => ENDED.has(lease.status);
/** It changes what visitors get, or would if it were not a shadow. */
export const isInForce = (lease: LeaseState): boolean => IN_FORCE.has(lease.status);
/** It is not known yet whom it is about, so nobody can agree to it. */
export const isSelecting = ({ status, select, selection }: LeaseState): boolean =>
  status === "proposed" && select !== null && !selection.isKnown;
/** It was proposed, and has been neither begun nor dropped. */
export const isUndecided = (act: ActState): boolean =>
  act.status === "proposed" || act.status === "waiting";
/** Made ready for a person to start, and in nobody's way. */
export const isPrepared = (lease: LeaseState): boolean =>
  lease.status === "proposed" && lease.mode === "manual";
/** Nothing of it was begun, and nothing will be unless a person says so. */
export const isLeftToPeople = (lease: LeaseState): boolean =>
  lease.status === "proposed" && lease.mode !== "auto";
export const isPreparedAct = (act: ActState): boolean =>
  isUndecided(act) && act.mode === "manual" && !act.isApproved;
export const isResolved = (state: IncidentState): boolean => state.status === "resolved";

/** What the leases in force hide. A lease that is being released lets real traffic through, so it hides nothing any more. */
export function masksOf(state: IncidentState): ReadonlySet<string> {
  const hiding = state.leases.filter(
    (lease) => isInForce(lease) && !lease.shadow && lease.share >= 1,
  );
  return new Set(hiding.flatMap((lease) => lease.masks));
}
