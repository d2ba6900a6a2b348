/** Compares secrets without telling, by the time it takes, how much of a guess was right. */
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";

/** Equal texts, in a time that depends on neither's content: digests are compared, and always whole. */
export function equalInConstantTime(left: string, right: string): boolean {
  const [a, b] = [sha256(utf8ToBytes(left)), sha256(utf8ToBytes(right))];
  let difference = 0;
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0);
  return difference === 0;
}
