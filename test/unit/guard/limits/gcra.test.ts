import fc from "fast-check";
import { it } from "vitest";
import {
  admit,
  charge,
  ELAPSED_MS_MAX,
  LIMIT_MAX,
  NEVER,
  quotaOf,
  REFUSED,
  remaining,
  waitMs,
  wholeInMs,
  WINDOW_MS_MAX,
  type Quota,
} from "../../../../src/guard/limits/gcra.ts";

const quotas = fc
  .record({
    limit: fc.integer({ min: 1, max: 50 }),
    windowMs: fc.integer({ min: 1, max: 20_000 }),
    burst: fc.integer({ min: 1, max: 50 }),
  })
  .map(({ limit, windowMs, burst }) => quotaOf(limit, windowMs, burst));
const pauses = fc.array(fc.nat(2_000), { minLength: 1, maxLength: 200 });

/** When requests at these distances are admitted. */
function admittedAt(quota: Quota, distancesMs: readonly number[]): number[] {
  let [tat, atMs] = [NEVER, 0];
  const admitted: number[] = [];
  for (const distanceMs of distancesMs) {
    atMs += distanceMs;
    const next = admit(tat, atMs, quota);
    if (next === REFUSED) continue;
    tat = next;
    admitted.push(atMs);
  }
  return admitted;
}

it("never admits more than burst + d × limit / window in any d milliseconds", ({ expect }) => {
  fc.assert(
    fc.property(quotas, pauses, (quota, distancesMs) => {
      const admitted = admittedAt(quota, distancesMs);
      for (const [first, fromMs] of admitted.entries()) {
        for (const [last, untilMs] of admitted.entries()) {
          if (last < first) continue;
          const bound = quota.burst + ((untilMs - fromMs) * quota.limit) / quota.windowMs;
          expect(last - first + 1).toBeLessThanOrEqual(bound + 1e-9);
        }
      }
    }),
    { numRuns: 60 },
  );
});

it("admits whoever keeps to the pace, however crooked it is, for ever", ({ expect }) => {
  fc.assert(
    fc.property(quotas, ({ limit, windowMs }) => {
      // A clock of whole milliseconds moves a request by up to one; the burst has to cover that.
      const quota = quotaOf(limit, windowMs, 1 + Math.ceil(limit / windowMs));
      const atMs = (index: number): number => Math.ceil((index * windowMs) / limit);
      const distancesMs = Array.from({ length: 300 }, (_, index) =>
        index === 0 ? 0 : atMs(index) - atMs(index - 1),
      );
      expect(admittedAt(quota, distancesMs)).toHaveLength(300);
    }),
  );
});

it("is exact at the boundary: not a millisecond early, not one late", ({ expect }) => {
  fc.assert(
    fc.property(quotas, fc.nat(1_000_000), (quota, startMs) => {
      let tat = NEVER;
      for (let request = 0; request < quota.burst; request += 1) tat = admit(tat, startMs, quota);
      expect(tat).not.toBe(REFUSED);
      expect(admit(tat, startMs, quota)).toBe(REFUSED);
      const retryMs = waitMs(tat, startMs, quota);
      expect(retryMs).toBe(Math.ceil(quota.windowMs / quota.limit));
      expect(admit(tat, startMs + retryMs - 1, quota)).toBe(REFUSED);
      expect(admit(tat, startMs + retryMs, quota)).not.toBe(REFUSED);
    }),
  );
});

it("says what remains and when all is whole again, and means it", ({ expect }) => {
  fc.assert(
    fc.property(quotas, pauses, fc.integer({ min: 1, max: 60 }), (quota, distancesMs, n) => {
      let [tat, atMs] = [NEVER, 0];
      for (const distanceMs of distancesMs) {
        atMs += distanceMs;
        const left = remaining(tat, atMs, quota);
        expect(left > 0).toBe(admit(tat, atMs, quota) !== REFUSED);
        expect(admit(tat, atMs, quota, left)).not.toBe(REFUSED);
        expect(admit(tat, atMs, quota, left + 1)).toBe(REFUSED);
        if (n <= quota.burst) {
          const readyMs = waitMs(tat, atMs, quota, n);
          expect(admit(tat, atMs + readyMs, quota, n)).not.toBe(REFUSED);
        }
        expect(remaining(tat, atMs + wholeInMs(tat, atMs, quota), quota)).toBe(quota.burst);
        tat = Math.max(tat, admit(tat, atMs, quota));
      }
    }),
  );
});

it("gives an idle key its burst back, and not more", ({ expect }) => {
  fc.assert(
    fc.property(
      quotas,
      fc.integer({ min: 1, max: 1_000 }),
      fc.nat(1_000_000),
      (quota, spent, extraMs) => {
        const tat = charge(NEVER, 0, quota, spent);
        const idleMs = wholeInMs(tat, 0, quota) + extraMs;
        expect(remaining(tat, idleMs, quota)).toBe(quota.burst);
      },
    ),
  );
});

it("gains nobody anything when the clock goes back", ({ expect }) => {
  const quota = quotaOf(5, 1_000);
  const tat = charge(NEVER, 10_000, quota, 5);
  expect(admit(tat, 9_000, quota)).toBe(REFUSED);
  expect(remaining(tat, 0, quota)).toBe(0);
});

it("stays exact at the largest limits and times that it allows", ({ expect }) => {
  const quota = quotaOf(LIMIT_MAX, WINDOW_MS_MAX);
  const tat = charge(NEVER, ELAPSED_MS_MAX, quota, LIMIT_MAX);
  expect(Number.isSafeInteger(tat)).toBe(true);
  expect(admit(tat, ELAPSED_MS_MAX, quota)).toBe(REFUSED);
});

it("refuses quotas that mean nothing", ({ expect }) => {
  const wrong = [
    [0, 1_000, 1],
    [1.5, 1_000, 1],
    [Number.NaN, 1_000, 1],
    [10, 0, 10],
    [10, WINDOW_MS_MAX + 1, 10],
    [10, 1_000, 0],
    [LIMIT_MAX + 1, 1_000, 1],
  ] as const;
  for (const [limit, windowMs, burst] of wrong) {
    expect(() => quotaOf(limit, windowMs, burst)).toThrow("invariant broken");
  }
});
