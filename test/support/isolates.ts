/** Isolates that count what passes and report to shards that merge it: the real classes, without the wire. */
import { Telemetry, type Counted } from "../../src/guard/telemetry.ts";
import type { RequestFacts } from "../../src/guard/facts.ts";
import { formatAddress } from "../../src/guard/ip/address.ts";
import { mix32 } from "../../src/sketches/hash.ts";
import { mergeSignIns } from "../../src/traffic/sign-in-figures.ts";
import { readShards, type TrafficReader } from "../../src/traffic/shards.ts";
import { TrafficMemory } from "../../src/traffic/window.ts";
import { randomFrom } from "./limits.ts";

const ATTACKERS = 20;
const ATTACKER_SHARE = 0.02;
const OTHERS = 700_000;

/** The facts of a plain request from this IPv4 address. */
export const factsFrom = (word: number, changes: Partial<RequestFacts> = {}): RequestFacts => ({
  method: "GET",
  url: "https://shop.example/pitches/17",
  path: "/pitches/17",
  isPlainPath: true,
  otherPaths: [],
  header: (name) => (name === "user-agent" ? "a-browser" : null),
  headerNames: () => [],
  hasClientCertificate: () => false,
  clientKey: () => "",
  address: { family: 4, words: Uint32Array.of(word, 0, 0, 0) },
  place: () => ({ asn: 64_500, country: "NL" }),
  ja4: () => null,
  isVerifiedBot: () => false,
  isProbe: false,
  operator: null,
  isGraphqlRead: false,
  clearance: null,
  ...changes,
});

export const countedFrom = (
  facts: RequestFacts | null,
  changes: Partial<Counted> = {},
): Counted => ({
  outcome: { kind: "served", latencyMs: 30, status: 200 },
  facts,
  policySeq: "1.1",
  shadowedIds: [],
  refusedBy: null,
  unknownEntries: 0,
  isFault: false,
  isLogged: false,
  ...changes,
});

export type Isolates = {
  readonly reader: TrafficReader;
  /** Addresses that send one in fifty requests each. */
  readonly attackers: readonly string[];
  /** How many requests each address really sent. */
  readonly sent: ReadonlyMap<string, number>;
  readonly attack: (load: {
    readonly fromSecond: number;
    readonly seconds: number;
    readonly requestsPerSecond: number;
  }) => Promise<void>;
};

export function isolates(given: { readonly isolates: number; readonly shards: number }): Isolates {
  const memories = Array.from({ length: given.shards }, () => new TrafficMemory(0));
  let nowMs = 0;
  const telemetries = Array.from(
    { length: given.isolates },
    (_, n) =>
      new Telemetry({
        traffic: (shard) => ({ flush: async (flush) => memories[shard]?.add(flush, nowMs) }),
        shards: () => given.shards,
        newIsolateId: () => `isolate-${n}`,
      }),
  );
  const words = Array.from({ length: ATTACKERS }, (_, index) => mix32(1_000 + index));
  const nameOf = (word: number): string => formatAddress(4, Uint32Array.of(word, 0, 0, 0));
  const random = randomFrom(7);
  const sent = new Map<string, number>();

  return {
    reader: readShards(
      memories.map((memory) => () => ({
        window: async (seconds, until) => memory.window(seconds, until),
        talkers: async (seconds, until) => memory.talkers(seconds, until),
        touched: async () => memory.touched(),
        logged: async () => ({ requests: [], leftOut: 0 }),
        reports: async () => ({ fromSecond: 0, counts: {}, lastFlushAtMs: null, lostFlushes: 0 }),
        signIns: async () => mergeSignIns([]),
        conduct: async (nowSecond) => memory.conduct(nowSecond),
      })),
    ),
    attackers: words.map(nameOf),
    sent,
    async attack({ fromSecond, seconds, requestsPerSecond }) {
      for (let second = fromSecond; second < fromSecond + seconds; second += 1) {
        for (let request = 0; request < requestsPerSecond; request += 1) {
          nowMs = second * 1_000 + Math.floor((request * 1_000) / requestsPerSecond);
          const draw = random();
          const word =
            draw < ATTACKERS * ATTACKER_SHARE
              ? (words[Math.floor(draw / ATTACKER_SHARE)] ?? 0)
              : mix32(1_000_000 + Math.floor(random() * OTHERS));
          sent.set(nameOf(word), (sent.get(nameOf(word)) ?? 0) + 1);
          const telemetry = telemetries[Math.floor(random() * telemetries.length)];
          telemetry?.record(countedFrom(factsFrom(word)), nowMs, () => {});
        }
        for (const telemetry of telemetries) await telemetry.flush();
      }
    },
  };
}
