/** How much of the internet a table blocks: what is too much is a mistake, or takes a person who insists. */
import { wordMask } from "../guard/ip/cidr.ts";
import type { BlobViews, Table } from "../guard/ip/blob.ts";
import type { NetworkRules } from "./network-chains.ts";

/**
 * The share of all IPv4 addresses, and of `2000::/3`, in networks that are blocked by any rule, ended or not, in force or in
 * shadow: rules may change under the same table. What an allowed network takes out again counts all the same. IPv6 networks
 * longer than /64 are too small to count.
 */
export function blockedShare(
  { v4, v6, next, rules }: BlobViews,
  list: NetworkRules["list"],
): { readonly v4: number; readonly v6: number } {
  const isBlocking = new Uint8Array(next.length);
  for (let chain = 1; chain < next.length; chain++) {
    const isHere = list[rules[chain] ?? 0]?.action === "block";
    isBlocking[chain] = isHere ? 1 : (isBlocking[next[chain] ?? 0] ?? 0);
  }
  return { v4: blockedV4(v4, isBlocking) / 2 ** 32, v6: blockedV6(v6, isBlocking) / 2 ** 61 };
}

function blockedV4({ starts, chains, prefixes }: Table, isBlocking: Uint8Array): number {
  let blocked = 0;
  for (let row = 0; row < chains.length; row++) {
    if (isBlocking[chains[row] ?? 0] === 0) continue;
    const start = starts[row] ?? 0;
    const end = (start | ~wordMask(prefixes[row] ?? 0)) >>> 0;
    const nextStart = starts[row + 1] ?? 2 ** 32;
    blocked += Math.min(end + 1, nextStart) - start;
  }
  return blocked;
}

/** The global addresses, `2000::/3`, counted in /64s. */
const GLOBAL_START = 2 ** 61;
const GLOBAL_END = 2 ** 62;

function blockedV6({ starts, chains, prefixes }: Table, isBlocking: Uint8Array): number {
  const startOf = (row: number): number =>
    (starts[2 * row] ?? 0) * 2 ** 32 + (starts[2 * row + 1] ?? 0);
  let blocked = 0;
  for (let row = 0; row < chains.length; row++) {
    if (isBlocking[chains[row] ?? 0] === 0) continue;
    const prefix = prefixes[row] ?? 0;
    const high = ((starts[2 * row] ?? 0) | ~wordMask(prefix)) >>> 0;
    const low = ((starts[2 * row + 1] ?? 0) | ~wordMask(prefix - 32)) >>> 0;
    const ownEnd = high * 2 ** 32 + low + 1;
    const end = row + 1 < chains.length ? Math.min(ownEnd, startOf(row + 1)) : ownEnd;
    blocked += Math.max(0, Math.min(end, GLOBAL_END) - Math.max(startOf(row), GLOBAL_START));
  }
  return blocked;
}
