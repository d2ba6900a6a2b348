/** What a post-mortem is about, gathered from the journal's rows: everything but the words. */
import { z } from "zod";
import { askedOf } from "../incidents/act-results.ts";
import { evolve } from "../incidents/evolve.ts";
import { isActEvent, type ActEvent } from "../incidents/evolve-acts.ts";
import {
  readEvent,
  type EventData,
  type IncidentEvent,
  type JournalRow,
} from "../incidents/journal.ts";
import { readingsIn, type Readings } from "../incidents/readings.ts";
import {
  initialState,
  type ActState,
  type IncidentState,
  type LeaseState,
} from "../incidents/state.ts";
import { ERRORS, HARMED } from "../signals/impact.ts";

/** One mitigation: what the journal says it did, and when. Times are epoch milliseconds, null when it did not happen. */
export type Mitigation = {
  readonly lease: LeaseState;
  readonly appliedAtMs: number | null;
  readonly effectiveAtMs: number | null;
  readonly effect: Readings;
  readonly ineffective: string | null;
  readonly stages: readonly { readonly atMs: number; readonly share: number }[];
  readonly endedAtMs: number | null;
  readonly outcome: EventData["lease.reverted"]["outcome"] | null;
  readonly failure: string | null;
};

/** One act: what it did or would have done, when, and what it was known by. */
export type Deed = {
  readonly act: ActState;
  readonly effect: Readings;
  readonly failure: string | null;
  /** Why it declined to be done, where that is an answer and no failure. */
  readonly declined: string | null;
};

export type Delivery = {
  readonly deliveryId: string;
  readonly channel: string;
  readonly why: string;
  readonly requestedAtMs: number;
  readonly deliveredAtMs: number | null;
  readonly failure: string | null;
};

export type EvidenceItem = {
  readonly collector: string;
  readonly atMs: number;
  readonly summary: string | null;
  readonly failure: string | null;
};

/** What was measured of the harm; null where nothing was. Of the revenue, `state.stake` tells. */
export type Impact = {
  /** The worst share of requests that production failed, 0..1. */
  readonly worstErrorRatio: { readonly value: number; readonly atMs: number } | null;
  /** Of the clients, by address. */
  readonly worstHarmedRatio: { readonly value: number; readonly atMs: number } | null;
  /** The worst share of probes that production answered, 0..1. */
  readonly worstProbeRatio: { readonly value: number; readonly atMs: number } | null;
  /** How long mitigations stood between visitors and production, in whole or in part. */
  readonly mitigatedMs: number;
};

export type Story = {
  readonly state: IncidentState;
  readonly opened: EventData["incident.opened"] | null;
  readonly mitigations: readonly Mitigation[];
  readonly deeds: readonly Deed[];
  readonly deliveries: readonly Delivery[];
  readonly evidence: readonly EvidenceItem[];
  readonly impact: Impact;
  readonly skipped: readonly { readonly step: string; readonly why: string }[];
  readonly escalations: readonly string[];
  readonly relapses: number;
  /** Signals that were asked for and not known when it mattered, with the reason. */
  readonly unknowns: ReadonlyMap<string, string>;
};

type Moment = { readonly atMs: number; readonly event: IncidentEvent };

