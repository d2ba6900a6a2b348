/**
 * Fast hashes for counting, not for secrets: they scatter well, and whoever knows the seed can make two keys collide. What is
 * counted under a collision is a little too high; nobody is let in or shut out by one.
 */

/** Murmur3's finalizer: one to one on 32-bit words, so that distinct keys stay distinct. */
export function mix32(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Another one of the same kind, for a second opinion on the same word. */
export function mix32Again(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** One word out of two, in an order that matters. */
export const mixPair = (first: number, second: number): number =>
  mix32(Math.imul(first, 0x9e3779b1) ^ mix32Again(second));

/** A text as an unsigned 32-bit word. Two UTF-16 units at a time, for most keys are long. */
export function hashText(text: string, seed = 0): number {
  const evenLength = text.length & ~1;
  let hash = seed ^ Math.imul(text.length, 0x9e3779b1);
  for (let at = 0; at < evenLength; at += 2) {
    const pair = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
    hash = Math.imul(hash ^ pair, 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  if (evenLength < text.length) hash = Math.imul(hash ^ text.charCodeAt(evenLength), 0x85ebca6b);
  return mix32(hash);
}
