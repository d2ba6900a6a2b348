/** What an event means: the only way an incident's state changes. Total and pure; unknown rows move nothing but `seq`. */
import { stakeWith, type Stake } from "../payments/unpaid.ts";
import { actionItemsIn } from "../postmortem/action-items.ts";
import { assert, unreachable } from "../shared/assert.ts";
import { readEvent, type EventData, type IncidentEvent, type JournalRow } from "./journal.ts";
import { foldAct, isActEvent, type ActEvent } from "./evolve-acts.ts";
import { harmAfter, UNMEASURED } from "./harm.ts";
import { pages } from "./severity.ts";
import { foldTold, isTellingEvent, type TellingEvent } from "./evolve-told.ts";
import { foldLease, isLeaseEvent, type LeaseEvent } from "./evolve-leases.ts";
import { updatesAfter } from "./public.ts";
import {
  hasEnded,
  NOTHING_MUTED,
  type Awaited,
  type Gathered,
  type IncidentState,
  type ItemState,
} from "./state.ts";
import type { Anchors } from "./view.ts";

/** Folds one row. Rows come in order without holes; a row of an unknown type or newer version is kept by the journal and skipped here. */
export function evolve(state: IncidentState, row: JournalRow): IncidentState {
  assert(row.seq === state.seq + 1, `journal row ${row.seq} follows row ${state.seq}`);
  const event = readEvent(row);
  const next = { ...state, seq: row.seq };
  if (event === null) return next;
  const awaiting = awaitedBy(event);
  const tracked =
    awaiting === null
      ? next
      : { ...next, awaiting: { ...next.awaiting, [firstEffectOf(row.seq)]: awaiting } };
  const folded = fold(tracked, event, row);
  const harm = harmAfter(folded.harm, event);
  const facts = { harm, isPromised: pages(folded.severity) };
  const turn = { from: state.status, to: folded.status, seq: row.seq, atMs: row.atMs, facts };
  return { ...folded, harm, updates: updatesAfter(folded.updates, event, turn) };
}

/** The id of the effect whose result an event at `seq` waits for. */
export const firstEffectOf = (seq: number): string => `${seq}:0`;

/** The result that an event waits for, or null. */
export function awaitedBy(event: IncidentEvent): Awaited | null {
  switch (event.type) {
    case "lease.proposed":
      return event.data.select === undefined
        ? null
        : awaitedLease(event.data.leaseId, "select", null);
    case "lease.reselecting":
      return awaitedLease(event.data.leaseId, "select", null);
    case "lease.applying":
      return awaitedLease(event.data.leaseId, "apply", event.data.expiresAtMs);
    case "lease.extended":
    case "lease.rearmed":
      return awaitedLease(event.data.leaseId, "adjust", event.data.expiresAtMs);
    case "lease.releasing":
    case "lease.reworded":
    case "lease.widened":
      return awaitedLease(event.data.leaseId, "adjust", null);
    case "lease.reverting":
    case "lease.expired":
      return awaitedLease(event.data.leaseId, "revert", null);
    case "act.proposed":
      return { kind: "act", actId: event.data.actId, during: "judge" };
    case "act.performing":
      return { kind: "act", actId: event.data.actId, during: "perform" };
    case "evidence.requested":
      return { kind: "evidence", collector: event.data.collector };
    case "message.requested":
    case "public.requested":
      return {
        kind: event.type === "message.requested" ? "message" : "public",
        deliveryId: event.data.deliveryId,
        channel: event.data.channel,
      };
    default:
      return null;
  }
}

const awaitedLease = (
  leaseId: string,
  during: "select" | "apply" | "adjust" | "revert",
  expiresAtMs: number | null,
): Awaited => ({ kind: "lease", leaseId, during, expiresAtMs });

