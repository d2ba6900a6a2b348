/** What counting costs per request, next to the map that everyone begins with, and whether it finds what it is there to find. */
import { Conduct } from "../src/guard/conduct.ts";
import { hashText, mix32 } from "../src/sketches/hash.ts";
import { talkerKeys, TopTalkers } from "../src/sketches/top-talkers.ts";
import { goal, type Goal } from "./goal.ts";
import { compare, type Contestant, type Figure } from "./measure.ts";
import { factsFrom } from "../test/support/isolates.ts";
import { profileHere, sayProfile, type ProfileLine } from "./profile.ts";
import { randomFrom } from "../test/support/limits.ts";

const HEAVY = 20;
const HEAVY_SHARE = 0.02;
const BACKGROUND = 700_000;
const EVENTS = 1 << 21;
/** 100 000 requests a second, so that windows end while we measure. */
const REQUESTS_PER_MS = 100;

export type SketchesReport = {
  readonly figures: readonly Figure[];
  /** Of 20 sources of 2 % each among 700 000: how many lead the list. */
  readonly found: readonly number[];
  readonly bytes: number;
  /** Where the time of what has a goal goes, for each request. */
  readonly profiles: Readonly<Record<string, readonly ProfileLine[]>>;
};

const PROFILED_REQUESTS = 4_000_000;

export function sketches(rounds: number): SketchesReport {
  const stream = makeStream(1);
  const figures = compare(
    [
      { name: "three numeric keys", run: threeKeys(stream) },
      { name: "all seven, with hashing", run: sevenKeys(stream) },
      { name: "conduct of clients", run: conductOf(stream) },
      { name: "hashing three texts", run: hashing(stream) },
      { name: "three unbounded maps", run: threeMaps(stream) },
    ],
    rounds,
  );
  const found = [1, 2, 3, 4, 5].map((seed) => heavyFound(makeStream(seed)));
  const profiles = {
    "three numeric keys": profileHere(threeKeys(stream), PROFILED_REQUESTS),
    "all seven, with hashing": profileHere(sevenKeys(stream), PROFILED_REQUESTS),
    "conduct of clients": profileHere(conductOf(stream), PROFILED_REQUESTS),
  };
  return { figures, found, bytes: new TopTalkers().byteLength, profiles };
}

const COUNT_NS_MAX: Readonly<Record<string, number>> = {
  "three numeric keys": 80,
  "all seven, with hashing": 400,
  "conduct of clients": 200,
};

export const sketchesGoals = ({ figures, found }: SketchesReport): readonly Goal[] => [
  ...figures.flatMap(({ name, rounds, medianNs, lowestNs, highestNs }) => {
    const atMost = COUNT_NS_MAX[name];
    if (atMost === undefined) return [];
    const spread = { median: medianNs, p25: lowestNs, p75: highestNs };
    return goal({ what: name, value: medianNs, unit: "ns", limit: { atMost }, rounds, spread });
  }),
  goal({
    what: "heavy sources found, worst of the seeds",
    value: Math.min(...found),
    unit: `of ${HEAVY}`,
    limit: { atLeast: HEAVY },
    rounds: found.length,
  }),
];

export const saySketches = ({ figures, found, bytes, profiles }: SketchesReport): string =>
  [
    "Counting one request",
    ...figures.map(
      ({ name, medianNs, lowestNs, highestNs }) =>
        `  ${name.padEnd(26)}${medianNs.toFixed(0).padStart(6)} ns  (${lowestNs.toFixed(0)} to ${highestNs.toFixed(0)})`,
    ),
    `  20 sources of 2 % each among 700 000: found ${found.join(", ")} (five seeds), in ${(bytes / 1_024).toFixed(0)} KiB`,
    ...Object.entries(profiles).flatMap(([name, lines]) => [
      `Where the time of ${name} goes, profiled`,
      ...sayProfile(lines),
    ]),
  ].join("\n");

type Stream = {
  readonly addresses: Uint32Array;
  readonly asns: Uint32Array;
  readonly heavy: readonly number[];
  /** JA4, user agent and path template. */
  readonly texts: readonly (readonly string[])[];
};

