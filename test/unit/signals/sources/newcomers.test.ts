import { describe, it } from "vitest";
import {
  BEFORE_SECONDS,
  BEFORE_TIMES_MAX,
  newcomers,
} from "../../../../src/signals/sources/newcomers.ts";
import { WINDOW_SECONDS } from "../../../../src/signals/sources/traffic.ts";
import { HyperLogLog } from "../../../../src/sketches/hyper-log-log.ts";
import { DISTINCT_PRECISION } from "../../../../src/sketches/top-talkers.ts";
import type { OfAllShards } from "../../../../src/traffic/shards.ts";
import type { TalkersWindow } from "../../../../src/traffic/traffic-api.ts";
import { aPoll, aTalkersWindow, aTraffic, NOW_MS } from "../../../support/signals.ts";

type Window = Partial<OfAllShards<TalkersWindow>>;

/** These addresses, from one number up to another. */
const of = (fromKey: number, untilKey: number): Window => {
  const sketch = new HyperLogLog(DISTINCT_PRECISION);
  for (let key = fromKey; key < untilKey; key += 1) sketch.add(key);
  const [total, distinct] = [2 * (untilKey - fromKey), sketch.toBytes()];
  return { dimensions: [{ dimension: "address", total, refused: 0, distinct, top: [] }] };
};

async function shareOf(now: Window, before: Window) {
  const talkers = async (seconds: number, untilSecond: number) =>
    aTalkersWindow({
      fromSecond: untilSecond - seconds,
      untilSecond,
      ...(seconds === WINDOW_SECONDS ? now : before),
    });
  const answers = await newcomers.poll(aPoll({ traffic: aTraffic({ talkers }) }));
  return answers["traffic.new_addresses_ratio"];
}

describe("newcomers", () => {
  const ROWS = [
    ["nobody is new", of(1, 200), of(1, 1_000), 0],
    ["a quarter is", of(900, 1_300), of(1, 1_200), 0.25],
    ["everybody is", of(5_000, 9_000), of(1, 1_000), 1],
    ["nobody came before", of(1, 200), { dimensions: [] }, 1],
  ] as const;
  it.for(ROWS)("tells when %s", async ([, now, before, share], { expect }) => {
    const answer = await shareOf(now, before);
    expect(answer).toEqual({ value: expect.closeTo(share, 1) });
  });

  it("compares ten seconds with the time just before", async ({ expect }) => {
    const asked: (readonly [number, number])[] = [];
    const talkers = async (seconds: number, untilSecond: number) => {
      asked.push([seconds, untilSecond]);
      return aTalkersWindow();
    };
    await newcomers.poll(aPoll({ traffic: aTraffic({ talkers }), atMs: NOW_MS }));
    const until = NOW_MS / 1_000 - 2;
    expect(asked).toEqual([
      [WINDOW_SECONDS, until],
      [BEFORE_SECONDS, until - WINDOW_SECONDS],
    ]);
  });

  const DOUBTS = [
    ["a shard does not answer", { silentShards: 1 }, {}],
    ["a report is missing", {}, { missingReports: 1 }],
    ["too little of the time before is known", {}, { fromSecond: NOW_MS / 1_000 - 20 }],
    ["nobody has an address", { dimensions: [] }, {}],
    ["a sketch cannot tell few of very many", of(1, 100), of(1, 101 * (BEFORE_TIMES_MAX + 1))],
  ] as const;
  it.for(DOUBTS)("says nothing when %s", async ([, now, before], { expect }) => {
    const answer = await shareOf({ ...of(1, 200), ...now }, { ...of(1, 1_000), ...before });
    expect(answer).toEqual({ unknown: "no_data", detail: expect.any(String) });
  });
});
