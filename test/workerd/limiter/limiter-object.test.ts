import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { it, onTestFinished, vi } from "vitest";
import { quotaOf } from "../../../src/guard/limits/gcra.ts";
import { ASKS_MAX, type LeaseAsk } from "../../../src/limiter/limiter-api.ts";
import { StrictRows, STRICT_KEYS_MAX } from "../../../src/limiter/strict-rows.ts";

const fresh = () => env.TEST_LIMITER.getByName(crypto.randomUUID());
const quota = quotaOf(3, 10_000);
const anAsk = (overrides: Partial<LeaseAsk> = {}): LeaseAsk => ({
  high: 1,
  low: 2,
  quota,
  spent: 0,
  want: 1,
  ...overrides,
});

function atTime(): (laterMs: number) => void {
  const startMs = Date.now();
  vi.useFakeTimers({ now: startMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  return (laterMs) => vi.setSystemTime(startMs + laterMs);
}

it("leases over RPC, one answer for each ask, from one quota per key", async ({ expect }) => {
  const limiter = fresh();
  const leases = await limiter.lease(7, [
    anAsk({ want: 2 }),
    anAsk({ low: 9 }),
    anAsk({ want: 2 }),
  ]);
  expect(leases.map(({ granted }) => granted)).toEqual([2, 1, 1]);
  expect(leases.map(({ pauseMs }) => pauseMs > 0)).toEqual([false, false, true]);
  expect(leases.every(({ participants }) => participants === 1)).toBe(true);
});

it("gives a key its quota back when it is evicted, and no more", async ({ expect }) => {
  const limiter = fresh();
  await limiter.lease(7, [anAsk({ want: 3 })]);
  await evictDurableObject(limiter);
  const [again] = await limiter.lease(7, [anAsk({ want: 9 })]);
  expect(again?.granted).toBe(3);
});

it("takes exactly the limit, to the millisecond, through an eviction", async ({ expect }) => {
  const later = atTime();
  const limiter = fresh();
  const take = () => limiter.take(1, 2, quota);
  const first = [await take(), await take(), await take()];
  expect(first.map(({ isAdmitted, remaining }) => [isAdmitted, remaining])).toEqual([
    [true, 2],
    [true, 1],
    [true, 0],
  ]);
  await evictDurableObject(limiter);
  later(1);
  // A third of 10 s, rounded up, and a millisecond of it has passed.
  expect(await take()).toEqual({ isAdmitted: false, remaining: 0, retryAfterMs: 3_333 });
  later(3_333);
  expect((await take()).retryAfterMs).toBe(1);
  later(3_334);
  expect((await take()).isAdmitted).toBe(true);
  expect((await take()).isAdmitted).toBe(false);
  later(13_334);
  expect([await take(), await take(), await take(), await take()].map((t) => t.isAdmitted)).toEqual(
    [true, true, true, false],
  );
});

it("admits no more than the limit of many at once", async ({ expect }) => {
  const limiter = fresh();
  const taken = await Promise.all(Array.from({ length: 50 }, () => limiter.take(5, 6, quota)));
  expect(taken.filter(({ isAdmitted }) => isAdmitted)).toHaveLength(3);
});

it("has written the count before it answers", async ({ expect }) => {
  const limiter = fresh();
  await limiter.take(1, 2, quota);
  const rows = await runInDurableObject(limiter, (_object, state) =>
    state.storage.sql.exec("SELECT high, low FROM strict").toArray(),
  );
  expect(rows).toEqual([{ high: 1, low: 2 }]);
});

it("forgets keys whose quota is whole, and holds no more than it may", async ({ expect }) => {
  const limiter = fresh();
  await runInDurableObject(limiter, (_object, state) => {
    const nowMs = Date.now();
    const rows = new StrictRows(state.storage.sql, nowMs);
    state.storage.transactionSync(() => {
      for (let low = 0; low < STRICT_KEYS_MAX + 500; low += 1) {
        rows.take(0, low, quotaOf(1, low < 10 ? 1_000 : 60_000), nowMs);
      }
    });
    rows.clean(nowMs);
    expect(rows.keys).toBe(STRICT_KEYS_MAX);
    // Those whose quota would be whole first made room.
    expect(rows.take(0, 3, quotaOf(1, 1_000), nowMs).isAdmitted).toBe(true);
    rows.clean(nowMs + 60_001);
    expect(rows.keys).toBe(0);
  });
});

it("refuses what is not an ask", async ({ expect }) => {
  const limiter = fresh();
  const wrong = [
    [anAsk({ high: -1 })],
    [anAsk({ low: 2 ** 32 })],
    [anAsk({ spent: Number.NaN })],
    [anAsk({ want: 0.5 })],
    [anAsk({ quota: { ...quota, windowMs: 0 } })],
    Array.from({ length: ASKS_MAX + 1 }, () => anAsk()),
  ];
  await runInDurableObject(limiter, async (object) => {
    for (const asks of wrong) await expect(object.lease(1, asks)).rejects.toThrow();
    await expect(object.take(1, -2, quota)).rejects.toThrow();
  });
});
