/** Streams of keys that are the same for the same seed. */
import { mix32 } from "../../../src/sketches/hash.ts";

/** Numbers in 0..1 from a seed (xorshift32). */
export function randomFrom(seed: number): () => number {
  let state = mix32(seed) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export function countsOf(keys: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
