/** When what failed is tried again: exponential, with full jitter, so that those who failed together do not come back together. Pure. */

export const BACKOFF_BASE_MS = 1_000;
export const BACKOFF_MS_MAX = 30 * 60_000;
/** Attempts at one payment until people must look: with the times above some hours. */
export const ATTEMPTS_MAX = 24;

/** @param attempts How many there were, at least 1. @param random 0..1. */
export const backoffMs = (attempts: number, random: number): number =>
  Math.floor(random * Math.min(BACKOFF_MS_MAX, BACKOFF_BASE_MS * 2 ** Math.min(attempts, 30)));
