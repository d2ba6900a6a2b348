import fc from "fast-check";
import { it } from "vitest";
import {
  distinctOf,
  isDistinct,
  MERGED_NAMES_MAX,
  MergedTalkers,
} from "../../../src/sketches/merged-talkers.ts";
import { mix32 } from "../../../src/sketches/hash.ts";
import { HyperLogLog } from "../../../src/sketches/hyper-log-log.ts";
import { DISTINCT_PRECISION, type DimensionCut } from "../../../src/sketches/top-talkers.ts";
import { countsOf } from "./support.ts";

type Counts = Readonly<Record<string, number>>;

/** What a counter that misses nobody would hand over. */
function aCut(counts: Counts): DimensionCut {
  const distinct = new HyperLogLog(DISTINCT_PRECISION);
  for (const name of Object.keys(counts)) distinct.add(mix32(Number(name)));
  return {
    dimension: "address",
    total: Object.values(counts).reduce((sum, count) => sum + count, 0),
    refused: 0,
    distinct: distinct.toBytes(),
    top: Object.entries(counts).map(([name, count]) => ({
      name,
      count,
      atLeast: count,
      refused: 0,
    })),
  };
}

const merge = (all: readonly Counts[]): DimensionCut | undefined => {
  const merged = new MergedTalkers();
  for (const counts of all) merged.add([aCut(counts)]);
  return merged.cuts(MERGED_NAMES_MAX)[0];
};

const counts = (names: number) =>
  fc.dictionary(fc.nat(names - 1).map(String), fc.integer({ min: 1, max: 1_000 }));

it("is the sketch of all the traffic together, exactly while there is room", ({ expect }) => {
  fc.assert(
    fc.property(fc.array(counts(MERGED_NAMES_MAX), { maxLength: 8 }), (all) => {
      const together = countsOf([]);
      for (const [name, count] of all.flatMap((one) => Object.entries(one))) {
        together.set(Number(name), (together.get(Number(name)) ?? 0) + count);
      }
      const merged = merge(all);
      const found = new Map(merged?.top.map(({ name, count }) => [Number(name), count]));
      expect(found).toEqual(together);
      const union = aCut(Object.fromEntries(together));
      expect(merged?.distinct ?? union.distinct).toEqual(union.distinct);
      expect(merged?.total ?? 0).toBe(union.total);
    }),
  );
});

it("never says too little of whom it names, and never too much for sure, when there is no room", ({
  expect,
}) => {
  fc.assert(
    fc.property(fc.array(counts(4 * MERGED_NAMES_MAX), { minLength: 2, maxLength: 30 }), (all) => {
      const truth = new Map<string, number>();
      for (const [name, count] of all.flatMap((one) => Object.entries(one))) {
        truth.set(name, (truth.get(name) ?? 0) + count);
      }
      const top = merge(all)?.top ?? [];
      expect(top.length).toBeLessThanOrEqual(MERGED_NAMES_MAX);
      for (const { name, count, atLeast } of top) {
        expect(count).toBeGreaterThanOrEqual(truth.get(name) ?? 0);
        expect(atLeast).toBeLessThanOrEqual(truth.get(name) ?? 0);
      }
    }),
    { numRuns: 30 },
  );
});

it("takes no sketch that is not one of ours", ({ expect }) => {
  expect(isDistinct(new HyperLogLog(DISTINCT_PRECISION).toBytes())).toBe(true);
  expect(isDistinct(new HyperLogLog(DISTINCT_PRECISION - 1).toBytes())).toBe(false);
  expect(isDistinct(new Uint8Array([1, 2, 3]))).toBe(false);
  const merged = new MergedTalkers();
  merged.add([{ ...aCut({ 1: 1 }), distinct: new Uint8Array([1]) }]);
  expect(merged.cuts(1).map(distinctOf)).toEqual([0]);
});
