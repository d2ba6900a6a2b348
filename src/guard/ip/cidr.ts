/** Reads networks as people and lists write them, and says what is wrong with those that are none. */
import { err, ok, type Result } from "../../shared/result.ts";
import {
  ADDRESS_CHARS_MAX,
  addressWords,
  formatAddress,
  parseAddress,
  type Family,
} from "./address.ts";

/** A network; the bits behind `prefix` are zero. Of an IPv4 network only the first word counts. */
export type Cidr = {
  readonly family: Family;
  readonly words: readonly [number, number, number, number];
  readonly prefix: number;
};

/** An address, a slash and three digits. */
export const CIDR_CHARS_MAX = ADDRESS_CHARS_MAX + 4;

/**
 * `192.0.2.0/24`, `2001:db8::/32`, or an address alone. IPv4-mapped networks are IPv4; any other IPv6 network, even one around
 * the mapped addresses, holds no IPv4 address. Bits behind the prefix are refused: `10.1.2.3/8` may mean either.
 */
export function parseCidr(text: string): Result<Cidr, string> {
  if (text.length > CIDR_CHARS_MAX) return err("is too long for a network");
  const slash = text.indexOf("/");
  const address = slash === -1 ? text : text.slice(0, slash);
  const family = parseAddress(address, scratch);
  if (family === 0) return err(whyNoAddress(address));
  const written = address.includes(":") ? 6 : 4;
  const bits = written === 6 ? 128 : 32;
  const prefix = slash === -1 ? bits : readPrefix(text.slice(slash + 1));
  if (prefix === null || prefix > bits) {
    return err(`has no prefix length between 0 and ${bits} behind the slash`);
  }
  if (family !== written && prefix < MAPPED_BITS) {
    return err(
      `reaches beyond the IPv4-mapped addresses; write /${MAPPED_BITS} or more, or the IPv4 network`,
    );
  }
  return networkOf(family, family === written ? prefix : prefix - MAPPED_BITS);
}

export const formatCidr = ({ family, words, prefix }: Cidr): string =>
  `${formatAddress(family, Uint32Array.from(words))}/${prefix}`;

/** The bits of one word that a prefix keeps; `bits` may be below 0 or above 32. */
export const wordMask = (bits: number): number =>
  bits <= 0 ? 0 : bits >= 32 ? 0xffff_ffff : (0xffff_ffff << (32 - bits)) >>> 0;

/** An IPv4 address in IPv6 clothes starts after this many bits. */
const MAPPED_BITS = 96;

const scratch = addressWords();

/** The network of `scratch`. */
function networkOf(family: Family, prefix: number): Result<Cidr, string> {
  const [first = 0, second = 0, third = 0, fourth = 0] = scratch;
  const words = [
    (first & wordMask(prefix)) >>> 0,
    (second & wordMask(prefix - 32)) >>> 0,
    (third & wordMask(prefix - 64)) >>> 0,
    (fourth & wordMask(prefix - 96)) >>> 0,
  ] as const;
  const cidr: Cidr = { family, words, prefix };
  if (words[0] !== first || words[1] !== second || words[2] !== third || words[3] !== fourth) {
    return err(`has bits behind its prefix; the network is ${formatCidr(cidr)}`);
  }
  return ok(cidr);
}

/** Plain digits without leading zeros; null for anything else. */
const readPrefix = (text: string): number | null =>
  /^(?:0|[1-9]\d{0,2})$/.test(text) ? Number(text) : null;

function whyNoAddress(text: string): string {
  if (text === "") return "has no address";
  if (text.includes("%")) return "has a zone; networks are the same on every link";
  if (/^\[.*\]|^[\d.]+:\d+$/.test(text)) return "has a port or brackets; write the address alone";
  if (/^[\d.]+$/.test(text)) {
    return /(?:^|\.)0\d/.test(text)
      ? "has an octet with a leading zero, which is octal to some programs"
      : "is no IPv4 address: four numbers from 0 to 255";
  }
  return "is no address";
}
