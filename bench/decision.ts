/** The decision alone, in V8 without a runtime around it: what is read from a request, and what a full policy makes of it. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { decide } from "../src/guard/decide.ts";
import { readFacts } from "../src/guard/facts.ts";
import { NO_METER } from "../src/guard/limits/meter.ts";
import { FULL } from "./burden.ts";
import { countersHere, fullSnapshot } from "./full-snapshot.ts";
import { goal, short, type Goal } from "./goal.ts";
import { spreadOf, type Spread } from "./measure.ts";
import { requestsLike } from "./request-like.ts";

export type DecisionReport = {
  readonly rounds: number;
  /** Nanoseconds for one decision, reading the clock included. */
  readonly medianNs: Spread;
  readonly p99Ns: Spread;
  /** Bytes allocated for one clean request. */
  readonly allocatedBytes: Spread;
};

/** A visitor comes thousands of times a second here. */
const ALLOWANCE = { limit: 100_000, windowMs: 1_000 };
const DECISIONS = 100_000;
/** Few enough to fit between two collections. */
const COUNTED_DECISIONS = 2_000;

export function decision(rounds: number): DecisionReport {
  const snapshot = fullSnapshot(Date.now(), ALLOWANCE);
  const requests = requestsLike({ hasCf: true });
  const { limits, policy } = snapshot.loaded;
  const counters = countersHere();
  const terms = { shards: policy.settings.limiterShards, waitUntil: () => undefined };
  const decideOne = (at: number): void => {
    const request = requests[at % requests.length];
    if (request === undefined) return;
    const facts = readFacts(request, policy.settings, null);
    const meter = limits === null ? NO_METER : counters.meter(facts, limits, terms);
    const { verdict } = decide(facts, snapshot, snapshot.confirmedAtMs, meter);
    if (verdict.reason !== "clean") throw new Error(`a visitor was not served: ${verdict.reason}`);
  };
  const samples = Array.from({ length: rounds + 1 }, () => ({
    ...timesOf(decideOne),
    allocatedBytes: allocatedBy(decideOne),
  })).slice(1); // Of the first, V8 is still compiling.
  return {
    rounds,
    medianNs: spreadOf(samples.map(({ medianNs }) => medianNs)),
    p99Ns: spreadOf(samples.map(({ p99Ns }) => p99Ns)),
    allocatedBytes: spreadOf(samples.map(({ allocatedBytes }) => allocatedBytes)),
  };
}

function timesOf(one: (at: number) => void): { readonly medianNs: number; readonly p99Ns: number } {
  const ns = new Float64Array(DECISIONS);
  for (let at = 0; at < DECISIONS; at += 1) {
    const from = process.hrtime.bigint();
    one(at);
    ns[at] = Number(process.hrtime.bigint() - from);
  }
  ns.sort();
  return { medianNs: ns[DECISIONS / 2] ?? 0, p99Ns: ns[Math.floor(DECISIONS * 0.99)] ?? 0 };
}

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

function allocatedBy(one: (at: number) => void): number {
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < COUNTED_DECISIONS; at += 1) one(at);
  return (process.memoryUsage().heapUsed - before) / COUNTED_DECISIONS;
}

export const decisionGoals = ({ rounds, medianNs, p99Ns }: DecisionReport): readonly Goal[] => {
  const us = ({ median, p25, p75 }: Spread): Spread => ({
    median: median / 1_000,
    p25: p25 / 1_000,
    p75: p75 / 1_000,
  });
  return [
    goal({
      what: `a decision under ${FULL.networks} networks and ${FULL.rules} rules, median`,
      value: medianNs.median / 1_000,
      unit: "µs",
      limit: { atMost: 1 },
      rounds,
      spread: us(medianNs),
    }),
    goal({
      what: `a decision under ${FULL.networks} networks and ${FULL.rules} rules, p99`,
      value: p99Ns.median / 1_000,
      unit: "µs",
      limit: { atMost: 5 },
      rounds,
      spread: us(p99Ns),
    }),
  ];
};

export const sayDecision = ({ medianNs, p99Ns, allocatedBytes }: DecisionReport): string =>
  [
    `A decision alone, under ${FULL.networks} networks and ${FULL.rules} rules`,
    `  ${short(medianNs.median)} ns (p99 ${short(p99Ns.median)}), ${short(allocatedBytes.median)} bytes allocated`,
  ].join("\n");