function fold(state: IncidentState, event: IncidentEvent, row: JournalRow): IncidentState {
  if (isLeaseEvent(event)) return foldLeaseEvent(state, event, row);
  if (isActEvent(event)) return foldActEvent(state, event, row);
  if (isFlowEvent(event)) return foldFlow(state, event, row);
  if (isTellingEvent(event)) return foldTellingEvent(state, event, row);
  switch (event.type) {
    case "rule.changed":
      return { ...state, rules: { ...state.rules, [event.data.rule]: event.data.to } };
    case "step.skipped":
      return { ...state, skipped: { ...state.skipped, [event.data.step]: event.data.why } };
    case "evidence.collected": {
      const collected = new Set([...state.collected, event.data.collector]);
      const { collector, effectId, summary, facts } = event.data;
      const told = gathered(settle(state, effectId), collector, summary);
      return { ...told, collected, stake: stakeAfter(state, collector, facts) };
    }
    case "checklist.ticked":
    case "checklist.unticked":
      return { ...state, checklist: { ...state.checklist, [event.data.item]: itemOf(event, row) } };
    case "evidence.failed":
      return gathered(settle(state, event.data.effectId), event.data.collector, null);
    case "postmortem.drafted":
      return { ...state, postmortem: state.postmortem === "none" ? "drafted" : state.postmortem };
    case "postmortem.saved":
      return saved(state, event.data.markdown);
    case "postmortem.completed":
      return { ...state, postmortem: "completed" };
    case "postmortem.chased":
      return { ...state, chasedAtMs: row.atMs };
    case "evidence.requested": {
      const { collector } = event.data;
      const { times, inVain, summary } = state.gathered[collector] ?? NOT_GATHERED;
      const asked = { times: times + 1, inVain, summary, askedAtMs: row.atMs };
      return { ...state, gathered: { ...state.gathered, [collector]: asked } };
    }
    case "status.published":
      return state;
    default:
      return unreachable(event);
  }
}

/** One that is complete stays so when a box of it is ticked. */
const saved = (state: IncidentState, markdown: string): IncidentState => ({
  ...state,
  postmortem: state.postmortem === "completed" ? "completed" : "saved",
  actions: actionItemsIn(markdown),
});

const NOT_GATHERED: Gathered = { askedAtMs: 0, times: 0, inVain: 0, summary: null };

const STAKE_IS_TOLD_BY = "payments-unpaid";
const stakeAfter = ({ stake }: IncidentState, collector: string, facts: unknown): Stake | null =>
  collector === STAKE_IS_TOLD_BY ? stakeWith(stake, facts) : stake;

/** What it said; null for nothing. */
function gathered(state: IncidentState, collector: string, said: string | null): IncidentState {
  const before = state.gathered[collector] ?? NOT_GATHERED;
  const isNews = said !== null && said !== before.summary;
  const after = {
    ...before,
    inVain: isNews ? 0 : before.inVain + 1,
    summary: said ?? before.summary,
  };
  return { ...state, gathered: { ...state.gathered, [collector]: after } };
}

function foldTellingEvent(
  state: IncidentState,
  event: TellingEvent,
  { atMs }: JournalRow,
): IncidentState {
  const told = foldTold(state, event, atMs);
  return "effectId" in event.data ? settle(told, String(event.data.effectId)) : told;
}

function foldActEvent(state: IncidentState, event: ActEvent, row: JournalRow): IncidentState {
  const { atMs } = row;
  const settled = "effectId" in event.data ? settle(state, String(event.data.effectId)) : state;
  const next = { ...settled, acts: foldAct(settled, event, row) };
  // What mends nothing is no mitigation.
  if (next.acts.some(({ id, beside }) => beside && id === event.data.actId)) return next;
  switch (event.type) {
    case "act.performing":
      return { ...next, anchors: first(next.anchors, atMs, "respondedAtMs") };
    case "act.performed":
      return { ...next, anchors: first(next.anchors, atMs, "mitigatedAtMs") };
    case "act.effective":
      return { ...next, anchors: first(next.anchors, atMs, "enforcedAtMs") };
    default:
      return next;
  }
}

