import { describe, it } from "vitest";
import {
  REPORT_AGE_MS_MAX,
  traffic,
  WINDOW_SECONDS,
} from "../../../../src/signals/sources/traffic.ts";
import { p95Ms } from "../../../../src/signals/histogram.ts";
import {
  LATENCY_BOUNDS_MS,
  type TalkersWindow,
  type TrafficWindow,
} from "../../../../src/traffic/traffic-api.ts";
import { HyperLogLog } from "../../../../src/sketches/hyper-log-log.ts";
import {
  DISTINCT_PRECISION,
  type Dimension,
  type DimensionCut,
} from "../../../../src/sketches/top-talkers.ts";
import type { OfAllShards } from "../../../../src/traffic/shards.ts";
import {
  aPoll,
  aSecond,
  aTalkersWindow,
  aTraffic,
  aWindow,
  NOW_MS,
} from "../../../support/signals.ts";

const poll = (window: Partial<TrafficWindow>) =>
  traffic.poll(aPoll({ traffic: aTraffic({ window: async () => aWindow(window) }) }));

describe("traffic", () => {
  it("asks for the last ten seconds that are surely reported", async ({ expect }) => {
    const asked: (readonly [number, number])[] = [];
    const window = async (seconds: number, untilSecond: number) => {
      asked.push([seconds, untilSecond]);
      return aWindow();
    };
    await traffic.poll(aPoll({ traffic: aTraffic({ window }), atMs: NOW_MS + 999 }));
    expect(asked).toEqual([[WINDOW_SECONDS, NOW_MS / 1_000 - 2]]);
  });

  it("counts production's answers and nothing that the guard answered", async ({ expect }) => {
    const latency = LATENCY_BOUNDS_MS.map((bound) => (bound === 100 ? 20 : 0));
    const answers = await poll({
      seconds: [
        aSecond({ served: 12, failed: 3, refused: { maintenance: 1_000 }, latency }),
        aSecond({ second: 2, served: 3, failed: 2 }),
      ],
    });
    expect(answers).toMatchObject({
      "traffic.arriving_per_second": { value: 102 },
      "traffic.requests_per_second": { value: 2 },
      "traffic.origin_requests_count": { value: 20 },
      "traffic.error_ratio": { value: 0.25 },
      "traffic.latency_p95_ms": { value: 97.5 },
    });
  });

  it("counts a production that never answers as one that fails", async ({ expect }) => {
    const answers = await poll({
      seconds: [aSecond({ asked: 20 }), aSecond({ second: 2, asked: 20, served: 10 })],
    });
    expect(answers).toMatchObject({
      "traffic.requests_per_second": { value: 4 },
      "traffic.origin_requests_count": { value: 40 },
      "traffic.error_ratio": { value: 0.75 },
      "traffic.latency_p95_ms": { unknown: "no_data" },
    });
  });

  it("knows that nobody came while reports are young, and no ratio of it", async ({ expect }) => {
    const answers = await poll({ lastFlushAtMs: NOW_MS - REPORT_AGE_MS_MAX });
    expect(answers).toMatchObject({
      "traffic.requests_per_second": { value: 0 },
      "traffic.origin_requests_count": { value: 0 },
      "traffic.error_ratio": { unknown: "no_data" },
      "traffic.latency_p95_ms": { unknown: "no_data" },
    });
  });

  it("does not call maintenance a site without errors", async ({ expect }) => {
    const answers = await poll({ seconds: [aSecond({ refused: { maintenance: 50 } })] });
    expect(answers["traffic.error_ratio"]).toMatchObject({ unknown: "no_data" });
  });

  const DOUBTS = [
    ["nobody ever reported", { lastFlushAtMs: null }],
    ["the last report is old", { lastFlushAtMs: NOW_MS - REPORT_AGE_MS_MAX - 1 }],
    ["reports were lost", { lostFlushes: 1, seconds: [aSecond({ served: 5 })] }],
    ["the counters have just begun", { fromSecond: 10, untilSecond: 10 }],
    ["a shard does not answer", { silentShards: 1, seconds: [aSecond({ served: 5 })] }],
  ] as const;
  it.for(DOUBTS)("knows nothing, not zero, when %s", async ([, window], { expect }) => {
    const answers = await poll(window);
    expect(Object.keys(answers)).toEqual([...traffic.emits]);
    expect(Object.values(answers)).toEqual(
      traffic.emits.map(() => ({ unknown: "no_data", detail: expect.any(String) })),
    );
  });

  it("divides by the seconds that were counted, when the counters are young", async ({
    expect,
  }) => {
    const answers = await poll({ fromSecond: 8, seconds: [aSecond({ served: 6 })] });
    expect(answers["traffic.requests_per_second"]).toEqual({ value: 3 });
  });
});