/** Gathers the story. `rows` is the whole journal, from seq 1; what is still open is counted to `nowMs`. */
export function storyOf(rows: readonly JournalRow[], nowMs: number): Story {
  const state = rows.reduce(evolve, initialState);
  const moments = rows.flatMap((row): readonly Moment[] => {
    const event = readEvent(row);
    return event === null ? [] : [{ atMs: row.atMs, event }];
  });
  const events = moments.map(({ event }) => event);
  const mitigations = state.leases.map((lease) => mitigationOf(lease, moments));
  return {
    state,
    opened: state.opened,
    mitigations,
    deeds: state.acts.map((act) => deedOf(act, events)),
    deliveries: deliveriesOf(moments),
    evidence: newestOfEach(moments.flatMap(evidenceOf)),
    impact: impactOf(moments, mitigations, { onsetAtMs: state.anchors.onsetAtMs, nowMs }),
    skipped: events.flatMap((event) => (event.type === "step.skipped" ? [event.data] : [])),
    escalations: events.flatMap((event) =>
      event.type === "incident.escalated" ? [event.data.why] : [],
    ),
    relapses: events.filter(({ type }) => type === "lease.rearmed" || type === "incident.reopened")
      .length,
    unknowns: new Map(
      moments
        .flatMap(({ event }) => readingsIn(event))
        .flatMap(({ signal, unknown }) =>
          unknown === undefined || unknown === "masked" ? [] : [[signal, unknown] as const],
        ),
    ),
  };
}

function mitigationOf(lease: LeaseState, moments: readonly Moment[]): Mitigation {
  const start: Mitigation = {
    lease,
    appliedAtMs: null,
    effectiveAtMs: null,
    effect: [],
    ineffective: null,
    stages: [],
    endedAtMs: null,
    outcome: null,
    failure: null,
  };
  return moments
    .filter(({ event }) => "leaseId" in event.data && event.data.leaseId === lease.id)
    .reduce(foldMitigation, start);
}

function deedOf(act: ActState, events: readonly IncidentEvent[]): Deed {
  const start: Deed = { act, effect: [], failure: null, declined: null };
  return events
    .filter(isActEvent)
    .filter(({ data }) => data.actId === act.id)
    .reduce(foldDeed, start);
}

function foldDeed(deed: Deed, event: ActEvent): Deed {
  switch (event.type) {
    case "act.effective":
    case "act.ineffective":
      return { ...deed, effect: event.data.readings };
    case "act.failed":
      return { ...deed, ...failing(deed, event.data) };
    default:
      return deed;
  }
}

function failing({ act }: Deed, { during, failure }: EventData["act.failed"]): Partial<Deed> {
  const { detail } = failure;
  if (failure.notApplicable === true) return { declined: `not a case for it: ${detail}` };
  return askedOf(act, failure) === null
    ? { failure: `${during}: ${detail}` }
    : { declined: `asked for a person's word: ${detail}` };
}

function foldMitigation(mitigation: Mitigation, { atMs, event }: Moment): Mitigation {
  switch (event.type) {
    case "lease.applied":
      return { ...mitigation, appliedAtMs: mitigation.appliedAtMs ?? atMs };
    case "lease.effective":
      return {
        ...mitigation,
        effectiveAtMs: mitigation.effectiveAtMs ?? atMs,
        effect: event.data.readings,
      };
    case "lease.ineffective":
      return { ...mitigation, ineffective: event.data.why, effect: event.data.readings };
    case "lease.releasing":
      return {
        ...mitigation,
        stages: [...mitigation.stages, { atMs, share: event.data.share }],
      };
    case "lease.rearmed":
      return { ...mitigation, stages: [...mitigation.stages, { atMs, share: 1 }] };
    case "lease.reverted":
      return { ...mitigation, endedAtMs: atMs, outcome: event.data.outcome };
    case "lease.failed":
      return { ...mitigation, failure: `${event.data.during}: ${event.data.failure.detail}` };
    default:
      return mitigation;
  }
}

function deliveriesOf(moments: readonly Moment[]): readonly Delivery[] {
  const deliveries = new Map<string, Delivery>();
  for (const { atMs, event } of moments) {
    if (event.type === "message.requested") {
      const { deliveryId, channel, why } = event.data;
      const pending = { requestedAtMs: atMs, deliveredAtMs: null, failure: null };
      deliveries.set(deliveryId, { deliveryId, channel, why, ...pending });
    } else if (event.type === "message.delivered" || event.type === "message.failed") {
      const known = deliveries.get(event.data.deliveryId);
      if (known === undefined) continue;
      const became =
        event.type === "message.delivered"
          ? { deliveredAtMs: atMs }
          : { failure: event.data.failure.detail };
      deliveries.set(known.deliveryId, { ...known, ...became });
    }
  }
  return [...deliveries.values()];
}

