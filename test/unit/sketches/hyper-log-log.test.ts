import fc from "fast-check";
import { it } from "vitest";
import { HyperLogLog } from "../../../src/sketches/hyper-log-log.ts";

const keys = fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 300 });
const precision = fc.integer({ min: 10, max: 14 });

const seen = (bits: number, all: Iterable<number>): HyperLogLog => {
  const sketch = new HyperLogLog(bits);
  for (const key of all) sketch.add(key);
  return sketch;
};

function* upTo(count: number): Generator<number> {
  for (let key = 0; key < count; key += 1) yield key;
}

it.for([10, 12, 14])(
  "is within four standard errors from one key to ten million, at %i",
  (bits, { expect }) => {
    const standardError = 1.04 / Math.sqrt(2 ** bits);
    const sketch = new HyperLogLog(bits);
    let key = 0;
    for (const count of [1, 10, 100, 1_000, 10_000, 100_000, 700_000, 3_000_000, 10_000_000]) {
      while (key < count) sketch.add(key++);
      const allowed = Math.max(0.51, 4 * standardError * count);
      expect(Math.abs(sketch.estimate() - count), `${count}`).toBeLessThan(allowed);
    }
    expect(sketch.byteLength).toBe(2 ** bits);
  },
);

it("counts a key once however often it comes, and nothing as zero", ({ expect }) => {
  fc.assert(
    fc.property(precision, keys, (bits, all) => {
      const once = seen(bits, all);
      const twice = seen(bits, [...all, ...all.toReversed()]);
      expect(twice.toBytes()).toEqual(once.toBytes());
      expect(once.estimate() === 0).toBe(all.length === 0);
      expect(Number.isFinite(once.estimate())).toBe(true);
    }),
  );
});

it("merges to the sketch of both sets together", ({ expect }) => {
  fc.assert(
    fc.property(precision, keys, keys, (bits, ours, theirs) => {
      const merged = seen(bits, ours);
      merged.merge(seen(bits, theirs));
      expect(merged.toBytes()).toEqual(seen(bits, [...ours, ...theirs]).toBytes());
    }),
  );
});

it("never shrinks as keys come", ({ expect }) => {
  const sketch = new HyperLogLog(10);
  let before = 0;
  for (const key of upTo(20_000)) {
    sketch.add(key);
    if (key % 97 !== 0) continue;
    const now = sketch.estimate();
    expect(now).toBeGreaterThanOrEqual(before);
    before = now;
  }
});

it("stays finite with every register at its highest", ({ expect }) => {
  const full = HyperLogLog.fromBytes(
    Uint8Array.from([0x48, 0x4c, 10, ...Array.from({ length: 1_024 }, () => 23)]),
  );
  expect(full?.estimate()).toBeGreaterThan(2 ** 31);
});

it("comes back from its bytes, and reads no garbage", ({ expect }) => {
  fc.assert(
    fc.property(precision, keys, fc.uint8Array({ maxLength: 60 }), (bits, all, tail) => {
      const sketch = seen(bits, all);
      const bytes = sketch.toBytes();
      expect(HyperLogLog.fromBytes(bytes)?.toBytes()).toEqual(bytes);
      expect(HyperLogLog.fromBytes(bytes.subarray(0, bytes.length - 1))).toBeNull();
      const read = HyperLogLog.fromBytes(Uint8Array.from([0x48, 0x4c, bits, ...tail]));
      expect(read === null || Number.isFinite(read.estimate()) || tail.length > 0).toBe(true);
    }),
  );
});
