import { describe, it } from "vitest";
import { REPORT_AGE_MS_MAX, sdk, WINDOW_SECONDS } from "../../../../src/signals/sources/sdk.ts";
import { aPoll, aReportsWindow, aTraffic, NOW_MS } from "../../../support/signals.ts";

const FROM = NOW_MS / 1_000 - WINDOW_SECONDS;
const poll = (window: Parameters<typeof aReportsWindow>[0]) =>
  sdk.poll(
    aPoll({
      traffic: aTraffic({ reports: async () => aReportsWindow({ fromSecond: FROM, ...window }) }),
      atMs: NOW_MS,
    }),
  );

describe("what production reports of itself", () => {
  it("is counted by kind, and what it does not mention did not happen", async ({ expect }) => {
    expect(await poll({ counts: { "pool.exhausted": 7, "auth.failed": 2 } })).toMatchObject({
      "sdk.pool_exhausted_count": { value: 7 },
      "sdk.auth_failed_count": { value: 2 },
      "sdk.query_foreign_key_count": { value: 0 },
    });
  });

  it.for([
    ["it has never reported", { lastFlushAtMs: null }, "is Traffic bound to it?"],
    ["it has not lately", { lastFlushAtMs: NOW_MS - REPORT_AGE_MS_MAX - 1 }, "nothing lately"],
    ["a report was lost", { lostFlushes: 1 }, "1 reports of production were lost"],
    ["a shard is silent", { silentShards: 1 }, "1 shards of the counters did not answer"],
    ["the counters have just begun", { fromSecond: FROM + 1 }, "just begun"],
  ] as const)("is unknown, and not zero, when %s", async ([, window, says], { expect }) => {
    const answers = await poll({ counts: { "pool.exhausted": 7 }, ...window });
    expect(Object.keys(answers)).toEqual([...sdk.emits]);
    for (const answer of Object.values(answers)) {
      expect(answer).toMatchObject({ unknown: "no_data", detail: expect.stringContaining(says) });
    }
  });

  it("is still known at the very end of its time", async ({ expect }) => {
    expect(await poll({ lastFlushAtMs: NOW_MS - REPORT_AGE_MS_MAX })).toMatchObject({
      "sdk.query_failed_count": { value: 0 },
    });
  });
});
