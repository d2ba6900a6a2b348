/** A second of traffic while it is being counted or merged. */
import { LATENCY_BOUNDS_MS, type TrafficSecond } from "./traffic-api.ts";

/** Different labels kept apart within one second; what comes after them counts as `other`. */
export const LABELS_MAX = 64;

export type Labels = Record<string, number>;
export type Tally = {
  second: number;
  asked: number;
  served: number;
  failed: number;
  refused: Labels;
  shadowed: Labels;
  policySeqs: Labels;
  latency: number[];
  faults: number;
  unknownEntries: number;
  challenges: Labels;
};

export const emptyTally = (second: number): Tally => ({
  second,
  asked: 0,
  served: 0,
  failed: 0,
  refused: {},
  shadowed: {},
  policySeqs: {},
  latency: Array.from({ length: LATENCY_BOUNDS_MS.length + 1 }, () => 0),
  faults: 0,
  unknownEntries: 0,
  challenges: {},
});

/** Adds to one label, keeping the number of labels bounded. */
export function addTo(labels: Labels, label: string, by = 1): void {
  const isRoom = label in labels || Object.keys(labels).length < LABELS_MAX;
  const key = isRoom ? label : "other";
  labels[key] = (labels[key] ?? 0) + by;
}

/** Counts one answer of production in its latency bucket. */
export function addLatency(tally: Tally, latencyMs: number): void {
  const found = LATENCY_BOUNDS_MS.findIndex((boundMs) => latencyMs <= boundMs);
  const bucket = found === -1 ? LATENCY_BOUNDS_MS.length : found;
  tally.latency[bucket] = (tally.latency[bucket] ?? 0) + 1;
}

/** Adds what one isolate counted in the same second. Unknown entries are a property of the policy, not a count of requests. */
export function mergeInto(tally: Tally, second: TrafficSecond): void {
  tally.asked += second.asked;
  tally.served += second.served;
  tally.failed += second.failed;
  tally.faults += second.faults;
  tally.unknownEntries = Math.max(tally.unknownEntries, second.unknownEntries);
  for (const name of ["refused", "shadowed", "policySeqs", "challenges"] as const) {
    for (const [label, by] of Object.entries(second[name])) addTo(tally[name], label, by);
  }
  for (const [bucket, by] of second.latency.entries()) {
    tally.latency[bucket] = (tally.latency[bucket] ?? 0) + by;
  }
}
