import { describe, it } from "vitest";
import {
  BLOCKS_MIN,
  counterRates,
  queryTimes,
  type Counters,
  type StatementReading,
  type StatementTotals,
} from "../../../src/signals/database-window.ts";

const aReading = (reading: Partial<Counters> = {}): Counters => ({
  at_ms: 1_000_000,
  epoch: "started/reset",
  deadlocks: 7,
  blocks_hit: 1_000,
  blocks_read: 500,
  ...reading,
});

describe("counterRates", () => {
  it("is what was added, by the database's own time", ({ expect }) => {
    const later = aReading({
      at_ms: 1_030_000,
      deadlocks: 9,
      blocks_hit: 1_900,
      blocks_read: 600,
    });
    expect(counterRates(aReading(), later)).toEqual({ deadlocksPerMinute: 4, cacheHitRatio: 0.9 });
  });

  it.for([
    ["as few as say something", BLOCKS_MIN, 1],
    ["one too few", BLOCKS_MIN - 1, null],
    ["none", 0, null],
  ] as const)("knows the cache by %s blocks", ([, blocks, ratio], { expect }) => {
    const later = aReading({ at_ms: 1_001_000, blocks_hit: 1_000 + blocks });
    expect(counterRates(aReading(), later)?.cacheHitRatio).toBe(ratio);
  });

  it.for([
    ["after a reset or a restart", { epoch: "started/later" }],
    ["when a counter fell without either", { deadlocks: 6 }],
    ["when the cache's counter fell", { blocks_read: 499 }],
    ["of the same moment", { at_ms: 1_000_000 }],
    ["of an earlier moment", { at_ms: 999_999 }],
  ] as const)("is nothing %s", ([, changes], { expect }) => {
    expect(counterRates(aReading(), aReading({ at_ms: 1_001_000, ...changes }))).toBeNull();
  });
});

describe("queryTimes", () => {
  const of = (
    statements: readonly StatementTotals[],
    reading: Partial<StatementReading> = {},
  ): StatementReading => ({
    at_ms: 0,
    epoch: "started/reset",
    isWhole: true,
    statements: [...statements],
    ...reading,
  });
  const LATER = { at_ms: 10_000 };

  it("counts only what ran in between", ({ expect }) => {
    const before = of([
      { id: "a", calls: 1_000, total_ms: 5_000_000 },
      { id: "idle", calls: 5, total_ms: 99_999 },
    ]);
    const now = of(
      [
        { id: "a", calls: 1_090, total_ms: 5_000_900 },
        { id: "idle", calls: 5, total_ms: 99_999 },
        { id: "new", calls: 10, total_ms: 10_000 },
      ],
      LATER,
    );
    expect(queryTimes(before, now)).toEqual({
      perSecond: 10,
      mean: { meanMs: 109, p95Ms: 1_000 },
    });
  });

  it.for([
    ["4 of 100", 4, 10],
    ["5 of 100", 5, 10],
    ["6 of 100", 6, 1_000],
  ] as const)("calls %s slow queries by the percentile they reach", ([, slow, p95], { expect }) => {
    const now = of(
      [
        { id: "quick", calls: 100 - slow, total_ms: (100 - slow) * 10 },
        { id: "slow", calls: slow, total_ms: slow * 1_000 },
      ],
      LATER,
    );
    expect(queryTimes(of([]), now)?.mean?.p95Ms).toBe(p95);
  });

  it("takes a statement whose totals fell as met again, whole", ({ expect }) => {
    const before = of([{ id: "a", calls: 1_000, total_ms: 9_000 }]);
    const now = of([{ id: "a", calls: 2, total_ms: 40 }], LATER);
    expect(queryTimes(before, now)?.mean).toEqual({ meanMs: 20, p95Ms: 20 });
  });

  it("leaves out what may have run before, unlisted", ({ expect }) => {
    const before = of([{ id: "a", calls: 1, total_ms: 1 }], { isWhole: false });
    const now = of(
      [
        { id: "a", calls: 2, total_ms: 6 },
        { id: "b", calls: 1_000, total_ms: 1 },
      ],
      LATER,
    );
    expect(queryTimes(before, now)).toEqual({ perSecond: 0.1, mean: { meanMs: 5, p95Ms: 5 } });
  });

  it("knows that nothing ended, and that readings do not belong together", ({ expect }) => {
    expect(queryTimes(of([]), of([], LATER))).toEqual({ perSecond: 0, mean: null });
    expect(queryTimes(of([]), of([], { ...LATER, epoch: "other" }))).toBeNull();
  });
});
