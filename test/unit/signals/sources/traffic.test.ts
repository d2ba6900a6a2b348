import { describe, it } from "vitest";
import {
  REPORT_AGE_MS_MAX,
  traffic,
  WINDOW_SECONDS,
} from "../../../../src/signals/sources/traffic.ts";
import { p95Ms } from "../../../../src/signals/histogram.ts";
import { LATENCY_BOUNDS_MS, type TrafficWindow } from "../../../../src/traffic/traffic-api.ts";
import { aPoll, aSecond, aWindow, NOW_MS } from "../../../support/signals.ts";

const poll = (window: Partial<TrafficWindow>) =>
  traffic.poll(aPoll({ traffic: { window: async () => aWindow(window) } }));

describe("traffic", () => {
  it("asks for the last ten seconds that are surely reported", async ({ expect }) => {
    const asked: (readonly [number, number])[] = [];
    const window = async (seconds: number, untilSecond: number) => {
      asked.push([seconds, untilSecond]);
      return aWindow();
    };
    await traffic.poll(aPoll({ traffic: { window }, atMs: NOW_MS + 999 }));
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
    expect(answers).toEqual({
      "traffic.requests_per_second": { value: 2 },
      "traffic.origin_requests_count": { value: 20 },
      "traffic.error_ratio": { value: 0.25 },
      "traffic.latency_p95_ms": { value: 97.5 },
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
