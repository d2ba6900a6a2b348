/** When a payment is tried again: later each time, never later than the bound, and each at its own time. */
import { describe, it } from "vitest";
import {
  ATTEMPTS_MAX,
  BACKOFF_BASE_MS,
  BACKOFF_MS_MAX,
  backoffMs,
} from "../../../src/payments/backoff.ts";

const attempts = Array.from({ length: ATTEMPTS_MAX }, (_, n) => n + 1);

describe("the wait before another attempt", () => {
  it("doubles at most, up to half an hour", ({ expect }) => {
    const longest = attempts.map((count) => backoffMs(count, 1));
    expect(longest.slice(0, 4)).toEqual([2, 4, 8, 16].map((times) => times * BACKOFF_BASE_MS));
    expect(Math.max(...longest)).toBe(BACKOFF_MS_MAX);
    expect(backoffMs(1_000, 1)).toBe(BACKOFF_MS_MAX);
  });

  it.for(attempts)("is anything from nothing to that, evenly: attempt %i", (count, { expect }) => {
    const longest = backoffMs(count, 1);
    expect(backoffMs(count, 0)).toBe(0);
    expect(backoffMs(count, 0.25)).toBe(Math.floor(longest / 4));
    expect(backoffMs(count, 0.5)).toBe(Math.floor(longest / 2));
  });
});
