/** Floods among ordinary visitors, counted by real isolates and merged as shards do. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { DIMENSIONS } from "../../../src/sketches/top-talkers.ts";
import { suspectsIn, USUAL_SHARE_MAX, type Suspicion } from "../../../src/traffic/suspects.ts";
import {
  bot,
  BOT_JA4,
  CHROME_JA4,
  flooded,
  NAT,
  ordinary,
  USUAL_PER_SECOND,
  type Flood,
  type Random,
  type Sent,
} from "../../support/floods.ts";

async function suspicion(flood: Flood | null, perSecond?: number): Promise<Suspicion> {
  const { during, before } = await flooded(flood, perSecond === undefined ? {} : { perSecond });
  return suspectsIn(during, before);
}

describe("a flood is explained by the narrowest key that does", () => {
  const SHAPES = [
    ["one source", () => bot({}), "address", ["10.0.0.1"]],
    [
      "one source, while a client that nobody had heard of is busy",
      (random: Random) => (random() < 0.05 ? { ...ordinary(random), word: 0x0b00_0001 } : bot({})),
      "address",
      ["10.0.0.1"],
    ],
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
      [BOT_JA4],
    ],
    [
      "ten thousand addresses of one operator, in everybody's browser",
      (random: Random) => bot({ ja4: CHROME_JA4, word: Math.floor(random() * 10_000) * 104_729 }),
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
    // Of a network that was not heard of before, as much as others had that were not.
    expect(found.usualShare).toBeLessThan(dimension === "network" ? 0.004 : 0.001);
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
    const newcomer = (random: Random): Sent => ({
      ...ordinary(random),
      word: Math.floor(random() * 1e6) * 4_201,
    });
    // What explains them is what everybody has.
    expect(await suspicion(newcomer)).toMatchObject({ kind: "regulars" });
  });

  it("when the flood comes from where many of the usual visitors do", async ({ expect }) => {
    const found = await suspicion((random) => ({ ...ordinary(random), word: NAT }));
    expect(found).toMatchObject({ kind: "regulars", dimension: "address" });
  });

  it("when it has no key of its own at all", async ({ expect }) => {
    const found = await suspicion((random) => {
      const word = Math.floor(random() * 2 ** 32);
      const { path } = ordinary(random);
      return bot({ word, path, ja4: `j${word}`, userAgent: `u${word}`, asn: word });
    });
    expect(found).toMatchObject({ kind: "regulars", dimension: "path" });
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
