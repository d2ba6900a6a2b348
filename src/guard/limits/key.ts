/** Under which 64-bit key a request is counted. Keys are hashes: nothing that is sent or stored names a client. */
import { hashText, mixPair } from "../../sketches/hash.ts";
import { unreachable } from "../../shared/assert.ts";
import type { LimitKey } from "./local-table.ts";
import { KEY_PARTS, type KeyPart, type LimitRule } from "./rule.ts";

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

/**
 * The keys of one request. Twenty rules count by the same few parts, so each part is hashed once per request. One for all
 * requests: `begin`, then `read` for each rule, then `key`, which the next `read` writes over.
 */
export class LimitKeys {
  readonly key: LimitKey = new Uint32Array(2);
  #subject: LimitSubject | null = null;
  /** Two hashes of each part, with different seeds: 64 bits between them. */
  readonly #hashes = new Uint32Array(2 * KEY_PARTS.length);
  /** A bit for each part: whether its hashes are this request's, and whether there was anything to hash. */
  #hashed = 0;
  #known = 0;

  begin(subject: LimitSubject): void {
    this.#subject = subject;
    this.#hashed = 0;
    this.#known = 0;
  }

  /** Makes the rule's key; false when a part of it is not known, and then the rule has nothing to count. */
  read(rule: LimitRule): boolean {
    let high = rule.seeds[0];
    let low = rule.seeds[1];
    for (const place of rule.places) {
      if (!this.#has(place)) return false;
      high = mixPair(high, this.#hashes[2 * place] ?? 0);
      low = mixPair(low, this.#hashes[2 * place + 1] ?? 0);
    }
    this.key[0] = high;
    this.key[1] = low;
    return true;
  }

  #has(place: number): boolean {
    const bit = 1 << place;
    if ((this.#hashed & bit) === 0) {
      this.#hashed |= bit;
      const part = KEY_PARTS[place];
      const subject = this.#subject;
      if (part !== undefined && subject !== null && this.#hash(part, subject, 2 * place)) {
        this.#known |= bit;
      }
    }
    return (this.#known & bit) !== 0;
  }

  #hash(part: KeyPart, subject: LimitSubject, at: number): boolean {
    const { family, address } = subject;
    const first = address[0] ?? 0;
    const second = address[1] ?? 0;
    switch (part) {
      case "address":
        // An IPv6 host changes its lower 64 bits at will.
        return family !== 0 && this.#setWords(at, first, second);
      case "network":
        if (family === 4) return this.#setWords(at, first >>> 8, 0);
        return family === 6 && this.#setWords(at, first, second >>> 16);
      case "asn":
        return subject.asn !== 0 && this.#setWords(at, subject.asn, 0);
      case "country":
      case "ja4":
      case "session":
      case "route":
        return this.#setText(at, subject[part]);
      default:
        return unreachable(part);
    }
  }

  #setWords(at: number, first: number, second: number): true {
    this.#hashes[at] = mixPair(mixPair(1, first), second);
    this.#hashes[at + 1] = mixPair(mixPair(2, first), second);
    return true;
  }

  #setText(at: number, text: string): boolean {
    if (text === "") return false;
    this.#hashes[at] = hashText(text, 1);
    this.#hashes[at + 1] = hashText(text, 2);
    return true;
  }
}
