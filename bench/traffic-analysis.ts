/**
 * What it takes to find out whom a flood is of: more than a million requests counted by guards, told to `Traffic`, merged, and the selection
 * of whom to act on; next to what everyone begins with, an exact map for each key, kept as long and asked the same.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Telemetry } from "../src/guard/telemetry.ts";
import { hashText, mix32 } from "../src/sketches/hash.ts";
import { HyperLogLog } from "../src/sketches/hyper-log-log.ts";
import { MERGED_NAMES_MAX } from "../src/sketches/merged-talkers.ts";
import { DIMENSIONS, DISTINCT_PRECISION, type DimensionCut } from "../src/sketches/top-talkers.ts";
import { suspectsIn, type Suspicion } from "../src/traffic/suspects.ts";
import { BUCKET_SECONDS } from "../src/traffic/talker-memory.ts";
import type { TalkersWindow } from "../src/traffic/traffic-api.ts";
import { readShards, type TrafficReader } from "../src/traffic/shards.ts";
import { TrafficMemory } from "../src/traffic/window.ts";
import { countedFrom, factsFrom } from "../test/support/isolates.ts";
import { randomFrom } from "../test/support/limits.ts";
import { goal, short, type Goal } from "./goal.ts";
import { spreadOf, type Spread } from "./measure.ts";

const ISOLATES = 4;
const SHARDS = 2;
const BEFORE_SECONDS = 60;
const FLOOD_SECONDS = 30;
const PEOPLE_PER_SECOND = 5_000;
const FLOOD_PER_SECOND = 25_000;
const PEOPLE = 700_000;
const FLOODERS = 10_000;
const REQUESTS =
  BEFORE_SECONDS * PEOPLE_PER_SECOND + FLOOD_SECONDS * (PEOPLE_PER_SECOND + FLOOD_PER_SECOND);
/** So often both are repeated, which are too short to be timed once. */
const READINGS = 10;
const SELECTIONS = 1_000;
const FROM_SECOND = 1_000;
const BEGAN_SECOND = FROM_SECOND + BEFORE_SECONDS;
const UNTIL_SECOND = BEGAN_SECOND + FLOOD_SECONDS;
const DURING_SECONDS = 10;

export type TrafficAnalysisReport = {
  readonly requests: number;
  readonly rounds: number;
  readonly analyses: readonly Analysed[];
};
type Analysed = {
  readonly name: string;
  /** CPU milliseconds for each million requests, until both windows can be read. */
  readonly msPerMillion: Spread;
  /** What lives on afterwards, as far as this stream filled it. */
  readonly heldBytesPerMillion: Spread;
  /** The window before and the one during the flood, of all shards. */
  readonly readingMs: Spread;
  /** The pure function alone, on what was read. */
  readonly selectionMs: Spread;
  /** What it named, by which key. */
  readonly named: string;
};

/** Everything that is counted by, ready made: what is measured is the counting. */
type Stream = {
  readonly words: Uint32Array;
  readonly asns: Uint32Array;
  readonly hellos: Uint8Array;
  readonly pages: Uint8Array;
};
type Windows = {
  readonly before: Pick<TalkersWindow, "fromSecond" | "untilSecond" | "dimensions">;
  readonly during: Pick<TalkersWindow, "fromSecond" | "untilSecond" | "dimensions">;
};
/** Counts the stream; what it answers with keeps alive all that has to be kept. */
type Analysis = {
  readonly name: string;
  readonly count: (stream: Stream) => Promise<() => Promise<Windows>>;
};

const HELLOS = [
  "t13d1516h2_8daaf6152771_b0da82dd1658",
  "t13d1715h2_5b57614c22b0_3d5424432f57",
  "t13d2014h2_a09f3c656075_14788d8d241b",
  "t13d3112h1_e8f1e7e78f70_b26ce05bbdd6",
] as const;
const FLOOD_HELLO = HELLOS.length - 1;
const BROWSERS = ["chrome", "firefox", "safari", "chrome"] as const;
const PAGES = Array.from({ length: 26 }, (_, at) => `/shop/page-${String.fromCharCode(97 + at)}`);

const SKETCHES = "guards' sketches, merged by Traffic";
const MAPS = "an exact map for each key";

export async function trafficAnalysis(rounds: number): Promise<TrafficAnalysisReport> {
  const stream = makeStream();
  const samples = [
    { analysis: { name: MAPS, count: byMaps }, taken: [] as Sample[] },
    { analysis: { name: SKETCHES, count: bySketches }, taken: [] as Sample[] },
  ];
  // Of the first round V8 is still compiling.
  for (let round = 0; round <= rounds; round += 1) {
    for (const { analysis, taken } of samples) {
      const sample = await sampleOf(analysis, stream);
      if (round > 0) taken.push(sample);
    }
  }
  return {
    requests: REQUESTS,
    rounds,
    analyses: samples.map(({ analysis, taken }) => ({
      name: analysis.name,
      msPerMillion: spreadOf(taken.map(({ countMs }) => perMillion(countMs))),
      heldBytesPerMillion: spreadOf(taken.map(({ heldBytes }) => perMillion(heldBytes))),
      readingMs: spreadOf(taken.map(({ readingMs }) => readingMs)),
      selectionMs: spreadOf(taken.map(({ selectionMs }) => selectionMs)),
      named: taken[0]?.named ?? "nothing",
    })),
  };
}

