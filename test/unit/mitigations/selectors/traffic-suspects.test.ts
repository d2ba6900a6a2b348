import fc from "fast-check";
import { describe, it } from "vitest";
import { selectors } from "../../../../src/mitigations/selectors/registry.ts";
import {
  chooseSuspects,
  WIDE_MAX,
} from "../../../../src/mitigations/selectors/traffic-suspects.ts";
import type { Selection, SelectReach } from "../../../../src/mitigations/selector.ts";
import type { OfAllShards } from "../../../../src/traffic/shards.ts";
import type { TalkersWindow } from "../../../../src/traffic/traffic-api.ts";
import {
  bot,
  BOT_JA4,
  CHROME_JA4,
  flooded,
  NAT,
  ordinary,
  type Flood,
  type Random,
} from "../../../support/floods.ts";

const ALL = ["address", "network", "ja4", "asn", "path"] as const;
/** As a step that asks, and turns nobody away. */
const TERMS = { by: [...ALL], usual_max: 0.05 };
const STRICT = 0.001;

async function chosen(
  flood: Flood,
  {
    by = TERMS.by,
    usual_max = TERMS.usual_max,
    allowlist = [],
    already = {},
    usual = ordinary,
  }: Partial<typeof TERMS> & {
    readonly usual?: Flood;
    readonly allowlist?: readonly string[];
    readonly already?: Readonly<Record<string, unknown>>;
  } = {},
): Promise<Selection> {
  const seen = await flooded(flood, { usual });
  return chooseSuspects({ ...seen, allowlist, already }, { by, usual_max });
}

/** In letters: a word in a path, and no id. */
const wordOf = (n: number): string =>
  String(n).replaceAll(/\d/g, (digit) => "abcdefghij"[Number(digit)] ?? "");
const from24 = (random: Random): number => 0x0a01_0200 + Math.floor(random() * 256);
const fromAnywhere = (random: Random): number => Math.floor(random() * 10_000) * 104_729;

describe("the four shapes of a flood are named by the narrowest key that explains them", () => {
  it.for([
    ["one source", () => bot({}), { networks: ["10.0.0.1"] }],
    ["a /24", (random) => bot({ word: from24(random) }), { networks: ["10.1.2.0/24"] }],
    [
      "ten thousand addresses once each, with a TLS hello of their own",
      (random) => bot({ word: fromAnywhere(random) }),
      { ja4s: [BOT_JA4] },
    ],
    [
      "the same in everybody's browser, on a page that busts caches",
      (random) =>
        bot({
          word: fromAnywhere(random),
          ja4: CHROME_JA4,
          asn: ordinary(random).asn,
          path: "/search",
        }),
      { routes: ["/search"] },
    ],
  ] satisfies readonly (readonly [string, Flood, unknown])[])(
    "%s",
    async ([, flood, picked], { expect }) => {
      const selection = await chosen(flood);
      expect(selection).toMatchObject({ kind: "selected", picked });
      expect(selection.says).toMatch(/% of what comes on top of the usual, [\d.]+ % of the usual$/);
    },
  );

  it("an id in a path is everything below what stands before it, but not what that lists", async ({
    expect,
  }) => {
    const flood: Flood = (random) =>
      bot({
        word: fromAnywhere(random),
        ja4: CHROME_JA4,
        asn: ordinary(random).asn,
        path: `/find/${Math.floor(random() * 1e9)}/all`,
      });
    expect(await chosen(flood)).toMatchObject({ picked: { routes: ["/find/+"] } });
  });
});

describe("nobody is named", () => {
  it("while no more comes than before", async ({ expect }) => {
    const { before } = await flooded(() => bot({}));
    const usual = { before, during: before, allowlist: [], already: {} };
    expect(chooseSuspects(usual, TERMS)).toMatchObject({ kind: "nobody", because: "no_excess" });
  });

  it("who shares an address with usual clients, whatever else may be named", async ({ expect }) => {
    const flood: Flood = (random) => bot({ ...ordinary(random), word: NAT });
    const nobody = { kind: "nobody", because: "would_hit_regulars" };
    expect(await chosen(flood)).toMatchObject(nobody);
    expect(await chosen(flood, { usual_max: STRICT })).toMatchObject(nobody);
  });

  it("in a /24 that usual clients come from, unless its step may touch so many", async ({
    expect,
  }) => {
    // One of them has an address there, and sends too little to be counted by name.
    const flood: Flood = (random) => bot({ word: 0x5000_0001 + Math.floor(random() * 254) });
    const by = ["network"] as const;
    const strict = { by: [...by], usual_max: STRICT };
    expect(await chosen(flood, strict)).toMatchObject({ because: "would_hit_regulars" });
    expect(await chosen(flood, { by: [...by] })).toMatchObject({
      kind: "selected",
      picked: { networks: ["80.0.0.0/24"] },
    });
  });

  const everywhere =
    (path: (random: Random) => string): Flood =>
    (random) =>
      bot({
        word: fromAnywhere(random),
        ja4: CHROME_JA4,
        asn: ordinary(random).asn,
        path: path(random),
      });

  it.for([26, 500, 5_000])(
    "for a route below which usual clients read %i pages, named or not",
    async (pages, { expect }) => {
      const flood = everywhere((random) => `/shop/${Math.floor(random() * 1e9)}`);
      const usual: Flood = (random) => ({
        ...ordinary(random),
        path: `/shop/title-${wordOf(Math.floor(random() * pages))}`,
      });
      expect(await chosen(flood, { usual })).toMatchObject({
        because: "would_hit_regulars",
        says: expect.stringMatching(/had (?:9\d|100)(?:\.\d)? % of the usual/),
      });
    },
  );

  it.for(["/shop/", "/SHOP"])(
    "for another spelling, %s, of a page that usual clients read",
    async (path, { expect }) => {
      const usual: Flood = (random) => ({ ...ordinary(random), path: "/shop" });
      expect(
        await chosen(
          everywhere(() => path),
          { usual },
        ),
      ).toMatchObject({
        because: "would_hit_regulars",
      });
    },
  );

  it("whom the step has no word for", async ({ expect }) => {
    const flood: Flood = (random) => bot({ word: fromAnywhere(random) });
    expect(await chosen(flood, { by: ["address"] })).toMatchObject({
      kind: "nobody",
      because: "spread",
    });
  });

  it("whom the site spares", async ({ expect }) => {
    const spared = { allowlist: ["10.0.0.0/16"] };
    expect(await chosen(() => bot({}), { by: ["address"], ...spared })).toMatchObject({
      kind: "nobody",
      because: "spread",
    });
  });

  it("by more operators than a few", async ({ expect }) => {
    const flood: Flood = (random) =>
      bot({ word: fromAnywhere(random), asn: 65_000 + Math.floor(random() * (WIDE_MAX + 1)) });
    expect(await chosen(flood, { by: ["asn"] })).toMatchObject({ because: "too_wide" });
  });

  it("when the time before is not known", async ({ expect }) => {
    const { before, during } = await flooded(() => bot({}));
    const unknown = { kind: "nobody", because: "unknown" };
    for (const part of [
      { silentShards: 1 },
      { missingReports: 1 },
      { fromSecond: before.untilSecond - 5 },
    ]) {
      const seen = { during, before: { ...before, ...part }, allowlist: [], already: {} };
      expect(chooseSuspects(seen, TERMS)).toMatchObject(unknown);
    }
  });
});

