import fc from "fast-check";
import { it } from "vitest";
import { quotaOf } from "../../../src/guard/limits/gcra.ts";
import { KEYS_MAX, LeaseTable, PARTICIPANTS_MAX } from "../../../src/limiter/lease.ts";
import { limiterName, shardOf, type LeaseAsk } from "../../../src/limiter/limiter-api.ts";
import { mix32 } from "../../../src/sketches/hash.ts";

const START_MS = 1_700_000_000_000;
const quota = quotaOf(100, 10_000);
const anAsk = (overrides: Partial<LeaseAsk> = {}): LeaseAsk => ({
  high: 1,
  low: 2,
  quota,
  spent: 0,
  want: 10,
  ...overrides,
});

it("never grants more than burst plus pace, whoever asks for whatever", ({ expect }) => {
  const asks = fc.array(fc.tuple(fc.nat(3_000), fc.nat(20), fc.nat(300), fc.nat(30)), {
    minLength: 1,
    maxLength: 100,
  });
  fc.assert(
    fc.property(asks, (steps) => {
      const table = new LeaseTable(64);
      let [granted, elapsedMs] = [0, 0];
      for (const [pauseMs, isolate, want, spent] of steps) {
        elapsedMs += pauseMs;
        const lease = table.lease(isolate, anAsk({ want, spent }), START_MS + elapsedMs);
        granted += lease.granted;
        expect(granted).toBeLessThanOrEqual(100 + elapsedMs / 100);
        expect(lease.granted).toBeLessThanOrEqual(want);
        expect(lease.pauseMs > 0).toBe(lease.granted < want);
        expect(lease.pauseMs).toBeLessThanOrEqual(20_000);
        expect(Number.isFinite(lease.participants) && lease.participants >= 1).toBe(true);
      }
    }),
  );
});

it("charges what was spent unasked, and lets a debt go after two windows", ({ expect }) => {
  const table = new LeaseTable(64);
  expect(table.lease(1, anAsk({ spent: 60, want: 60 }), START_MS).granted).toBe(40);
  table.lease(1, anAsk({ spent: 1_000_000, want: 0 }), START_MS);
  const refused = table.lease(1, anAsk({ want: 1 }), START_MS);
  expect(refused).toMatchObject({ granted: 0, pauseMs: 10_100 });
  expect(table.lease(1, anAsk({ want: 200 }), START_MS + 20_000).granted).toBe(100);
});

it("leaves something for the others, the more of them there are", ({ expect }) => {
  const table = new LeaseTable(64);
  for (let isolate = 0; isolate < 20; isolate += 1) {
    table.lease(mix32(isolate), anAsk({ want: 0 }), START_MS);
  }
  const { granted, pauseMs } = table.lease(mix32(3), anAsk({ want: 100 }), START_MS);
  expect(granted).toBeGreaterThanOrEqual(5);
  expect(granted).toBeLessThanOrEqual(20);
  expect(pauseMs).toBeGreaterThan(1_000);
});

it.for([1, 4, 16, 64, 200])(
  "counts %i participants about right, and forgets who left",
  (count, { expect }) => {
    const errors = [1, 2, 3, 4, 5].map((seed) => {
      const table = new LeaseTable(64);
      let seen = 0;
      for (let isolate = 0; isolate < count; isolate += 1) {
        seen = table.lease(mix32(isolate + seed * 1_000), anAsk(), START_MS).participants;
      }
      expect(table.lease(mix32(seed * 1_000), anAsk(), START_MS + 30_000).participants).toBe(1);
      return Math.abs(seen - count) / count;
    });
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.2);
  },
);

it("counts no further than it can", ({ expect }) => {
  const table = new LeaseTable(64);
  let seen = 0;
  for (let isolate = 0; isolate < 20_000; isolate += 1) {
    seen = table.lease(isolate, anAsk(), START_MS).participants;
  }
  expect(seen).toBe(PARTICIPANTS_MAX);
});

it("keeps keys apart", ({ expect }) => {
  const table = new LeaseTable(64);
  table.lease(1, anAsk({ want: 100 }), START_MS);
  expect(table.lease(1, anAsk({ low: 3, want: 100 }), START_MS).granted).toBe(100);
});

it("is as large after ten million keys as before the first", ({ expect }) => {
  const table = new LeaseTable();
  const before = table.byteLength;
  for (let key = 1; key <= 10_000_000; key += 1) {
    table.lease(1, anAsk({ high: mix32(key), low: mix32(~key) }), START_MS + (key >>> 10));
  }
  expect([before, table.byteLength]).toEqual([KEYS_MAX * 56, KEYS_MAX * 56]);
});

it("spreads keys over shards that are named by number", ({ expect }) => {
  const perShard = [0, 0, 0, 0];
  for (let key = 0; key < 40_000; key += 1) {
    const shard = shardOf(mix32(key), 4);
    perShard[shard] = (perShard[shard] ?? 0) + 1;
  }
  for (const keys of perShard) expect(Math.abs(keys - 10_000)).toBeLessThan(500);
  expect(limiterName(3)).toBe("limiter:3");
});
