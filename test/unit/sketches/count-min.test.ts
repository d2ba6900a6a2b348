import fc from "fast-check";
import { it } from "vitest";
import { CountMin } from "../../../src/sketches/count-min.ts";
import { countsOf, randomFrom } from "./support.ts";

const key = fc.integer({ min: 0, max: 0xffff_ffff });
/** Few different ones, so that they meet. */
const keys = fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), key), { maxLength: 400 });

const counted = (seen: readonly number[], widthBits = 4): CountMin => {
  const sketch = new CountMin(widthBits);
  for (const each of seen) sketch.add(each);
  return sketch;
};

it("never counts too little, however much collides", ({ expect }) => {
  fc.assert(
    fc.property(keys, (seen) => {
      const sketch = counted(seen);
      for (const [each, count] of countsOf(seen)) {
        expect(sketch.estimate(each)).toBeGreaterThanOrEqual(count);
      }
    }),
  );
});

it("counts a lone key exactly, and by more than one", ({ expect }) => {
  fc.assert(
    fc.property(key, fc.array(fc.nat(1_000)), (only, steps) => {
      const sketch = new CountMin(8);
      for (const by of steps) sketch.add(only, by);
      expect(sketch.estimate(only)).toBe(steps.reduce((sum, by) => sum + by, 0));
    }),
  );
});

it("stays within a few times events / width on a stream of many keys", ({ expect }) => {
  const random = randomFrom(7);
  const stream = Array.from({ length: 300_000 }, () => Math.floor(random() * 200_000));
  const sketch = counted(stream, 12);
  const errors = [...countsOf(stream)].map(([each, count]) => sketch.estimate(each) - count);
  expect(errors.reduce((most, error) => Math.max(most, error), 0)).toBeLessThan(
    (3 * stream.length) / 4_096,
  );
});

it("halves with the floor, and is empty after 32 halvings", ({ expect }) => {
  fc.assert(
    fc.property(keys, fc.nat(40), (seen, times) => {
      const sketch = counted(seen);
      const before = seen.map((each) => sketch.estimate(each));
      sketch.halve(times);
      const expected = before.map((count) => Math.floor(count / 2 ** times));
      expect(seen.map((each) => sketch.estimate(each))).toEqual(expected);
    }),
  );
});

it("stops at its largest count instead of wrapping around", ({ expect }) => {
  const sketch = new CountMin(4);
  sketch.add(1, 0x7fff_fff0);
  expect(sketch.add(1, 0x7fff_fff0)).toBe(0x7fff_ffff);
  expect(sketch.estimate(1)).toBe(0x7fff_ffff);
});

it("raises a key to a count, and never lowers it", ({ expect }) => {
  const sketch = new CountMin(8);
  sketch.raise(5, 70);
  sketch.raise(5, 20);
  expect(sketch.estimate(5)).toBe(70);
});

it("is as large after ten million keys as before the first", ({ expect }) => {
  const sketch = new CountMin(12);
  for (let each = 0; each < 10_000_000; each += 1) sketch.add(each);
  expect(sketch.byteLength).toBe(64 * 1_024);
});