const perMillion = (value: number): number => (value * 1e6) / REQUESTS;

type Sample = {
  readonly countMs: number;
  readonly heldBytes: number;
  readonly readingMs: number;
  readonly selectionMs: number;
  readonly named: string;
};

async function sampleOf({ count }: Analysis, stream: Stream): Promise<Sample> {
  const bytesBefore = liveBytes();
  let spent = process.threadCpuUsage();
  const windows = await count(stream);
  const countMs = msSince(spent);
  const heldBytes = liveBytes() - bytesBefore;
  spent = process.threadCpuUsage();
  for (let turn = 1; turn < READINGS; turn += 1) await windows();
  const { before, during } = await windows();
  const readingMs = msSince(spent) / READINGS;
  spent = process.threadCpuUsage();
  let found: Suspicion | null = null;
  for (let turn = 0; turn < SELECTIONS; turn += 1) found = suspectsIn(during, before);
  const selectionMs = msSince(spent) / SELECTIONS;
  return { countMs, heldBytes, readingMs, selectionMs, named: sayFound(found) };
}

const sayFound = (found: Suspicion | null): string =>
  found?.kind === "named"
    ? `${found.dimension} ${found.suspects.map(({ name }) => name).join(", ")}`
    : (found?.kind ?? "nothing");

function msSince(from: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(from);
  return (user + system) / 1_000;
}

/** After a collection: the heap, and what typed arrays hold beside it. */
function liveBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function makeStream(): Stream {
  const random = randomFrom(5);
  const words = new Uint32Array(REQUESTS);
  const asns = new Uint32Array(REQUESTS);
  const hellos = new Uint8Array(REQUESTS);
  const pages = new Uint8Array(REQUESTS);
  let at = 0;
  eachSecond((_, people, flood) => {
    for (let n = 0; n < people + flood; n += 1, at += 1) {
      const isFlood = random() * (people + flood) < flood;
      words[at] = isFlood
        ? mix32(Math.floor(random() * FLOODERS))
        : mix32(1_000_000 + Math.floor(random() * PEOPLE));
      asns[at] = 1 + Math.floor(random() ** 3 * 20_000);
      hellos[at] = isFlood ? FLOOD_HELLO : Math.floor(random() * FLOOD_HELLO);
      pages[at] = Math.floor(random() ** 2 * PAGES.length);
    }
  });
  return { words, asns, hellos, pages };
}

function eachSecond(one: (second: number, people: number, flood: number) => void): void {
  for (let second = FROM_SECOND; second < UNTIL_SECOND; second += 1) {
    one(second, PEOPLE_PER_SECOND, second < BEGAN_SECOND ? 0 : FLOOD_PER_SECOND);
  }
}

/** Each isolate reports once a second, as guards do, and shards merge it. */
async function bySketches({ words, asns, hellos, pages }: Stream): ReturnType<Analysis["count"]> {
  const memories = Array.from({ length: SHARDS }, () => new TrafficMemory(0));
  let nowMs = 0;
  const isolates = Array.from(
    { length: ISOLATES },
    (_, n) =>
      new Telemetry({
        traffic: (shard) => ({ flush: async (flush) => memories[shard]?.add(flush, nowMs) }),
        shards: () => SHARDS,
        newIsolateId: () => `isolate-${n}`,
      }),
  );
  let at = 0;
  // The same facts, filled anew: who reads them keeps none of it.
  const address = Uint32Array.of(0, 0, 0, 0);
  const counted = PAGES.map((path) =>
    countedFrom(
      factsFrom(0, {
        path,
        address: { family: 4, words: address },
        ja4: () => HELLOS[hellos[at] ?? 0] ?? "",
        header: (name) => (name === "user-agent" ? (BROWSERS[hellos[at] ?? 0] ?? "") : null),
        place: () => ({ asn: asns[at] ?? 0, country: "NL" }),
      }),
    ),
  );
  const seconds: { readonly second: number; readonly requests: number }[] = [];
  eachSecond((second, people, flood) => seconds.push({ second, requests: people + flood }));
  for (const { second, requests } of seconds) {
    nowMs = second * 1_000;
    for (let n = 0; n < requests; n += 1, at += 1) {
      address[0] = words[at] ?? 0;
      const one = counted[pages[at] ?? 0];
      if (one !== undefined) isolates[at % ISOLATES]?.record(one, nowMs, () => undefined);
    }
    for (const isolate of isolates) await isolate.flush();
  }
  const reader: Pick<TrafficReader, "talkers"> = readShards(
    memories.map((memory) => () => ({
      ...NOT_ASKED,
      talkers: async (span: number, until: number) => memory.talkers(span, until),
    })),
  );
  return async () => {
    // Whoever reports is live as well as who is told.
    if (isolates.length !== ISOLATES) throw new Error("an isolate is gone");
    return {
      before: await reader.talkers(BEFORE_SECONDS, BEGAN_SECOND - 1),
      during: await reader.talkers(DURING_SECONDS, UNTIL_SECOND - 1),
    };
  };
}

