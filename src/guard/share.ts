/** Which clients a partly released entry still applies to. */

/**
 * Whether this client is inside the share. Sticky: the same client and salt always fall on the same point of 0..1, so that a
 * page and its scripts agree and nobody flickers. Monotone: a smaller share is a subset of a larger one.
 */
export const isInShare = (clientKey: string, salt: string, share: number): boolean =>
  share >= 1 || (share > 0 && pointOf(`${salt}\n${clientKey}`) < share);

/** FNV-1a over UTF-16 units, finished with murmur3's mixer so that neighbouring addresses scatter. */
function pointOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
