/** Whether two networks have an address in common. Pure. */
import { wordMask, type Cidr } from "./cidr.ts";

/** Of one family, and the same in the bits that both fix. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  if (a.family !== b.family) return false;
  const bits = Math.min(a.prefix, b.prefix);
  return a.words.every((word, at) => {
    const fixed = wordMask(bits - at * 32);
    return (word & fixed) === ((b.words[at] ?? 0) & fixed);
  });
}
