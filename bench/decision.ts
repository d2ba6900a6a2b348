/** The decision alone, in V8 without a runtime around it: what is read from a request, and what a full policy makes of it. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { decide } from "../src/guard/decide.ts";
import { readFacts } from "../src/guard/facts.ts";
import { NO_METER } from "../src/guard/limits/meter.ts";
import { FULL, type Burden } from "./burden.ts";
import { countersHere, fullSnapshot } from "./full-snapshot.ts";
import { goal, short, type Goal } from "./goal.ts";
import { spreadOf, type Spread } from "./measure.ts";
import { profileHere, sayProfile, type ProfileLine } from "./profile.ts";
import { requestsLike } from "./request-like.ts";

export type DecisionReport = {
  readonly rounds: number;
  readonly figures: readonly DecisionFigure[];
  /** Where the time goes of those that have a goal, the reading of facts included. */
  readonly profile: readonly ProfileLine[];
};

export type DecisionFigure = {
  readonly name: string;
  /** Nanoseconds for one decision, reading the clock included. */
  readonly medianNs: Spread;
  readonly p99Ns: Spread;
  /** Bytes allocated for one clean request. */
  readonly allocatedBytes: Spread;
};

/** A visitor comes thousands of times a second here. */
const ALLOWANCE = { limit: 100_000, windowMs: 1_000 };
const DECISIONS = 100_000;
const PROFILED_DECISIONS = 1_000_000;
/** Few enough to fit between two collections. */
const COUNTED_DECISIONS = 2_000;

export function decision(rounds: number): DecisionReport {
  return {
    rounds,
    figures: [
      figureOf(NOTHING_MATCHES, FULL, rounds),
      figureOf("two of the rules count everyone", { ...FULL, counting: 2 }, rounds),
    ],
    profile: profileOf(FULL),
  };
}

const NOTHING_MATCHES = "nothing matches";

function figureOf(name: string, burden: Burden, rounds: number): DecisionFigure {
  const decideOne = decider(burden);
  const samples = Array.from({ length: rounds + 1 }, () => ({
    ...timesOf(decideOne),
    allocatedBytes: allocatedBy(decideOne),
  })).slice(1); // Of the first, V8 is still compiling.
  return {
    name,
    medianNs: spreadOf(samples.map(({ medianNs }) => medianNs)),
    p99Ns: spreadOf(samples.map(({ p99Ns }) => p99Ns)),
    allocatedBytes: spreadOf(samples.map(({ allocatedBytes }) => allocatedBytes)),
  };
}

function profileOf(burden: Burden): readonly ProfileLine[] {
  const decideOne = decider(burden);
  return profileHere((times) => {
    for (let at = 0; at < times; at += 1) decideOne(at);
  }, PROFILED_DECISIONS);
}

/** Decides on one visitor after the other. @throws {Error} when one is not simply served. */
function decider(burden: Burden): (at: number) => void {
  const snapshot = fullSnapshot(Date.now(), burden, ALLOWANCE);
  const requests = requestsLike({ hasCf: true });
  const { limits, policy } = snapshot.loaded;
  const counters = countersHere();
  const terms = { shards: policy.settings.limiterShards, waitUntil: () => undefined };
  return (at) => {
    const request = requests[at % requests.length];
    if (request === undefined) return;
    const facts = readFacts(request, policy.settings, null);
    const meter = limits === null ? NO_METER : counters.meter(facts, limits, terms);
    const { verdict } = decide(facts, snapshot, snapshot.confirmedAtMs, meter);
    if (verdict.reason !== "clean") throw new Error(`a visitor was not served: ${verdict.reason}`);
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

export const decisionGoals = ({ rounds, figures }: DecisionReport): readonly Goal[] =>
  figures
    .filter(({ name }) => name === NOTHING_MATCHES)
    .flatMap(({ name, medianNs, p99Ns }) => {
      const us = (what: string, ns: Spread, atMost: number): Goal =>
        goal({
          what: `a decision under ${FULL.networks} networks and ${FULL.rules} rules, ${name}: ${what}`,
          value: ns.median / 1_000,
          unit: "µs",
          limit: { atMost },
          rounds,
          spread: { median: ns.median / 1_000, p25: ns.p25 / 1_000, p75: ns.p75 / 1_000 },
        });
      return [us("median", medianNs, 1), us("p99", p99Ns, 5)];
    });

export const sayDecision = ({ figures, profile }: DecisionReport): string =>
  [
    `A decision alone, under ${FULL.networks} networks and ${FULL.rules} rules`,
    ...figures.map(
      ({ name, medianNs, p99Ns, allocatedBytes }) =>
        `  ${name.padEnd(34)}${short(medianNs.median).padStart(6)} ns (p99 ${short(p99Ns.median)}), ` +
        `${short(allocatedBytes.median)} bytes allocated`,
    ),
    `Where the time goes when ${NOTHING_MATCHES}, profiled`,
    ...sayProfile(profile),
  ].join("\n");