describe("talkers", () => {
  const distinct = (keys: number): Uint8Array => {
    const sketch = new HyperLogLog(DISTINCT_PRECISION);
    for (let key = 1; key <= keys; key += 1) sketch.add(key);
    return sketch.toBytes();
  };
  const talker = (name: string, atLeast: number) => ({ name, count: 100, atLeast, refused: 0 });
  const cut = (dimension: Dimension, top: DimensionCut["top"]): DimensionCut => ({
    dimension,
    total: 100,
    refused: 90,
    distinct: distinct(20),
    top,
  });
  const WHOLE = {
    dimensions: [
      cut("address", [talker("192.0.2.7", 30), talker("192.0.2.8", 35)]),
      cut("network", [talker("192.0.2.0/24", 80)]),
      cut("country", [talker("NL", 55)]),
      cut("ja4", [talker("t13d3112h1_e8f1e7e78f70_b26ce05bbdd6", 70)]),
      cut("user_agent", [talker("a browser", 95)]),
      cut("path", [talker("/pitches/:id", 60), talker("/", 20)]),
    ],
    urls: { total: 100, distinct: distinct(80) },
  };
  const ask = (talkers: Partial<OfAllShards<TalkersWindow>>) =>
    traffic.poll(
      aPoll({
        traffic: aTraffic({
          window: async () => aWindow({ seconds: [aSecond({ served: 10 })] }),
          talkers: async () => aTalkersWindow(talkers),
        }),
      }),
    );

  it("tells how many clients there are, and how much of it the busiest sends for sure", async ({
    expect,
  }) => {
    expect(await ask(WHOLE)).toMatchObject({
      "traffic.distinct_addresses_count": { value: 20 },
      "traffic.requests_per_address_count": { value: 5 },
      "traffic.top_address_ratio": { value: 0.35 },
      "traffic.top_network_ratio": { value: 0.8 },
      "traffic.top_asn_ratio": { unknown: "no_data" },
      "traffic.top_country_ratio": { value: 0.55 },
      "traffic.top_ja4_ratio": { value: 0.7 },
      "traffic.top_user_agent_ratio": { value: 0.95 },
      "traffic.top_path_ratio": { value: 0.6 },
      "traffic.distinct_urls_count": { value: 80 },
      "traffic.requests_per_url_count": { value: 1.25 },
    });
  });

  it.for([
    ["which half of them met an error", { total: 900, distinct: distinct(10) }, { value: 0.5 }],
    ["that none met an error", { total: 0, distinct: distinct(0) }, { value: 0 }],
    ["nothing where no guard says so", undefined, { unknown: "no_data" }],
  ] as const)("tells of clients %s", async ([, harmed, told], { expect }) => {
    expect(await ask({ ...WHOLE, harmed })).toMatchObject({
      "traffic.harmed_addresses_ratio": told,
    });
  });

  it.for([
    ["no guard counts them", undefined],
    ["nobody asked for any", { total: 0, distinct: distinct(0) }],
  ] as const)(
    "says nothing of URLs when %s, and the rest all the same",
    async ([, urls], { expect }) => {
      const answers = await ask({ ...WHOLE, urls });
      expect(answers).toMatchObject({
        "traffic.distinct_urls_count": { unknown: "no_data" },
        "traffic.requests_per_url_count": { unknown: "no_data" },
        "traffic.top_path_ratio": { value: 0.6 },
      });
    },
  );

  const DOUBTS = [
    ["a shard does not answer", { silentShards: 1 }],
    ["a report is missing", { missingReports: 1 }],
    ["a shard has forgotten half of the window", { fromSecond: 5 }],
    ["no request had an address", { dimensions: [] }],
  ] as const;
  it.for(DOUBTS)("says nothing of them when %s", async ([, talkers], { expect }) => {
    const answers = await ask({ ...WHOLE, ...talkers });
    expect(answers["traffic.error_ratio"]).toEqual({ value: 0 });
    const sent = traffic.emits.filter((name) => /address|url|top/.test(name));
    expect(sent).toHaveLength(12);
    for (const name of sent) expect(answers[name]).toMatchObject({ unknown: "no_data" });
  });
});

describe("the 95th percentile", () => {
  const counts = (perBucket: Readonly<Record<number, number>>): number[] =>
    [...LATENCY_BOUNDS_MS, Infinity].map((_, bucket) => perBucket[bucket] ?? 0);
  const LAST = LATENCY_BOUNDS_MS.length;

  const ROWS = [
    ["nothing counted", counts({}), null],
    ["all in the first bucket", counts({ 0: 100 }), 4.75],
    ["the slow five in a hundred just outside", counts({ 0: 95, 5: 5 }), 5],
    ["the slow six in a hundred just inside", counts({ 0: 94, 5: 6 }), 125],
    ["beyond the last bound", counts({ [LAST]: 10 }), 10_000],
  ] as const;
  it.for(ROWS)("of %s", ([, histogram, expected], { expect }) => {
    expect(p95Ms(histogram)).toBe(expected);
  });
});
