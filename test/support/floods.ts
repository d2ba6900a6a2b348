/** Floods among ordinary visitors, counted by real isolates and merged as a shard does. */
import { Telemetry } from "../../src/guard/telemetry.ts";
import { TrafficMemory } from "../../src/traffic/window.ts";
import type { OfAllShards } from "../../src/traffic/shards.ts";
import type { TalkersWindow } from "../../src/traffic/traffic-api.ts";
import { countedFrom, factsFrom } from "./isolates.ts";
import { randomFrom } from "./limits.ts";

/** One request, as far as talkers look at it. */
export type Sent = {
  readonly word: number;
  readonly path: string;
  readonly ja4: string;
  readonly userAgent: string;
  readonly asn: number;
};
export type Random = () => number;
export type Flood = (random: Random) => Sent;

const BEFORE_SECONDS = 30;
const DURING_SECONDS = 20;
export const USUAL_PER_SECOND = 60;
const FLOOD_PER_SECOND = 1_500;
/** Ordinary people: four browsers, ten operators, forty pages; every eighth comes from one large NAT. */
export const NAT = 0xc0a8_0001;
const pick = <T>(random: Random, all: readonly T[]): T =>
  all[Math.floor(random() * all.length)] as T;
const BROWSERS = ["chrome", "firefox", "safari", "edge"];
export const CHROME_JA4 = "t13d1516h2_8daaf6152771_b0da82dd1658";
const JA4S: Readonly<Record<string, string>> = {
  chrome: CHROME_JA4,
  firefox: "t13d1715h2_5b57614c22b0_3d5424432f57",
  safari: "t13d2014h2_a09f3c656075_14788d8d241b",
  edge: "t13d1516h2_8daaf6152771_02713d6af862",
};
export const BOT_JA4 = "t13d3112h1_e8f1e7e78f70_b26ce05bbdd6";

export const ordinary: Flood = (random) => {
  const browser = pick(random, BROWSERS);
  return {
    word: random() < 1 / 8 ? NAT : 0x5000_0000 + Math.floor(random() * 400) * 4_099,
    path: `/shop/page-${"abcdefghijklmnopqrstuvwxyz"[Math.floor(random() * 26)]}`,
    ja4: JA4S[browser] ?? "",
    userAgent: browser,
    asn: 64_500 + Math.floor(random() * 10),
  };
};

export const bot = (changes: Partial<Sent>): Sent => ({
  word: 0x0a00_0001,
  path: "/shop/page-a",
  ja4: BOT_JA4,
  userAgent: "chrome",
  asn: 65_000,
  ...changes,
});

export type Flooded = {
  readonly before: OfAllShards<TalkersWindow>;
  readonly during: OfAllShards<TalkersWindow>;
};

/** Counts both, second by second: the usual alone, then with the flood. */
export async function flooded(
  flood: Flood | null,
  {
    perSecond = FLOOD_PER_SECOND,
    usual = ordinary,
  }: { readonly perSecond?: number; readonly usual?: Flood } = {},
): Promise<Flooded> {
  const random = randomFrom(11);
  const memory = new TrafficMemory(0);
  let nowMs = 0;
  const isolates = Array.from(
    { length: 4 },
    (_, n) =>
      new Telemetry({
        traffic: () => ({ flush: async (flush) => memory.add(flush, nowMs) }),
        shards: () => 1,
        newIsolateId: () => `isolate-${n}`,
      }),
  );
  const record = ({ word, path, ja4, userAgent, asn }: Sent): void => {
    const facts = factsFrom(word, {
      path,
      ja4: () => ja4,
      header: (name) => (name === "user-agent" ? userAgent : null),
      place: () => ({ asn, country: "NL" }),
    });
    pick(random, isolates).record(countedFrom(facts), nowMs, () => undefined);
  };
  const begins = 1_000;
  for (let second = begins; second < begins + BEFORE_SECONDS + DURING_SECONDS; second += 1) {
    nowMs = second * 1_000;
    const isFlooded = second >= begins + BEFORE_SECONDS;
    for (let n = 0; n < USUAL_PER_SECOND; n += 1) record(usual(random));
    if (isFlooded && flood !== null) {
      for (let n = 0; n < perSecond; n += 1) record(flood(random));
    }
    for (const isolate of isolates) await isolate.flush();
  }
  const until = begins + BEFORE_SECONDS + DURING_SECONDS - 1;
  return {
    during: { ...memory.talkers(DURING_SECONDS, until), silentShards: 0 },
    before: {
      ...memory.talkers(BEFORE_SECONDS, begins + BEFORE_SECONDS - 1),
      silentShards: 0,
    },
  };
}
