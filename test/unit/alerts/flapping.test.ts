import fc from "fast-check";
import { describe, it } from "vitest";
import {
  CHANGES_SEEN,
  flappingEndsAtMs,
  flapShare,
  isFlapping,
  type FlapSpec,
} from "../../../src/alerts/flapping.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SPEC: FlapSpec = { withinMs: HOUR_MS, high: 0.3, low: 0.15 };
/** This many changes, a minute apart, the last of them at 0. */
const changes = (count: number): number[] =>
  Array.from({ length: count }, (_, index) => (index - count + 1) * MINUTE_MS);

describe("the share of changes", () => {
  it.for([
    [0, 0],
    [1, 0.06],
    [3, 0.1768],
    [6, 0.3442],
    [CHANGES_SEEN, 1],
    [CHANGES_SEEN + 5, 1],
  ] as const)("of %s within the hour is %s", ([count, share], { expect }) => {
    expect(flapShare(changes(count), SPEC, 0)).toBeCloseTo(share, 4);
  });

  it("forgets what was before the hour", ({ expect }) => {
    expect(flapShare(changes(6), SPEC, HOUR_MS - 1)).toBeCloseTo(flapShare(changes(1), SPEC, 0), 9);
    expect(flapShare(changes(6), SPEC, HOUR_MS)).toBe(0);
  });
});

describe("flapping", () => {
  it.for([
    [5, false, false],
    [6, false, true],
    [5, true, true],
    [3, true, true],
    [2, true, false],
    [0, true, false],
  ] as const)("with %s changes, before %s: %s", ([count, before, expected], { expect }) => {
    expect(isFlapping(changes(count), before, SPEC, 0)).toBe(expected);
  });

  it("ends to the millisecond when it is said to, whatever the changes and the shares", ({
    expect,
  }) => {
    const shares = fc.double({ min: 0.05, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.nat(2 * HOUR_MS), { minLength: 1, maxLength: CHANGES_SEEN }),
        shares,
        shares,
        (times, one, other) => {
          const spec = { withinMs: HOUR_MS, high: Math.max(one, other), low: Math.min(one, other) };
          const all = times.toSorted((a, b) => a - b);
          const last = all.at(-1) ?? 0;
          fc.pre(isFlapping(all, true, spec, last));
          const endsAtMs = flappingEndsAtMs(all, spec);
          expect(isFlapping(all, true, spec, endsAtMs - 1)).toBe(true);
          expect(isFlapping(all, true, spec, endsAtMs)).toBe(false);
        },
      ),
    );
  });

  it("never begins below its high share, and never ends above its low one", ({ expect }) => {
    fc.assert(
      fc.property(fc.array(fc.nat(4 * MINUTE_MS), { maxLength: 60 }), (gaps) => {
        let flaps = false;
        let atMs = 0;
        let all: number[] = [];
        for (const gap of gaps) {
          atMs += gap;
          all = [...all, atMs].slice(-CHANGES_SEEN);
          const before = flaps;
          flaps = isFlapping(all, before, SPEC, atMs);
          const share = flapShare(all, SPEC, atMs);
          expect(flaps).toBe(share >= (before ? SPEC.low : SPEC.high));
        }
      }),
    );
  });
});
