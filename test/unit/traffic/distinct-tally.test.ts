import { describe, it } from "vitest";
import { distinctOf } from "../../../src/sketches/merged-talkers.ts";
import { HyperLogLog } from "../../../src/sketches/hyper-log-log.ts";
import { mix32 } from "../../../src/sketches/hash.ts";
import { DistinctTally } from "../../../src/traffic/distinct-tally.ts";

const counted = (fromKey: number, keys: number, times = 1): DistinctTally => {
  const tally = new DistinctTally();
  for (let time = 0; time < times; time += 1) {
    for (let key = fromKey; key < fromKey + keys; key += 1) tally.count(mix32(key));
  }
  return tally;
};

describe("a tally of URLs", () => {
  it("tells requests for the same few from requests for each its own", ({ expect }) => {
    const few = counted(1, 20, 500).cut();
    expect([few.total, distinctOf(few)]).toEqual([10_000, 20]);
    const made = counted(1, 10_000).cut();
    expect(made.total).toBe(10_000);
    expect(Math.abs(distinctOf(made) - 10_000)).toBeLessThan(500);
  });

  it("adds up what isolates counted, and counts a URL once that both saw", ({ expect }) => {
    const both = new DistinctTally();
    both.add(counted(1, 50, 2).cut());
    both.add(counted(26, 50).cut());
    const { total, ...sketch } = both.cut();
    expect([total, distinctOf(sketch)]).toEqual([150, 75]);
  });

  it("adds nothing of a sketch that is none of its own", ({ expect }) => {
    const tally = counted(1, 10);
    tally.add({ total: 99, distinct: new Uint8Array([1, 2, 3]) });
    tally.add({ total: 99, distinct: new HyperLogLog(10).toBytes() });
    expect(tally.cut().total).toBe(10);
  });

  it("begins anew, in memory that does not grow", ({ expect }) => {
    const tally = counted(1, 100_000);
    const bytes = tally.byteLength;
    tally.clear();
    expect([tally.cut().total, distinctOf(tally.cut())]).toEqual([0, 0]);
    expect(tally.byteLength).toBe(bytes);
  });
});