type FlowEvent = Extract<IncidentEvent, { readonly type: `incident.${string}` }>;
const isFlowEvent = (event: IncidentEvent): event is FlowEvent =>
  event.type.startsWith("incident.");

function foldFlow(state: IncidentState, event: FlowEvent, row: JournalRow): IncidentState {
  const { atMs } = row;
  switch (event.type) {
    case "incident.opened":
      return opened(state, event.data, atMs);
    case "incident.status_changed":
      return { ...state, status: event.data.to };
    case "incident.acknowledged": {
      const anchors = first(state.anchors, atMs, "acknowledgedAtMs", "respondedAtMs");
      return { ...state, acknowledgedBy: row.actor.id, anchors };
    }
    case "incident.lead_taken": {
      const anchors = first(state.anchors, atMs, "respondedAtMs");
      return { ...state, lead: event.data.lead, anchors };
    }
    case "incident.severity_set":
      return {
        ...state,
        severity: event.data.to,
        pagesSinceMs: pages(event.data.to) ? (state.pagesSinceMs ?? atMs) : null,
        raisedTo: row.actor.kind === "person" ? state.raisedTo : [...state.raisedTo, event.data.to],
      };
    case "incident.escalated":
      return escalated(state, event.data.because, atMs);
    case "incident.recovery_seen": {
      const anchors = { ...state.anchors, recoveredAtMs: atMs };
      return { ...state, recoveredSinceMs: atMs, anchors };
    }
    case "incident.recovery_lost":
      return { ...state, recoveredSinceMs: null };
    case "incident.resolved": {
      const anchors = { ...state.anchors, resolvedAtMs: atMs };
      const timesResolved = state.timesResolved + 1;
      return { ...state, status: "resolved", timesResolved, muted: NOTHING_MUTED, anchors };
    }
    case "incident.reopened":
      return { ...reopened(state, atMs), rules: { ...state.rules, ...event.data.rules } };
    case "incident.muted":
      return {
        ...state,
        mutes: mutesAfter(state, event.data, atMs),
        // That it flaps was told: so is how it stands when it no longer does.
        muted: isFlapping(event.data) ? { ...state.muted, lastAtMs: atMs } : state.muted,
      };
    case "incident.unmuted":
      return { ...state, muted: NOTHING_MUTED, unmutedAtMs: atMs };
    case "incident.update_due":
      return { ...state, reminders: state.reminders + 1, lastReminderAtMs: atMs };
    case "incident.support_asked":
      return { ...state, supportAsked: [...new Set([...state.supportAsked, event.data.supplier])] };
    case "incident.linked": {
      const { kind, target, says } = event.data;
      return { ...state, links: [...state.links, { kind, target, says }] };
    }
    case "incident.unlinked":
      return { ...state, links: state.links.filter(({ target }) => target !== event.data.target) };
    case "incident.support_answered":
    case "incident.triggered":
    case "incident.noted":
      return state;
    default:
      return unreachable(event);
  }
}

function escalated(
  state: IncidentState,
  because: EventData["incident.escalated"]["because"],
  atMs: number,
): IncidentState {
  switch (because) {
    case "silence":
      return { ...state, silences: state.silences + 1, lastSilenceAtMs: atMs };
    case "unreached":
      return { ...state, unreachedAtMs: atMs };
    case "exhausted":
      return { ...state, exhausted: true };
    case "person":
      return state;
  }
}

const isFlapping = ({ because, startsAtMs, endsAtMs }: EventData["incident.muted"]): boolean =>
  because === "flapping" && endsAtMs > startsAtMs;

/** Those that have ended say nothing any more. */
const mutesAfter = (
  { mutes }: IncidentState,
  { mute: id, because, by, why, matchers, startsAtMs, endsAtMs }: EventData["incident.muted"],
  atMs: number,
): IncidentState["mutes"] =>
  [
    ...mutes.filter((known) => known.id !== id),
    { id, because, by, why, matchers, startsAtMs, endsAtMs },
  ].filter((known) => known.endsAtMs > atMs);

