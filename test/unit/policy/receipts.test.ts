import fc from "fast-check";
import { it } from "vitest";
import { countOf, enforcementLagMs, readSeq } from "../../../src/policy/receipts.ts";
import { formatSeq } from "../../../src/policy/policy.ts";

const COMPILED_AT_MS = 10_400;
const version = { seq: { epoch: 2, n: 5 }, compiledAtMs: COMPILED_AT_MS };
const at = (second: number, policySeqs: Readonly<Record<string, number>>) => ({
  second,
  policySeqs,
});

it.for([
  ["at once, to the second", [at(10, { "2.5": 9 })], 600],
  ["once nearly all are on it", [at(10, { "2.4": 5 }), at(11, { "2.4": 2, "2.5": 98 })], null],
  ["at 99 %", [at(11, { "2.4": 2, "2.5": 98 }), at(12, { "2.4": 1, "2.5": 99 })], 2_600],
  ["whatever the order", [at(12, { "2.5": 1 }), at(11, { "2.5": 1 })], 1_600],
  ["by a newer one, too", [at(11, { "2.6": 3, "3.0": 3 })], 1_600],
  ["not by an older epoch's higher number", [at(11, { "1.9": 3 })], null],
  [
    "not by guards that had none, or said too much",
    [at(11, { none: 1, other: 1, "2.5": 9 })],
    null,
  ],
  ["not by what came before it", [at(9, { "2.5": 3 })], null],
  ["not by seconds without anybody", [at(11, {})], null],
  ["never, without any", [], null],
] as const)("is enforced %s", ([, seconds, expected], { expect }) => {
  expect(enforcementLagMs(version, seconds)).toBe(expected);
});

it("counts decisions on it or newer, of all", ({ expect }) => {
  expect(countOf(version.seq, { "2.4": 1, "2.5": 2, "2.6": 3, none: 4 })).toEqual({
    decided: 10,
    onIt: 5,
  });
});

it("reads what the header says, and nothing else", ({ expect }) => {
  const numbers = fc.record({ epoch: fc.maxSafeNat(), n: fc.maxSafeNat() });
  fc.assert(
    fc.property(numbers, (seq) => {
      expect(readSeq(formatSeq(seq))).toEqual(seq);
    }),
  );
  for (const text of ["none", "other", "", "1", "1.", "1.2.3", "1.x", " 1.2", "1e3.2"]) {
    expect(readSeq(text), text).toBeNull();
  }
});