it("clients are not mixed with routes that were named before, nor routes with clients", async ({
  expect,
}) => {
  const flood: Flood = (random) =>
    bot({ path: "/search", word: 0x0a00_0001 + (random() < 0.5 ? 0 : 9) });
  const byRoute = await chosen(flood, { already: { routes: ["/old"] } });
  expect(byRoute).toMatchObject({ picked: { routes: ["/search"] } });
  const byClient = await chosen(flood, { already: { ja4s: [BOT_JA4] }, by: ["path"] });
  expect(byClient).toMatchObject({ kind: "nobody", because: "spread" });
});

it("never hits more of the usual requests than the step says, whatever was counted", ({
  expect,
}) => {
  const talker = fc.record({
    name: fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"),
    count: fc.nat(5_000),
  });
  const window = fc
    .record({
      seconds: fc.integer({ min: 10, max: 60 }),
      talkers: fc.uniqueArray(talker, { selector: ({ name }) => name }),
    })
    .map(({ seconds, talkers }): OfAllShards<TalkersWindow> => ({
      fromSecond: 0,
      untilSecond: seconds,
      missingReports: 0,
      silentShards: 0,
      dimensions: (["address", "path"] as const).map((dimension) => ({
        dimension,
        total: talkers.reduce((sum, { count }) => sum + count, 0),
        refused: 0,
        distinct: new Uint8Array(),
        top: talkers.map((one) => ({ ...one, atLeast: one.count, refused: 0 })),
      })),
    }));
  fc.assert(
    fc.property(window, window, fc.constantFrom(0, 0.001, 0.05), (before, during, usual_max) => {
      const seen = { before, during, allowlist: [], already: {} };
      const selection = chooseSuspects(seen, { by: ["address"], usual_max });
      if (selection.kind !== "selected") return;
      const [usual] = before.dimensions;
      const hit = usual?.top
        .filter(({ name }) => selection.picked["networks"]?.includes(name))
        .reduce((sum, { count }) => sum + count, 0);
      expect((hit ?? 0) / (usual?.total ?? 1)).toBeLessThanOrEqual(usual_max + 1e-9);
    }),
  );
});

describe("the time before and the time of the harm", () => {
  const select = selectors["traffic-suspects"].select;
  const ask = (
    onsetAtMs: number,
    atMs: number,
    answer: Partial<OfAllShards<TalkersWindow>> = {},
  ) => {
    const asked: (readonly [number, number])[] = [];
    const reach: SelectReach = {
      allowlist: [],
      traffic: {
        signIns: () => Promise.reject(new Error("nobody is asked")),
        conduct: () => Promise.reject(new Error("nobody is asked")),
        talkers: async (seconds, untilSecond) => {
          asked.push([seconds, untilSecond]);
          const fromSecond = untilSecond - seconds;
          return {
            fromSecond,
            untilSecond,
            missingReports: 0,
            silentShards: 0,
            dimensions: [],
            ...answer,
          };
        },
      },
    };
    const options = { by: ["address"] };
    return { asked, answer: select({ options, atMs, onsetAtMs, already: {} }, reach) };
  };

  it("are asked for apart, by seconds while those are remembered, and by minutes later", async ({
    expect,
  }) => {
    const onset = 10_000_000;
    const soon = ask(onset, onset + 5_000);
    expect(await soon.answer).toMatchObject({ ok: true, value: { because: "unknown" } });
    expect(soon.asked).toEqual([
      [60, 9_985],
      [10, 10_003],
    ]);
    const late = ask(onset, onset + 600_000);
    await late.answer;
    expect(late.asked[0]).toEqual([240, 9_985]);
  });

  it("are looked at again while the last seconds are not complete", async ({ expect }) => {
    expect(await ask(0, 100_000, { silentShards: 1 }).answer).toMatchObject({
      ok: false,
      error: { class: "retry", detail: "1 shards of the counters did not answer" },
    });
  });
});