/** Whoever answered the first time may be asleep now: people are asked anew. */
const reopened = (state: IncidentState, atMs: number): IncidentState => ({
  ...state,
  status: "reopened",
  acknowledgedBy: null,
  askedSinceMs: atMs,
  pagesSinceMs: pages(state.severity) ? atMs : null,
  silences: 0,
  lastSilenceAtMs: null,
  reachedAtMs: null,
  unreachedAtMs: null,
  muted: NOTHING_MUTED,
  reminders: 0,
  lastReminderAtMs: null,
  raisedTo: [],
  recoveredSinceMs: null,
  skipped: {},
  exhausted: false,
  harm: UNMEASURED,
  anchors: { ...state.anchors, recoveredAtMs: null, releasedAtMs: null, resolvedAtMs: null },
});

function foldLeaseEvent(state: IncidentState, event: LeaseEvent, row: JournalRow): IncidentState {
  const effectId =
    "effectId" in event.data && typeof event.data.effectId === "string"
      ? event.data.effectId
      : null;
  const awaited = effectId === null ? undefined : state.awaiting[effectId];
  const settled = effectId === null ? state : settle(state, effectId);
  const askedEndAtMs = awaited?.kind === "lease" ? awaited.expiresAtMs : null;
  const next = { ...settled, leases: foldLease(settled, event, { ...row, askedEndAtMs }) };
  // What mends nothing is no mitigation.
  if (next.leases.some(({ id, beside }) => beside && id === event.data.leaseId)) return next;
  return { ...next, anchors: leaseAnchors(next, event, row.atMs) };
}

function opened(
  state: IncidentState,
  data: EventData["incident.opened"],
  atMs: number,
): IncidentState {
  return {
    ...state,
    opened: data,
    askedSinceMs: atMs,
    pagesSinceMs: pages(data.severity) ? atMs : null,
    status: "detected",
    severity: data.severity,
    rules: data.rules,
    anchors: { ...state.anchors, onsetAtMs: data.onsetAtMs, detectedAtMs: atMs },
  };
}

function leaseAnchors(state: IncidentState, event: LeaseEvent, atMs: number): Anchors {
  switch (event.type) {
    case "lease.applying":
      return first(state.anchors, atMs, "respondedAtMs");
    case "lease.applied": {
      const lease = state.leases.find((candidate) => candidate.id === event.data.leaseId);
      return lease?.shadow === false ? first(state.anchors, atMs, "mitigatedAtMs") : state.anchors;
    }
    case "lease.effective":
      return first(state.anchors, atMs, "enforcedAtMs");
    case "lease.reverted":
      return state.leases.every(hasEnded)
        ? { ...state.anchors, releasedAtMs: atMs }
        : state.anchors;
    default:
      return state.anchors;
  }
}

type NullableAnchor = Exclude<keyof Anchors, "onsetAtMs" | "detectedAtMs">;

/** Sets anchors that have not been set: the first time is the one that counts. */
function first(anchors: Anchors, atMs: number, ...names: readonly NullableAnchor[]): Anchors {
  const unset = names.filter((name) => anchors[name] === null);
  return { ...anchors, ...Object.fromEntries(unset.map((name) => [name, atMs])) };
}

const itemOf = (
  event: Extract<IncidentEvent, { readonly type: `checklist.${string}` }>,
  { actor, atMs }: JournalRow,
): ItemState => ({
  isTicked: event.type === "checklist.ticked",
  byPerson: actor.kind === "person",
  by: actor.id,
  atMs,
  why: event.data.why,
});

function settle(state: IncidentState, effectId: string): IncidentState {
  const { [effectId]: _settled, ...awaiting } = state.awaiting;
  return { ...state, awaiting };
}
