import { it } from "vitest";
import { isInShare } from "../../../src/guard/share.ts";

const CLIENTS = Array.from({ length: 10_000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
const inside = (salt: string, share: number) =>
  CLIENTS.filter((key) => isInShare(key, salt, share));

it.for([0.1, 0.25, 0.5, 0.75])("covers about %d of neighbouring addresses", (share, { expect }) => {
  expect(Math.abs(inside("lse_1", share).length / CLIENTS.length - share)).toBeLessThan(0.02);
});

it("covers everyone at 1 and nobody at 0, with or without an address", ({ expect }) => {
  expect(inside("lse_1", 1)).toHaveLength(CLIENTS.length);
  expect(inside("lse_1", 0)).toHaveLength(0);
  expect(isInShare("", "lse_1", 1)).toBe(true);
});

it("draws other clients for another salt", ({ expect }) => {
  const first = new Set(inside("lse_1", 0.5));
  const both = inside("lse_2", 0.5).filter((key) => first.has(key)).length / CLIENTS.length;
  expect(Math.abs(both - 0.25)).toBeLessThan(0.02);
});

it("always gives the same client the same answer", ({ expect }) => {
  expect(inside("lse_1", 0.5)).toEqual(inside("lse_1", 0.5));
});
