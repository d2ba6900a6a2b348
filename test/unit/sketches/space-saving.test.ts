import fc from "fast-check";
import { it } from "vitest";
import { SpaceSaving } from "../../../src/sketches/space-saving.ts";
import { countsOf } from "./support.ts";

const keys = fc.array(fc.oneof(fc.nat(12), fc.integer({ min: 0, max: 0xffff_ffff })), {
  maxLength: 300,
});
const counters = fc.integer({ min: 1, max: 10 });

const counted = (size: number, seen: readonly number[]): SpaceSaving => {
  const sketch = new SpaceSaving(size);
  for (const each of seen) sketch.add(each);
  return sketch;
};

it("keeps every key above its floor, with the truth between count - error and count", ({
  expect,
}) => {
  fc.assert(
    fc.property(counters, keys, (size, seen) => {
      const sketch = counted(size, seen);
      const truth = countsOf(seen);
      for (const { key, count, error } of sketch.top(size)) {
        expect(count).toBeGreaterThanOrEqual(truth.get(key) ?? 0);
        expect(count - error).toBeLessThanOrEqual(truth.get(key) ?? 0);
      }
      const missing = [...truth].filter(([key]) => sketch.slot(key) === null);
      for (const [, count] of missing) expect(count).toBeLessThanOrEqual(sketch.floor);
    }),
  );
});

it("is exact while there is room, and orders by count and then key", ({ expect }) => {
  const sketch = counted(8, [3, 1, 2, 2, 3, 3]);
  expect(sketch.top(8).map(({ key, count, error }) => [key, count, error])).toEqual([
    [3, 3, 0],
    [2, 2, 0],
    [1, 1, 0],
  ]);
  expect(sketch.top(1)).toHaveLength(1);
});

it("finds every key it holds after any number of replacements", ({ expect }) => {
  fc.assert(
    fc.property(counters, keys, (size, seen) => {
      const sketch = counted(size, seen);
      const held = sketch.top(size);
      expect(held).toHaveLength(Math.min(size, new Set(seen).size));
      expect(new Set(held.map(({ slot }) => slot)).size).toBe(held.length);
      for (const { key, count, slot } of held) {
        expect([sketch.count(key), sketch.slot(key)]).toEqual([count, slot]);
      }
    }),
  );
});

it("halves counts and stays true; nothing is left after 32 times", ({ expect }) => {
  fc.assert(
    fc.property(counters, keys, fc.nat(40), (size, seen, times) => {
      const sketch = counted(size, seen);
      const before = new Map(sketch.top(size).map((counter) => [counter.key, counter]));
      sketch.halve(times);
      for (const { key, count, error } of sketch.top(size)) {
        const was = before.get(key);
        expect(count).toBe(Math.floor((was?.count ?? 0) / 2 ** times));
        const least = (was?.count ?? 0) - (was?.error ?? 0);
        expect(count - error).toBeLessThanOrEqual(least / 2 ** times);
      }
      if (times >= 32) expect(sketch.size).toBe(0);
      sketch.add(99);
      expect(sketch.count(99)).toBeGreaterThanOrEqual(1);
    }),
  );
});

it("gives back whom it evicts, with what was counted", ({ expect }) => {
  const sketch = counted(2, [1, 1, 1, 2, 2]);
  expect(sketch.floor).toBe(2);
  expect(sketch.admit(7, 10, 9)).toMatchObject({ key: 2, count: 2, error: 0 });
  expect(sketch.admit(8, 11, 9)).toMatchObject({ key: 1, count: 3 });
});

it("is as large after ten million keys as before the first", ({ expect }) => {
  const sketch = new SpaceSaving(128);
  const before = sketch.byteLength;
  for (let each = 0; each < 10_000_000; each += 1) sketch.add(each);
  expect([sketch.byteLength, sketch.size]).toEqual([before, 128]);
});

it("tells whether a count exceeds the floor as if it looked each time", ({ expect }) => {
  fc.assert(
    fc.property(counters, keys, fc.nat(3), keys, fc.nat(60), (size, seen, times, more, count) => {
      const sketch = counted(size, seen);
      sketch.exceedsFloor(count);
      sketch.halve(times);
      for (const each of more) {
        sketch.add(each);
        expect(sketch.exceedsFloor(count)).toBe(count > sketch.floor);
      }
    }),
  );
});
