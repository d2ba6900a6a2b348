/**
 * Which rules hold for an address. A lookup costs a bucket, a short binary search and no allocation, and answers with a chain:
 * first the rules that allow, then the others, each from the most specific network to the widest. The searches halve a
 * difference, not a sum: a sum of what a faulty index may hold does not fit into 32 bits, and would search for ever.
 *
 * @example
 * for (let chain = liveFrom(set, lookup(set, family, words), nowMs); chain !== 0; chain = liveFrom(set, nextOf(set, chain), nowMs)) {
 *   const { entryId, action } = ruleOf(set, chain);
 * }
 */
import type { Family, AddressWords } from "./address.ts";
import { v4Bucket, v6Bucket, type NetworkAction, type Table } from "./blob.ts";

/** `action` is null where a later version of the control side wrote one that is not known here: leave the rule alone. */
export type NetworkRule = { readonly entryId: string; readonly action: NetworkAction | null };

/** A verified table; see read-ip-set.ts. */
export type IpSet = {
  /** How many networks went in, for people. */
  readonly networks: number;
  readonly v4: Table;
  readonly v6: Table;
  readonly v6Long: Table;
  readonly expiresAtMs: Float64Array;
  readonly next: Uint32Array;
  readonly rules: Uint16Array;
  readonly ruleList: readonly NetworkRule[];
};

/** The chain that holds for an address, ended rules included; 0 when no network holds it. */
export function lookup(set: IpSet, family: Family, words: AddressWords): number {
  const first = words[0] ?? 0;
  if (family === 4) return lookupV4(set.v4, first);
  if (set.v6Long.chains.length > 0) {
    // A longer network is the more specific one, and its chain goes on to those around it.
    const chain = lookupV6Long(set.v6Long, words);
    if (chain !== 0) return chain;
  }
  return lookupV6(set.v6, first, words[1] ?? 0);
}

/** The first chain from `chain` on whose rule has not ended; 0 when there is none. A rule ends at the exact millisecond. */
export function liveFrom(set: IpSet, chain: number, nowMs: number): number {
  let at = chain;
  while (at !== 0 && (set.expiresAtMs[at] ?? 0) <= nowMs) at = set.next[at] ?? 0;
  return at;
}

export const nextOf = (set: IpSet, chain: number): number => set.next[chain] ?? 0;

export const ruleOf = (set: IpSet, chain: number): NetworkRule =>
  set.ruleList[set.rules[chain] ?? 0] ?? NO_RULE;

const NO_RULE: NetworkRule = { entryId: "", action: null };

/** By the only word of an IPv4 address. */
export function lookupV4(table: Table, word: number): number {
  const { index, starts } = table;
  const bucket = v4Bucket(table, word);
  let low = at(index, bucket);
  let high = at(index, bucket + 1);
  while (low < high) {
    const middle = low + ((high - low) >>> 1);
    if (at(starts, middle) <= word) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return 0;
  const row = low - 1;
  return isSame(word, at(starts, row), at(table.prefixes, row)) ? at(table.chains, row) : 0;
}

/** By the upper half of an IPv6 address, among networks up to /64. */
export function lookupV6(table: Table, first: number, second: number): number {
  const { index, starts } = table;
  const bucket = v6Bucket(table, first);
  let low = at(index, bucket);
  let high = at(index, bucket + 1);
  while (low < high) {
    const middle = low + ((high - low) >>> 1);
    let order = at(starts, 2 * middle) - first;
    if (order === 0) order = at(starts, 2 * middle + 1) - second;
    if (order <= 0) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return 0;
  const row = low - 1;
  return isIn(table, row, 2 * row, first, second, 0) ? at(table.chains, row) : 0;
}

/** By the whole address, among longer networks. */
function lookupV6Long(table: Table, words: AddressWords): number {
  const { index, starts } = table;
  const first = at(words, 0);
  const second = at(words, 1);
  const bucket = v6Bucket(table, first);
  let low = at(index, bucket);
  let high = at(index, bucket + 1);
  while (low < high) {
    const middle = low + ((high - low) >>> 1);
    // The first word that differs decides.
    let order = at(starts, 4 * middle) - first;
    if (order === 0) order = at(starts, 4 * middle + 1) - second;
    if (order === 0) order = at(starts, 4 * middle + 2) - at(words, 2);
    if (order === 0) order = at(starts, 4 * middle + 3) - at(words, 3);
    if (order <= 0) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return 0;
  const row = low - 1;
  const isSameHalf = first === at(starts, 4 * row) && second === at(starts, 4 * row + 1);
  if (!isSameHalf || !isIn(table, row, 4 * row + 2, at(words, 2), at(words, 3), 64)) return 0;
  return at(table.chains, row);
}

/** Whether a half of an address is in a row's network: the half whose words begin at `start`, with `before` bits before it. */
function isIn(
  { starts, prefixes }: Table,
  row: number,
  start: number,
  high: number,
  low: number,
  before: number,
): boolean {
  const bits = at(prefixes, row) - before;
  if (bits <= 32) return isSame(high, at(starts, start), bits);
  return high === at(starts, start) && isSame(low, at(starts, start + 1), bits - 32);
}

/** Whether two words agree in their first `bits` bits, 0 to 32. A shift by 32 is a shift by 0, hence the first case. */
const isSame = (a: number, b: number, bits: number): boolean =>
  bits === 0 || (a ^ b) >>> (32 - bits) === 0;

/** What stands at a place that is known to exist. */
const at = (column: Uint32Array | Uint16Array | Uint8Array, place: number): number =>
  column[place] ?? 0;
