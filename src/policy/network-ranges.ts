/**
 * Turns networks that lie in one another into ranges that do not: one pass over them in order of address, with the networks
 * around the current one on a stack.
 */
import { wordMask } from "../guard/ip/cidr.ts";
import type { Chains } from "./network-chains.ts";
import { inOrder } from "./network-order.ts";

/** Networks as columns: `width` words each, and by the same place a prefix, a rule and an expiry. */
export type NetworkColumns = {
  readonly width: number;
  readonly count: number;
  readonly starts: Uint32Array;
  readonly prefixes: Uint8Array;
  readonly rules: Uint16Array;
  readonly expiresAtMs: Float64Array;
};

/** Disjoint, in ascending order; see blob.ts for where a range ends. */
export type Ranges = {
  readonly width: number;
  rows: number;
  readonly starts: Uint32Array;
  readonly prefixes: Uint8Array;
  readonly chains: Uint32Array;
};

/** `chainAround` is what holds for an address outside of all these networks: 0, or a chain of another table. */
export function disjointRanges(
  networks: NetworkColumns,
  chains: Chains,
  chainAround: (starts: Uint32Array, at: number) => number,
): Ranges {
  const { width, starts, prefixes } = networks;
  const ranges = emptyRanges(width, 2 * networks.count);
  const open = noneOpen(width);
  for (const one of inOrder(networks)) {
    const at = one * width;
    closeBefore(open, starts, at, ranges);
    const top = open.depth - 1;
    const outer = top < 0 ? chainAround(starts, at) : (open.chains[top] ?? 0);
    const chain = chains.inside(outer, networks.rules[one] ?? 0, networks.expiresAtMs[one] ?? 0);
    if (chain === outer) continue;
    const prefix = prefixes[one] ?? 0;
    add(ranges, starts, at, prefix, chain);
    // Both hold at this address, so with the same prefix they are the same network.
    if (top >= 0 && open.prefixes[top] === prefix) open.chains[top] = chain;
    else push(open, starts, at, prefix, chain);
  }
  closeBefore(open, null, 0, ranges);
  return ranges;
}

/** The networks that hold at the current address, the widest first: by depth a prefix, a chain and the last address. */
type Open = {
  depth: number;
  readonly width: number;
  readonly prefixes: Uint8Array;
  readonly chains: Uint32Array;
  readonly ends: Uint32Array;
};

/** There can be one of each prefix length. */
const noneOpen = (width: number): Open => ({
  depth: 0,
  width,
  prefixes: new Uint8Array(32 * width + 1),
  chains: new Uint32Array(32 * width + 1),
  ends: new Uint32Array((32 * width + 1) * width),
});

function push(open: Open, starts: Uint32Array, at: number, prefix: number, chain: number): void {
  const { depth, width } = open;
  for (let word = 0; word < width; word++) {
    open.ends[depth * width + word] = (starts[at + word] ?? 0) | ~wordMask(prefix - 32 * word);
  }
  open.prefixes[depth] = prefix;
  open.chains[depth] = chain;
  open.depth++;
}

/** Closes what ends before the address at `at`, or everything; behind a closed network, the one around it goes on. */
function closeBefore(open: Open, starts: Uint32Array | null, at: number, ranges: Ranges): void {
  const { width, ends } = open;
  while (open.depth > 0) {
    const closed = (open.depth - 1) * width;
    if (starts !== null && compareWords(ends, closed, starts, at, width) >= 0) return;
    open.depth--;
    const around = open.depth - 1;
    if (around < 0 || compareWords(ends, around * width, ends, closed, width) === 0) continue;
    increment(ends, closed, width);
    add(ranges, ends, closed, open.prefixes[around] ?? 0, open.chains[around] ?? 0);
  }
}

/** Appends a range; one that starts where the last one did replaces it. */
function add(ranges: Ranges, starts: Uint32Array, at: number, prefix: number, chain: number): void {
  const { width } = ranges;
  const last = ranges.rows - 1;
  const isSameStart =
    last >= 0 && compareWords(ranges.starts, last * width, starts, at, width) === 0;
  const row = isSameStart ? last : ranges.rows++;
  for (let word = 0; word < width; word++) {
    ranges.starts[row * width + word] = starts[at + word] ?? 0;
  }
  ranges.prefixes[row] = prefix;
  ranges.chains[row] = chain;
}

const emptyRanges = (width: number, rowsMax: number): Ranges => ({
  width,
  rows: 0,
  starts: new Uint32Array(rowsMax * width),
  prefixes: new Uint8Array(rowsMax),
  chains: new Uint32Array(rowsMax),
});

/** Adds one to the address at `at`, carrying from the last word to the first. */
function increment(words: Uint32Array, at: number, width: number): void {
  for (let word = at + width - 1; word >= at; word--) {
    words[word] = (words[word] ?? 0) + 1;
    if (words[word] !== 0) return;
  }
}

function compareWords(
  a: Uint32Array,
  atA: number,
  b: Uint32Array,
  atB: number,
  width: number,
): number {
  for (let word = 0; word < width; word++) {
    const difference = (a[atA + word] ?? 0) - (b[atB + word] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