/** What was collected more than once is told as it was in the end. */
const newestOfEach = (items: readonly EvidenceItem[]): readonly EvidenceItem[] =>
  items.filter(
    ({ collector }, index) => items.findLastIndex((one) => one.collector === collector) === index,
  );

function evidenceOf({ atMs, event }: Moment): readonly EvidenceItem[] {
  switch (event.type) {
    case "evidence.collected":
      return [{ ...item(event.data.collector, atMs), summary: event.data.summary }];
    case "evidence.failed":
      return [{ ...item(event.data.collector, atMs), failure: event.data.failure.detail }];
    default:
      return [];
  }
}

const item = (collector: string, atMs: number): EvidenceItem => ({
  collector,
  atMs,
  summary: null,
  failure: null,
});

/** Samples from before the onset are of a site that was well. What nobody could take back, guards ended by its expiry. */
function impactOf(
  moments: readonly Moment[],
  mitigations: readonly Mitigation[],
  { onsetAtMs, nowMs }: { readonly onsetAtMs: number; readonly nowMs: number },
): Impact {
  const spans = mitigations.flatMap(({ lease, appliedAtMs, endedAtMs }) => {
    const toMs = endedAtMs ?? Math.min(lease.expiresAtMs ?? nowMs, nowMs);
    return appliedAtMs === null || lease.shadow ? [] : [{ fromMs: appliedAtMs, toMs }];
  });
  const since = (signal: string): readonly Sample[] =>
    samplesOf(signal, moments).filter(({ atMs }) => atMs >= onsetAtMs);
  return {
    worstErrorRatio: worst(since(ERRORS), (a, b) => a > b),
    worstHarmedRatio: worst(since(HARMED), (a, b) => a > b),
    worstProbeRatio: worst(since("probe.around_success_ratio"), (a, b) => a < b),
    mitigatedMs: coveredMs(spans),
  };
}

/** The time that spans cover together: two mitigations at once count once. */
function coveredMs(spans: readonly { readonly fromMs: number; readonly toMs: number }[]): number {
  let coveredMs = 0;
  let untilMs = -Infinity;
  for (const { fromMs, toMs } of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    coveredMs += Math.max(0, toMs - Math.max(fromMs, untilMs));
    untilMs = Math.max(untilMs, toMs);
  }
  return coveredMs;
}

type Sample = { readonly value: number; readonly atMs: number };

/** What events carried as evidence, and what the samples around onset say. */
const samplesOf = (signal: string, moments: readonly Moment[]): readonly Sample[] =>
  moments.flatMap((moment) => [
    ...readingsIn(moment.event).flatMap((reading) =>
      reading.signal === signal && typeof reading.value === "number"
        ? [{ value: reading.value, atMs: reading.atMs ?? moment.atMs }]
        : [],
    ),
    ...collectedSamples(signal, moment),
  ]);

/** A list of samples by signal: the facts of collectors of history. Other facts are evidence, and no measure. */
const sampleFacts = z.record(
  z.string(),
  z.array(z.looseObject({ atMs: z.int(), value: z.unknown().optional() })),
);

function collectedSamples(signal: string, { event }: Moment): readonly Sample[] {
  if (event.type !== "evidence.collected") return [];
  const facts = sampleFacts.safeParse(event.data.facts);
  if (!facts.success) return [];
  return (facts.data[signal] ?? []).flatMap(({ atMs, value }) =>
    typeof value === "number" ? [{ value, atMs }] : [],
  );
}

const worst = (
  samples: readonly Sample[],
  isWorse: (a: number, b: number) => boolean,
): Sample | null =>
  samples.reduce<Sample | null>(
    (soFar, sample) => (soFar === null || isWorse(sample.value, soFar.value) ? sample : soFar),
    null,
  );
