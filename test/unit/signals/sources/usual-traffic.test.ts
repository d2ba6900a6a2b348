import { describe, it } from "vitest";
import {
  MINUTE_SECONDS,
  USUAL_MIN,
  usualTrafficSource,
} from "../../../../src/signals/sources/usual-traffic.ts";
import type { OfAllShards } from "../../../../src/traffic/shards.ts";
import type { TrafficWindow } from "../../../../src/traffic/traffic-api.ts";
import { aPoll, aSecond, aTraffic, aWindow, NOW_MS } from "../../../support/signals.ts";

const HOUR = Math.floor(NOW_MS / 3_600_000);

/** Two earlier weeks in which so many came each second. */
const usually = (perSecond: number) => ({
  weeks: {
    [String(HOUR % 168)]: [
      { hour: HOUR - 336, perSecond },
      { hour: HOUR - 168, perSecond },
    ],
  },
  current: null,
});

const minute = (window: Partial<OfAllShards<TrafficWindow>>) =>
  aWindow({ fromSecond: 0, untilSecond: MINUTE_SECONDS, ...window });

async function poll(window: Partial<OfAllShards<TrafficWindow>>, kept: unknown = null) {
  const notes: unknown[] = [];
  const answers = await usualTrafficSource.poll(
    aPoll({
      traffic: aTraffic({ window: async () => minute(window) }),
      kept,
      keep: (note) => void notes.push(note),
    }),
  );
  return { answers, notes };
}

describe("the usual traffic", () => {
  it("is compared with all who came, whatever became of them", async ({ expect }) => {
    const seconds = [
      aSecond({ second: 10, asked: 300, served: 100, failed: 100, refused: { blocked: 60 } }),
    ];
    const { answers } = await poll({ seconds }, usually(10));
    expect(answers).toMatchObject({
      "traffic.usual_requests_per_second": { value: 10 },
      "traffic.of_usual_ratio": { value: 0.6 },
    });
  });

  it("is missed entirely when no guard reports anybody", async ({ expect }) => {
    const { answers } = await poll({ seconds: [], lastFlushAtMs: null }, usually(1));
    expect(answers["traffic.of_usual_ratio"]).toEqual({ value: 0 });
  });

  it("is not missed where next to nobody usually comes", async ({ expect }) => {
    const { answers } = await poll({}, usually((USUAL_MIN - 1) / MINUTE_SECONDS));
    expect(answers["traffic.of_usual_ratio"]).toMatchObject({ unknown: "no_data" });
  });

  it("is learnt from each reading, and unknown without history, or with garbage for one", async ({
    expect,
  }) => {
    for (const kept of [null, { weeks: "garbage" }]) {
      const { answers, notes } = await poll({ seconds: [aSecond({ served: 120 })] }, kept);
      expect(answers["traffic.of_usual_ratio"]).toMatchObject({ unknown: "no_data" });
      expect(notes).toEqual([{ weeks: {}, current: { hour: HOUR, sum: 2, readings: 1 } }]);
    }
  });

  const DOUBTS = [
    ["a shard does not answer", { silentShards: 1 }],
    ["reports were lost", { lostFlushes: 1 }],
    ["the counters have just begun", { fromSecond: 1 }],
  ] as const;
  it.for(DOUBTS)("is neither learnt nor missed while %s", async ([, window], { expect }) => {
    const { answers, notes } = await poll(window, usually(10));
    expect(answers["traffic.of_usual_ratio"]).toMatchObject({ unknown: "no_data" });
    expect(notes).toEqual([]);
  });
});
