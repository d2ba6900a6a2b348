/** Floods among ordinary visitors, counted by real isolates and merged as shards do. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { Telemetry } from "../../../src/guard/telemetry.ts";
import { DIMENSIONS } from "../../../src/sketches/top-talkers.ts";
import { suspectsIn, USUAL_SHARE_MAX, type Suspicion } from "../../../src/traffic/suspects.ts";
import { TrafficMemory } from "../../../src/traffic/window.ts";
import { countedFrom, factsFrom } from "../../support/isolates.ts";
import { randomFrom } from "../../support/limits.ts";

type Request = {
  readonly word: number;
  readonly path: string;
  readonly ja4: string;
  readonly userAgent: string;
  readonly asn: number;
};
type Random = () => number;

const BEFORE_SECONDS = 30;
const DURING_SECONDS = 20;
const USUAL_PER_SECOND = 60;
const FLOOD_PER_SECOND = 1_500;
/** Ordinary people: four browsers, ten operators, forty pages; every eighth comes from one large NAT. */
const NAT = 0xc0a8_0001;
const pick = <T>(random: Random, all: readonly T[]): T =>
  all[Math.floor(random() * all.length)] as T;
const BROWSERS = ["chrome", "firefox", "safari", "edge"];

const ordinary = (random: Random): Request => {
  const browser = pick(random, BROWSERS);
  return {
    word: random() < 1 / 8 ? NAT : 0x5000_0000 + Math.floor(random() * 400) * 4_099,
    path: `/shop/page-${"abcdefghijklmnopqrstuvwxyz"[Math.floor(random() * 26)]}`,
    ja4: `ja4-of-${browser}`,
    userAgent: browser,
    asn: 64_500 + Math.floor(random() * 10),
  };
};

/** Counts both, second by second, and tells them apart. */
async function suspicion(
  flood: ((random: Random) => Request) | null,
  perSecond = FLOOD_PER_SECOND,
) {
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
  const record = ({ word, path, ja4, userAgent, asn }: Request): void => {
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
    for (let n = 0; n < USUAL_PER_SECOND; n += 1) record(ordinary(random));
    if (isFlooded && flood !== null) {
      for (let n = 0; n < perSecond; n += 1) record(flood(random));
    }
    for (const isolate of isolates) await isolate.flush();
  }
  const until = begins + BEFORE_SECONDS + DURING_SECONDS - 1;
  return suspectsIn(
    memory.talkers(DURING_SECONDS, until),
    memory.talkers(BEFORE_SECONDS, begins + BEFORE_SECONDS - 1),
  );
}

const bot = (changes: Partial<Request>): Request => ({
  word: 0x0a00_0001,
  path: "/shop/page-a",
  ja4: "ja4-of-a-bot",
  userAgent: "chrome",
  asn: 65_000,
  ...changes,
});

describe("a flood is explained by the narrowest key that does", () => {
  const SHAPES = [
    ["one source", () => bot({}), "address", ["10.0.0.1"]],
    [
      "twenty sources",
      (random: Random) => bot({ word: 0x0a00_0000 + Math.floor(random() * 20) * 0x0001_0000 }),
      "address",
      null,
    ],
    [
      "a /24",
      (random: Random) => bot({ word: 0x0a01_0200 + Math.floor(random() * 256) }),
      "network",
      ["10.1.2.0/24"],
    ],
    [
      "ten thousand addresses with one TLS hello",
      (random: Random) => bot({ word: Math.floor(random() * 10_000) * 104_729 }),
      "ja4",
      ["ja4-of-a-bot"],
    ],
    [
      "ten thousand addresses of one operator, in everybody's browser",
      (random: Random) =>
        bot({ ja4: "ja4-of-chrome", word: Math.floor(random() * 10_000) * 104_729 }),
      "asn",
      ["AS65000"],
    ],
  ] as const;
  it.for(SHAPES)("%s", async ([, flood, dimension, names], { expect }) => {
    const found = await suspicion(flood);
    expect(found).toMatchObject({ kind: "named", dimension });
    if (found.kind !== "named") return;
    if (names !== null) expect(found.suspects.map(({ name }) => name)).toEqual(names);
    else expect(found.suspects).toHaveLength(20);
    expect(found.explained).toBeGreaterThan(0.8);
    expect(found.usualShare).toBeLessThan(0.001);
  });

  it("that busts caches is told by who asks, not by what", async ({ expect }) => {
    const found = await suspicion((random) =>
      bot({
        word: 0x0a00_0000 + Math.floor(random() * 8) * 0x0001_0000,
        path: `/search/${Math.floor(random() * 1e9).toString(36)}`,
      }),
    );
    expect(found).toMatchObject({ kind: "named", dimension: "address" });
  });
});

describe("nobody is named", () => {
  it("for the usual traffic, or half as much again", async ({ expect }) => {
    expect(await suspicion(null)).toEqual({ kind: "none", reason: "no_excess" });
    expect(await suspicion(ordinary, USUAL_PER_SECOND / 2)).toEqual({
      kind: "none",
      reason: "no_excess",
    });
  });

  it("when newcomers are like those who were here before", async ({ expect }) => {
    const newcomer = (random: Random): Request => ({
      ...ordinary(random),
      word: Math.floor(random() * 1e6) * 4_201,
    });
    expect(await suspicion(newcomer)).toMatchObject({ kind: "spread" });
  });

  it("when the flood comes from where many of the usual visitors do", async ({ expect }) => {
    const found = await suspicion((random) => ({ ...ordinary(random), word: NAT }));
    expect(found).toMatchObject({ kind: "spread" });
  });

  it("without a time before to compare with", ({ expect }) => {
    const nothing = { fromSecond: 0, untilSecond: 0, dimensions: [] };
    const none = { kind: "none", reason: "nothing_before" };
    expect(suspectsIn(nothing, nothing)).toEqual(none);
    expect(suspectsIn(nothing, { ...nothing, untilSecond: 10 })).toEqual(none);
  });
});

it("never names what carries more of the usual traffic than may be hit", ({ expect }) => {
  const talker = fc.record({
    name: fc.constantFrom("a", "b", "c", "d", "e"),
    count: fc.nat(5_000),
  });
  const cuts = fc.uniqueArray(talker, { selector: ({ name }) => name }).map((top) =>
    DIMENSIONS.map((dimension) => ({
      dimension,
      total: top.reduce((sum, { count }) => sum + count, 0),
      refused: 0,
      distinct: new Uint8Array(),
      top: top.map(({ name, count }) => ({ name, count, atLeast: count, refused: 0 })),
    })),
  );
  const window = fc.record({
    fromSecond: fc.constant(0),
    untilSecond: fc.integer({ min: 0, max: 60 }),
    dimensions: cuts,
  });
  fc.assert(
    fc.property(window, window, (during, before) => {
      const found: Suspicion = suspectsIn(during, before);
      if (found.kind !== "named") return;
      expect(found.usualShare).toBeLessThanOrEqual(USUAL_SHARE_MAX);
      expect(found.explained).toBeLessThanOrEqual(1);
      for (const { perSecond, beforePerSecond } of found.suspects) {
        expect(perSecond).toBeGreaterThan(beforePerSecond);
      }
    }),
  );
});
