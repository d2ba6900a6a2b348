/** Sorts networks by address without comparing them: a radix sort, one byte at a time. */
import type { NetworkColumns } from "./network-ranges.ts";

/**
 * The networks' places by address, the widest first. Of one network's rules the one to be asked first comes last: the longest,
 * then the one with the lowest number.
 */
export function inOrder(networks: NetworkColumns): Uint32Array {
  const { count, width, starts, prefixes } = networks;
  let order = Uint32Array.from({ length: count }, (_, place) => place);
  let spare = new Uint32Array(count);
  const pass = (digitOf: (place: number) => number): void => {
    distribute(order, spare, digitOf);
    [order, spare] = [spare, order];
  };
  // The least important digit first: each pass keeps the order of the one before among equals.
  pass((place) => prefixes[place] ?? 0);
  for (let word = width - 1; word >= 0; word--) {
    for (let shift = 0; shift < 32; shift += 8) {
      pass((place) => ((starts[place * width + word] ?? 0) >>> shift) & 0xff);
    }
  }
  sortEqual(order, networks);
  return order;
}

const DIGITS = 0x100;

function distribute(from: Uint32Array, to: Uint32Array, digitOf: (place: number) => number): void {
  const ends = new Uint32Array(DIGITS + 1);
  for (const place of from) {
    const digit = digitOf(place) + 1;
    ends[digit] = (ends[digit] ?? 0) + 1;
  }
  for (let digit = 1; digit <= DIGITS; digit++) {
    ends[digit] = (ends[digit] ?? 0) + (ends[digit - 1] ?? 0);
  }
  for (const place of from) {
    const digit = digitOf(place);
    const at = ends[digit] ?? 0;
    to[at] = place;
    ends[digit] = at + 1;
  }
}

/** Puts the rules of one and the same network in their order. */
function sortEqual(order: Uint32Array, networks: NetworkColumns): void {
  const { rules, expiresAtMs } = networks;
  let from = 0;
  for (let at = 1; at <= order.length; at++) {
    if (at < order.length && isSameNetwork(networks, order[from] ?? 0, order[at] ?? 0)) continue;
    if (at - from > 1) {
      order
        .subarray(from, at)
        .sort(
          (a, b) =>
            (expiresAtMs[a] ?? 0) - (expiresAtMs[b] ?? 0) || (rules[b] ?? 0) - (rules[a] ?? 0),
        );
    }
    from = at;
  }
}

function isSameNetwork({ width, starts, prefixes }: NetworkColumns, a: number, b: number): boolean {
  for (let word = 0; word < width; word++) {
    if (starts[a * width + word] !== starts[b * width + word]) return false;
  }
  return prefixes[a] === prefixes[b];
}
