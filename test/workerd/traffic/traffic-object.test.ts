import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { it, onTestFinished, vi } from "vitest";
import { SUSPICION_INTERVAL_MS } from "../../../src/traffic/traffic-object.ts";
import { FLUSH_SECONDS_MAX } from "../../../src/traffic/traffic-api.ts";
import { aFlush, aSecond } from "../../support/traffic.ts";

const fresh = () => env.TEST_TRAFFIC.getByName(crypto.randomUUID());
type Traffic = ReturnType<typeof fresh>;
const wakesOf = (traffic: Traffic) => runInDurableObject(traffic, (object) => object.wakes.length);
const now = () => Math.floor(Date.now() / 1_000);

function atTime(): (laterMs: number) => void {
  const startMs = Date.now();
  vi.useFakeTimers({ now: startMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  return (laterMs) => vi.setSystemTime(startMs + laterMs);
}

it("merges what isolates report, over RPC", async ({ expect }) => {
  const traffic = fresh();
  await traffic.flush(aFlush("a", 1, [aSecond(now(), { served: 2 })]));
  await traffic.flush(aFlush("b", 1, [aSecond(now(), { served: 3 })]));
  const { seconds, lastFlushAtMs } = await traffic.window(5, now());
  expect(seconds.reduce((sum, { served }) => sum + served, 0)).toBe(5);
  expect(lastFlushAtMs).not.toBeNull();
});

it("says that it knows nothing before its first flush", async ({ expect }) => {
  const traffic = fresh();
  const until = now();
  const window = await traffic.window(60, until);
  expect(window).toMatchObject({ seconds: [], lastFlushAtMs: null });
  expect(window.fromSecond).toBeGreaterThanOrEqual(until - 1);
});

it("says after an eviction what it no longer knows, instead of zero", async ({ expect }) => {
  const later = atTime();
  const traffic = fresh();
  await traffic.flush(aFlush("a", 1, [aSecond(now(), { served: 9 })]));
  await evictDurableObject(traffic);
  later(30_000);
  const evictedAt = now();
  expect(await traffic.window(60, evictedAt)).toMatchObject({
    fromSecond: evictedAt,
    seconds: [],
    lastFlushAtMs: null,
  });
  await traffic.flush(aFlush("a", 2, [aSecond(evictedAt, { served: 1 })]));
  expect((await traffic.window(60, evictedAt)).lostFlushes).toBe(0);
  later(31_000);
  expect(await traffic.window(60, now())).toMatchObject({ fromSecond: evictedAt });
});

it("refuses a report that is not one", async ({ expect }) => {
  const traffic = fresh();
  const reports = [
    aFlush(
      "a",
      1,
      Array.from({ length: FLUSH_SECONDS_MAX + 1 }, () => aSecond(now())),
    ),
    aFlush("a", 0),
    aFlush("a", 1, [aSecond(now(), { served: -1 })]),
  ];
  for (const report of reports) {
    await runInDurableObject(traffic, (object) => expect(object.flush(report)).rejects.toThrow());
  }
  expect((await traffic.window(5, now())).lastFlushAtMs).toBeNull();
});

it("wakes the monitor when the last seconds look bad, and not again at once", async ({
  expect,
}) => {
  const later = atTime();
  const traffic = fresh();
  await traffic.flush(aFlush("a", 1, [aSecond(now(), { served: 100 })]));
  expect(await wakesOf(traffic)).toBe(0);
  await traffic.flush(aFlush("a", 2, [aSecond(now(), { failed: 100 })]));
  expect(await wakesOf(traffic)).toBe(1);
  await traffic.flush(aFlush("a", 3, [aSecond(now(), { failed: 100 })]));
  expect(await wakesOf(traffic)).toBe(1);
  later(SUSPICION_INTERVAL_MS);
  await traffic.flush(aFlush("a", 4, [aSecond(now(), { failed: 100 })]));
  expect(await wakesOf(traffic)).toBe(2);
});

it("suspects nothing of errors that are over", async ({ expect }) => {
  const later = atTime();
  const traffic = fresh();
  const before = now();
  later(10_000);
  await traffic.flush(aFlush("a", 1, [aSecond(before, { failed: 100 })]));
  expect(await wakesOf(traffic)).toBe(0);
});
