/** Under which 64-bit key a request is counted. Keys are hashes: nothing that is sent or stored names a client. */
import { hashText, mixPair } from "../../sketches/hash.ts";
import { unreachable } from "../../shared/assert.ts";
import type { KeyPart, LimitRule } from "./rule.ts";

/** What a key may be made of. Zero and an empty text mean: not known. */
export type LimitSubject = {
  /** 0 when the client's address is not known. */
  readonly family: 4 | 6 | 0;
  /** Most significant first; an IPv4 address is the first word. */
  readonly address: Uint32Array;
  readonly asn: number;
  readonly country: string;
  readonly ja4: string;
  /** A session cookie, an API key: whatever says who calls. */
  readonly session: string;
  /** The pattern of the route, not the path: clients choose paths. */
  readonly route: string;
};

/** Room for one key, high word first: allocate once, read many. */
export const limitKey = (): Uint32Array => new Uint32Array(2);

/** Writes the request's key into `key`; false when a part of it is not known, and then the rule has nothing to count. */
export function readLimitKey(rule: LimitRule, subject: LimitSubject, key: Uint32Array): boolean {
  let [high, low] = rule.seeds;
  for (const part of rule.parts) {
    if (!readPart(part, subject)) return false;
    high = mixPair(mixPair(high, partWords[0]), partWords[1]);
    low = mixPair(mixPair(low, partWords[2]), partWords[3]);
  }
  key[0] = high;
  key[1] = low;
  return true;
}

/** Two words for either half of the key. One for all calls: a call ends before the next begins. */
const partWords: [number, number, number, number] = [0, 0, 0, 0];

function readPart(part: KeyPart, subject: LimitSubject): boolean {
  const { family, address } = subject;
  switch (part) {
    case "address":
      // An IPv6 host changes its lower 64 bits at will.
      return family !== 0 && setWords(address[0] ?? 0, address[1] ?? 0);
    case "network":
      if (family === 4) return setWords((address[0] ?? 0) >>> 8, 0);
      return family === 6 && setWords(address[0] ?? 0, (address[1] ?? 0) >>> 16);
    case "asn":
      return subject.asn !== 0 && setWords(subject.asn, 0);
    case "country":
      return setText(subject.country);
    case "ja4":
      return setText(subject.ja4);
    case "session":
      return setText(subject.session);
    case "route":
      return setText(subject.route);
    default:
      return unreachable(part);
  }
}

function setWords(first: number, second: number): true {
  partWords[0] = partWords[2] = first;
  partWords[1] = partWords[3] = second;
  return true;
}

function setText(text: string): boolean {
  if (text === "") return false;
  partWords[0] = hashText(text, 1);
  partWords[2] = hashText(text, 2);
  partWords[1] = partWords[3] = text.length;
  return true;
}
