/** Solves a challenge as a program would that has only read how. */
import { sha256 } from "@noble/hashes/sha2.js";

type Hash = (block: Uint8Array) => Uint8Array;

/** The smallest number for each puzzle of this seed. */
export const solutionsOf = (
  seed: Uint8Array,
  { difficulty, n }: { readonly difficulty: number; readonly n: number },
  hash: Hash = sha256,
): readonly number[] =>
  Array.from({ length: n }, (_, index) => {
    for (let counter = 0; ; counter++) {
      if (zeroBits(hash(blockOf(seed, index, counter))) >= difficulty) return counter;
    }
  });

export function blockOf(seed: Uint8Array, index: number, counter: number): Uint8Array {
  const block = new Uint8Array(seed.length + 8);
  block.set(seed);
  const view = new DataView(block.buffer);
  view.setUint32(seed.length, index);
  view.setUint32(seed.length + 4, counter);
  return block;
}

export function zeroBits(hash: Uint8Array): number {
  let bits = 0;
  for (const byte of hash) {
    bits += Math.clz32(byte) - 24;
    if (byte !== 0) break;
  }
  return bits;
}
