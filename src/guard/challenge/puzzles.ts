/**
 * The work: several small puzzles instead of one large one, so that how long it takes hardly varies and progress can be shown.
 * The i-th is solved by a number c for which SHA-256(seed ‖ i ‖ c), all big-endian, begins with `difficulty` zero bits. Pure, and
 * one hash per puzzle to check.
 */
import { hashStart } from "./sha256.ts";

/** Puzzles in a challenge; the spread of the time they take shrinks with the root of their number. */
export const PUZZLES = 16;
/** Accepted when read, should a later version issue more. */
export const PUZZLES_MAX = 32;
export const COUNTER_MAX = 0xffff_ffff;
/** A MAC over everything that the challenge says: other terms are another seed, and solutions fit no other challenge. */
export const SEED_BYTES = 32;

export type Work = { readonly difficulty: number; readonly n: number };

/** Whether these numbers, in order, solve the puzzles of this seed: all of them, and no more. */
export function areSolved(
  seed: Uint8Array,
  { difficulty, n }: Work,
  counters: readonly number[],
): boolean {
  if (seed.length !== SEED_BYTES || counters.length !== n) return false;
  const block = new Uint8Array(SEED_BYTES + 8);
  block.set(seed);
  const view = new DataView(block.buffer);
  return counters.every((counter, index) => {
    if (!Number.isInteger(counter) || counter < 0 || counter > COUNTER_MAX) return false;
    view.setUint32(SEED_BYTES, index);
    view.setUint32(SEED_BYTES + 4, counter);
    return Math.clz32(hashStart(block)) >= difficulty;
  });
}