const notAsked = (): never => {
  throw new Error("only talkers are asked");
};
const NOT_ASKED = {
  window: notAsked,
  touched: notAsked,
  logged: notAsked,
  reports: notAsked,
  conduct: notAsked,
  signIns: notAsked,
};

type Maps = readonly Map<number | string, number>[];

/** A map for each key and two seconds, as long as sketches are kept. */
async function byMaps({ words, asns, hellos, pages }: Stream): ReturnType<Analysis["count"]> {
  const buckets = new Map<number, Maps>();
  let at = 0;
  eachSecond((second, people, flood) => {
    const bucket = Math.floor(second / BUCKET_SECONDS);
    const maps = buckets.get(bucket) ?? DIMENSIONS.map(() => new Map<number | string, number>());
    buckets.set(bucket, maps);
    for (let n = 0; n < people + flood; n += 1, at += 1) {
      const word = words[at] ?? 0;
      const hello = hellos[at] ?? 0;
      count(maps[0], word);
      count(maps[1], word >>> 8);
      count(maps[2], asns[at] ?? 0);
      count(maps[3], "NL");
      count(maps[4], HELLOS[hello] ?? "");
      count(maps[5], BROWSERS[hello] ?? "");
      count(maps[6], PAGES[pages[at] ?? 0] ?? "");
    }
  });
  const within = (fromSecond: number, untilSecond: number) => {
    const merged = DIMENSIONS.map(() => new Map<number | string, number>());
    for (const [bucket, maps] of buckets) {
      if (bucket * BUCKET_SECONDS < fromSecond || bucket * BUCKET_SECONDS > untilSecond) continue;
      for (const [index, map] of maps.entries()) {
        for (const [key, n] of map) count(merged[index], key, n);
      }
    }
    return { fromSecond: fromSecond - 1, untilSecond, dimensions: merged.map(cutOf) };
  };
  return async () => ({
    before: within(FROM_SECOND, BEGAN_SECOND - 1),
    during: within(UNTIL_SECOND - DURING_SECONDS, UNTIL_SECOND - 1),
  });
}

function count(map: Map<number | string, number> | undefined, key: number | string, by = 1): void {
  map?.set(key, (map.get(key) ?? 0) + by);
}

/** As the selection reads it, with the names that would be kept. */
function cutOf(map: ReadonlyMap<number | string, number>, index: number): DimensionCut {
  const distinct = new HyperLogLog(DISTINCT_PRECISION);
  let total = 0;
  for (const [key, n] of map) {
    distinct.add(typeof key === "number" ? key : hashText(key));
    total += n;
  }
  const top = [...map]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, MERGED_NAMES_MAX)
    .map(([key, n]) => ({ name: String(key), count: n, atLeast: n, refused: 0 }));
  const dimension = DIMENSIONS[index] ?? "address";
  return { dimension, total, refused: 0, distinct: distinct.toBytes(), top };
}

const MEBIBYTE = 2 ** 20;
const of = ({ analyses }: TrafficAnalysisReport, name: string): Analysed | undefined =>
  analyses.find((one) => one.name === name);

export function trafficAnalysisGoals(report: TrafficAnalysisReport): readonly Goal[] {
  const ours = of(report, SKETCHES);
  if (ours === undefined) return [];
  const { rounds } = report;
  const inMebibytes = ({ median, p25, p75 }: Spread): Spread => ({
    median: median / MEBIBYTE,
    p25: p25 / MEBIBYTE,
    p75: p75 / MEBIBYTE,
  });
  const figure = (what: string, unit: string, atMost: number, spread: Spread): Goal =>
    goal({ what, value: spread.median, unit, limit: { atMost }, baseline: MAPS, rounds, spread });
  return [
    figure("CPU per million requests", "ms", 1_500, ours.msPerMillion),
    figure("memory per million requests", "MiB", 32, inMebibytes(ours.heldBytesPerMillion)),
    figure("reading the windows before and during", "ms", 100, ours.readingMs),
    figure("the selection itself", "ms", 1, ours.selectionMs),
    goal({
      what: "the same is named as by exact counts",
      value: ours.named === of(report, MAPS)?.named ? 1 : 0,
      unit: "of 1",
      limit: { atLeast: 1 },
      baseline: MAPS,
      rounds,
    }),
  ];
}

export const sayTrafficAnalysis = ({ requests, analyses }: TrafficAnalysisReport): string =>
  [
    `Traffic analysis of ${requests} requests, ${PEOPLE} addresses and a flood of ${FLOODERS}; for each million`,
    ...analyses.map(
      ({ name, msPerMillion, heldBytesPerMillion, readingMs, selectionMs, named }) =>
        `  ${name.padEnd(38)}${short(msPerMillion.median).padStart(6)} ms of CPU, ${short(heldBytesPerMillion.median / MEBIBYTE)} MiB held; reading ${short(readingMs.median)} ms, selection ${short(selectionMs.median)} ms: ${named}`,
    ),
  ].join("\n");
