/**
 * The generic cell rate algorithm. All that it remembers of a key is one number: the theoretical arrival time (TAT), when its
 * quota would be whole again. Pure, and exact at every boundary, because it counts in whole ticks: a tick is a millisecond
 * divided by the limit, so that one request costs `windowMs` ticks however crooked `windowMs / limit` is.
 *
 * In any `d` milliseconds at most `burst + d * limit / windowMs` requests are admitted.
 */
import { assert } from "../../shared/assert.ts";

/** `limit` requests per `windowMs` in the long run, and at most `burst` of them at once. */
export type Quota = { readonly limit: number; readonly windowMs: number; readonly burst: number };

export const LIMIT_MAX = 1_000_000;
export const WINDOW_MS_MAX = 86_400_000;
/** Times are counted from an origin of the caller's, for ticks since 1970 would not fit a double. */
export const ELAPSED_MS_MAX = 24 * 86_400_000;

/** Checks a quota once, where it is made. `burst` is the whole limit unless it says otherwise. */
export function quotaOf(limit: number, windowMs: number, burst = limit): Quota {
  const isCount = (value: number, max: number): boolean =>
    Number.isInteger(value) && value >= 1 && value <= max;
  assert(isCount(limit, LIMIT_MAX), "a limit is 1 to a million requests");
  assert(isCount(windowMs, WINDOW_MS_MAX), "a window is 1 ms to a day");
  assert(isCount(burst, LIMIT_MAX), "a burst is 1 to a million requests");
  return { limit, windowMs, burst };
}

/** Whole quota: what a key that was never seen has. */
export const NEVER = 0;
export const REFUSED = -1;

/** The new TAT when `n` more requests fit now, else `REFUSED`, and then nothing changes. */
export function admit(tat: number, elapsedMs: number, quota: Quota, n = 1): number {
  const now = elapsedMs * quota.limit;
  const next = Math.max(tat, now) + n * quota.windowMs;
  return next - now <= quota.burst * quota.windowMs ? next : REFUSED;
}

/** The TAT after `n` requests that have already been served, whether they fitted or not. */
export const charge = (tat: number, elapsedMs: number, quota: Quota, n: number): number =>
  Math.max(tat, elapsedMs * quota.limit) + n * quota.windowMs;

/** How many requests would fit now, all at once. */
export function remaining(tat: number, elapsedMs: number, quota: Quota): number {
  const used = Math.max(0, tat - elapsedMs * quota.limit);
  return Math.max(0, Math.floor((quota.burst * quota.windowMs - used) / quota.windowMs));
}

/** Whole milliseconds until `n` requests fit; 0 when they fit now. */
export function waitMs(tat: number, elapsedMs: number, quota: Quota, n = 1): number {
  const used = Math.max(0, tat - elapsedMs * quota.limit);
  const missing = used + (n - quota.burst) * quota.windowMs;
  return Math.max(0, Math.ceil(missing / quota.limit));
}

/** Whole milliseconds until nothing of the quota is used any more. */
export const wholeInMs = (tat: number, elapsedMs: number, quota: Quota): number =>
  Math.max(0, Math.ceil((tat - elapsedMs * quota.limit) / quota.limit));
