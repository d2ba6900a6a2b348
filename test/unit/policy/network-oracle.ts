/** The same answers as the compiled table, found by looking at every network: slow, and short enough to be believed. */
import fc from "fast-check";
import { formatAddress, type Family } from "../../../src/guard/ip/address.ts";
import { NETWORK_ACTIONS } from "../../../src/guard/ip/blob.ts";
import { parseCidr, type Cidr } from "../../../src/guard/ip/cidr.ts";
import { liveFrom, lookup, nextOf, ruleOf, type IpSet } from "../../../src/guard/ip/ip-set.ts";
import { readIpSet } from "../../../src/guard/ip/read-ip-set.ts";
import { compileNetworks, type NetworkEntry } from "../../../src/policy/networks.ts";

export type Address = { readonly family: Family; readonly value: bigint };

const bitsOf = (family: Family): bigint => (family === 4 ? 32n : 128n);

export const wordsOf = ({ family, value }: Address): Uint32Array => {
  const at = (shift: bigint): number => Number((value >> shift) & 0xffff_ffffn);
  return Uint32Array.from(family === 4 ? [at(0n), 0, 0, 0] : [at(96n), at(64n), at(32n), at(0n)]);
};

export const valueOf = ({ family, words }: Cidr): bigint =>
  family === 4 ? BigInt(words[0]) : words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);

const hostBits = ({ family, prefix }: Cidr): bigint => bitsOf(family) - BigInt(prefix);

export const firstOf = (network: Cidr): bigint => valueOf(network);
export const lastOf = (network: Cidr): bigint =>
  valueOf(network) | ((1n << hostBits(network)) - 1n);

const holds = (network: Cidr, { family, value }: Address): boolean =>
  network.family === family && value >> hostBits(network) === valueOf(network) >> hostBits(network);

/** `entry/action` of what holds for an address, first choice first, each once. */
export function naive(entries: readonly NetworkEntry[], address: Address, nowMs: number): string[] {
  const live = entries.filter(
    ({ network, expiresAtMs }) => expiresAtMs > nowMs && holds(network, address),
  );
  const rank = ({ action }: NetworkEntry): number => (action === "allow" ? 0 : 1);
  const ordered = live.toSorted(
    (a, b) =>
      rank(a) - rank(b) ||
      b.network.prefix - a.network.prefix ||
      b.expiresAtMs - a.expiresAtMs ||
      (a.entryId < b.entryId ? -1 : a.entryId > b.entryId ? 1 : 0) ||
      NETWORK_ACTIONS.indexOf(a.action) - NETWORK_ACTIONS.indexOf(b.action),
  );
  return [...new Set(ordered.map(({ entryId, action }) => `${entryId}/${action}`))];
}

/** The same from the table. */
export function fromTable(set: IpSet, address: Address, nowMs: number): string[] {
  const found = new Set<string>();
  let chain = liveFrom(set, lookup(set, address.family, wordsOf(address)), nowMs);
  while (chain !== 0) {
    const { entryId, action } = ruleOf(set, chain);
    found.add(`${entryId}/${action}`);
    chain = liveFrom(set, nextOf(set, chain), nowMs);
  }
  return [...found];
}

/** A table of networks that are all right. */
export function tableOf(entries: readonly NetworkEntry[], nowMs = 0): IpSet {
  const blob = compileNetworks({ entries, nowMs, force: true });
  if (!blob.ok) throw new Error(blob.error);
  const set = readIpSet(blob.value);
  if (!set.ok) throw new Error(set.error);
  return set.value;
}

export const anEntry = (network: string, changes: Partial<NetworkEntry> = {}): NetworkEntry => {
  const parsed = parseCidr(network);
  if (!parsed.ok) throw new Error(`${network} ${parsed.error}`);
  return {
    network: parsed.value,
    entryId: "lse_1",
    action: "block",
    expiresAtMs: 1_000,
    ...changes,
  };
};

/** Few enough distinct bits that networks lie in one another, and next to one another. */
const address = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(0n, 10n, 11n, 192n, 255n),
      fc.bigInt(0n, 0xffn),
      fc.constantFrom(0n, 1n, 0x7fffn, 0x8000n, 0xffffn),
    )
    .map(([top, middle, low]): Address => ({
      family: 4,
      value: (top << 24n) | (middle << 16n) | low,
    })),
  fc
    .tuple(
      fc.constantFrom(0n, 0x2001_0db8n, 0x2001_0db9n, 0x2a00_0000n, 0xfe80_0000n, 0xffff_ffffn),
      fc.constantFrom(0n, 1n, 0xffff_ffffn),
      fc.constantFrom(0n, 0xffffn, 0x8000_0000n, 0xffff_ffffn),
      fc.constantFrom(0n, 1n, 0xffff_ffffn),
    )
    .map(([a, b, c, d]): Address => ({
      family: 6,
      value: (a << 96n) | (b << 64n) | (c << 32n) | d,
    }))
    // That would be an IPv4 address.
    .filter(({ value }) => value >> 32n !== 0xffffn),
);

const network = fc
  .tuple(
    address,
    fc.oneof(fc.constantFrom(0, 1, 8, 16, 31, 32, 33, 63, 64, 65, 96, 97, 127, 128), fc.nat(128)),
  )
  .map(([{ family, value }, bits]): Cidr => {
    const prefix = Math.min(bits, Number(bitsOf(family)));
    const host = bitsOf(family) - BigInt(prefix);
    const words = wordsOf({ family, value: (value >> host) << host });
    return {
      family,
      words: [words[0] ?? 0, words[1] ?? 0, words[2] ?? 0, words[3] ?? 0],
      prefix,
    };
  });

export const networkEntries = fc.array(
  fc.record({
    network,
    entryId: fc.constantFrom("a", "b", "c"),
    action: fc.constantFrom(...NETWORK_ACTIONS),
    expiresAtMs: fc.constantFrom(10, 20, 30, 40),
  }),
  { maxLength: 40 },
);

/** Anywhere, and on both sides of every edge. */
export function probesOf(entries: readonly NetworkEntry[], more: readonly Address[]): Address[] {
  const edges = entries.flatMap(({ network: one }) =>
    [firstOf(one) - 1n, firstOf(one), lastOf(one), lastOf(one) + 1n]
      .filter((value) => value >= 0n && value < 1n << bitsOf(one.family))
      .map((value): Address => ({ family: one.family, value })),
  );
  return [...edges, ...more];
}

export const addresses = fc.array(address, { maxLength: 20 });

export const textOf = (one: Address): string => formatAddress(one.family, wordsOf(one));
