import { it } from "vitest";
import { Slots } from "../../../src/guard/slots.ts";

it("gives out as many places as there are, and takes them back", ({ expect }) => {
  const slots = new Slots(2);
  expect([slots.take(0, 100), slots.take(0, 100), slots.take(0, 100)]).toEqual([true, true, false]);
  slots.give(100);
  expect(slots.taken(50)).toBe(1);
  expect(slots.take(50, 150)).toBe(true);
  slots.give(7);
  expect(slots.taken(50)).toBe(2);
});

it("counts no place that was never given back, once its time is over", ({ expect }) => {
  const slots = new Slots(1);
  expect(slots.take(0, 100)).toBe(true);
  expect(slots.take(99, 199)).toBe(false);
  expect(slots.take(100, 200)).toBe(true);
  // Its own holder comes late, and takes nobody else's place away.
  slots.give(100);
  expect(slots.taken(100)).toBe(1);
});