function makeStream(seed: number): Stream {
  const random = randomFrom(seed);
  const heavy = Array.from({ length: HEAVY }, (_, index) => mix32(seed * 1_000 + index));
  const addresses = Uint32Array.from({ length: EVENTS }, () => {
    const source = random();
    return source < HEAVY * HEAVY_SHARE
      ? (heavy[Math.floor(source / HEAVY_SHARE)] ?? 0)
      : mix32(1_000_000 + Math.floor(random() * BACKGROUND));
  });
  // A few networks have most of the traffic, as in life.
  const asns = Uint32Array.from({ length: EVENTS }, () => 1 + Math.floor(random() ** 3 * 20_000));
  const texts = Array.from({ length: 4_096 }, () => {
    const version = Math.floor(random() ** 3 * 500);
    return [
      `t13d1516h2_8daaf6152771_${version.toString(16).padStart(12, "0")}`,
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`,
      `/shop/products/:id/reviews/${version % 40}`,
    ].map(asHeader);
  });
  return { addresses, asns, heavy, texts };
}

/** In one piece, as it comes from the network; a template literal is a tree of pieces, and slower to read. */
const asHeader = (text: string): string => Buffer.from(text).toString("latin1");

function threeKeys({ addresses, asns }: Stream): Contestant["run"] {
  const talkers = new TopTalkers();
  const keys = talkerKeys();
  const names = { nameOf: () => String(keys[0]) };
  return overEvents((at, event) => {
    keys[0] = addresses[at] ?? 0;
    keys[1] = (addresses[at] ?? 0) >>> 8;
    keys[2] = asns[at] ?? 0;
    talkers.record(keys, names, event / REQUESTS_PER_MS);
    return keys[0];
  });
}

function sevenKeys({ addresses, asns, texts }: Stream): Contestant["run"] {
  const talkers = new TopTalkers();
  const keys = talkerKeys();
  const names = { nameOf: () => String(keys[0]) };
  return overEvents((at, event) => {
    const [ja4 = "", agent = "", path = ""] = texts[at % texts.length] ?? [];
    keys[0] = addresses[at] ?? 0;
    keys[1] = (addresses[at] ?? 0) >>> 8;
    keys[2] = asns[at] ?? 0;
    keys[3] = 1 + ((asns[at] ?? 0) % 200);
    keys[4] = hashText(ja4);
    keys[5] = hashText(agent);
    keys[6] = hashText(path);
    talkers.record(keys, names, event / REQUESTS_PER_MS);
    return keys[0];
  });
}

function conductOf({ addresses, texts }: Stream): Contestant["run"] {
  const conduct = new Conduct();
  const answer = { status: 200 };
  // Made beforehand: to read facts is not what this measures.
  const facts = texts.map(([, , path = ""], at) => factsFrom(at, { path }));
  return overEvents((at, event) => {
    const client = addresses[at] ?? 0;
    const seen = {
      facts: facts[at % facts.length] ?? factsFrom(0),
      nowMs: event / REQUESTS_PER_MS,
    };
    conduct.note(client, 7, answer, seen);
    return client;
  });
}

const hashing = ({ texts }: Stream): Contestant["run"] =>
  overEvents((at) => {
    const [ja4 = "", agent = "", path = ""] = texts[at % texts.length] ?? [];
    return hashText(ja4) ^ hashText(agent) ^ hashText(path);
  });

function threeMaps({ addresses, asns }: Stream): Contestant["run"] {
  const maps = [new Map<number, number>(), new Map<number, number>(), new Map<number, number>()];
  return overEvents((at) => {
    const address = addresses[at] ?? 0;
    const keys = [address, address >>> 8, asns[at] ?? 0];
    for (const [index, key] of keys.entries()) {
      maps[index]?.set(key, (maps[index].get(key) ?? 0) + 1);
    }
    return address;
  });
}

/** Goes on where the last call ended. */
function overEvents(one: (at: number, event: number) => number): Contestant["run"] {
  let event = 0;
  return (times) => {
    let sum = 0;
    for (let time = 0; time < times; time += 1) {
      sum ^= one(event & (EVENTS - 1), event);
      event += 1;
    }
    return sum;
  };
}

function heavyFound({ addresses, heavy }: Stream): number {
  const talkers = new TopTalkers();
  const keys = talkerKeys();
  const names = { nameOf: () => String(keys[0]) };
  let nowMs = 0;
  for (const [event, address] of addresses.entries()) {
    keys[0] = address;
    nowMs = event / REQUESTS_PER_MS;
    talkers.record(keys, names, nowMs);
  }
  const [cut] = talkers.cut(nowMs);
  const leading = new Set(cut?.top.slice(0, HEAVY).map(({ name }) => name));
  return heavy.filter((address) => leading.has(String(address))).length;
}
