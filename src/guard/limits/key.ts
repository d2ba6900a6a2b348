/** Under which 64-bit key a request is counted. Keys are hashes: nothing that is sent or stored names a client. */
import { hashText, mixPair } from "../../sketches/hash.ts";
import { unreachable } from "../../shared/assert.ts";
import type { SessionSource } from "../../policy/limits.ts";
import { cookiesNamed, readCookieValue } from "../cookies.ts";
import type { RequestFacts } from "../facts.ts";
import type { LimitKey } from "./local-table.ts";
import { partAt, PLACES, SESSION_PLACE, type LimitRule, type SubjectPart } from "./rule.ts";

/** What a key may be made of. */
export type LimitSubject = Pick<RequestFacts, "address" | "place" | "ja4" | "header">;

/**
 * The keys of one request. Twenty rules count by the same few parts, so each part is hashed once per request. One for all
 * requests: `begin`, then `read` for each rule, then `key`, which the next `read` writes over.
 */
export class LimitKeys {
  readonly key: LimitKey = new Uint32Array(2);
  #subject: LimitSubject | null = null;
  #sources: readonly SessionSource[] = [];
  /** Two hashes of each part, with different seeds: 64 bits between them. */
  readonly #hashes = new Uint32Array(2 * PLACES);
  /** A bit for each part: whether its hashes are this request's, and whether there was anything to hash. */
  #hashed = 0;
  #known = 0;

  /** Where sessions are found is the policy's. Nothing happens when it is this subject's turn already. */
  begin(subject: LimitSubject, sources: readonly SessionSource[]): void {
    if (this.#subject === subject) return;
    this.#subject = subject;
    this.#sources = sources;
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
      if (this.#hash(place)) this.#known |= bit;
    }
    return (this.#known & bit) !== 0;
  }

  #hash(place: number): boolean {
    const subject = this.#subject;
    if (subject === null) return false;
    const part = partAt(place);
    if (part !== undefined) return this.#hashPart(part, subject, 2 * place);
    const source = this.#sources[place - SESSION_PLACE];
    return source !== undefined && this.#setText(2 * place, sessionOf(subject, source));
  }

  #hashPart(part: SubjectPart, subject: LimitSubject, at: number): boolean {
    switch (part) {
      case "address":
      case "network":
        return this.#setAddress(at, subject.address, part === "network");
      case "asn": {
        const { asn } = subject.place();
        return asn !== null && this.#setWords(at, 0, asn, 0);
      }
      case "country":
        return this.#setText(at, subject.place().country);
      case "ja4":
        return this.#setText(at, subject.ja4());
      default:
        return unreachable(part);
    }
  }

  /** An IPv6 host changes its lower 64 bits at will; its network is a /48, an IPv4 host's a /24. */
  #setAddress(at: number, address: LimitSubject["address"], isNetwork: boolean): boolean {
    if (address === null) return false;
    const { family, words } = address;
    const first = words[0] ?? 0;
    const second = words[1] ?? 0;
    if (family === 4) return this.#setWords(at, family, isNetwork ? first >>> 8 : first, 0);
    return this.#setWords(at, family, first, isNetwork ? second >>> 16 : second);
  }

  #setWords(at: number, seed: number, first: number, second: number): true {
    this.#hashes[at] = mixPair(mixPair(seed, first), second);
    this.#hashes[at + 1] = mixPair(mixPair(~seed, first), second);
    return true;
  }

  #setText(at: number, text: string | null): boolean {
    if (text === null || text === "") return false;
    this.#hashes[at] = hashText(text, 1);
    this.#hashes[at + 1] = hashText(text, 2);
    return true;
  }
}

/** However it is spelt: whoever could spell one session in many ways would have as many quotas. */
function sessionOf(subject: LimitSubject, source: SessionSource): string | null {
  if ("header" in source) return readCredential(subject.header(source.header));
  const [first = null, ...others] = cookiesNamed(source.cookie, subject.header("cookie"));
  if (first === null) return null;
  const session = readCookieValue(first);
  return others.every((other) => readCookieValue(other) === session) ? session : severalOf(subject);
}

/**
 * Which of several cookies the app takes is not known here: with one that is made up beside their own, anybody would have a fresh
 * quota for each request. So all that one client sends in that way is one session.
 */
const severalOf = ({ address }: LimitSubject): string =>
  `${SEVERAL}${address === null ? "" : address.words.slice(0, address.family === 4 ? 1 : 2).join(".")}`;

/** No value of a cookie: it has a character that ends one. */
const SEVERAL = "several;";

/** `Bearer` has no capitals of its own, nor a number of spaces; what comes after it has. */
function readCredential(text: string | null): string | null {
  const scheme = text === null ? null : /^([a-z]{1,20})[ \t]+/i.exec(text);
  if (text === null || scheme === null) return text;
  return `${scheme[1]?.toLowerCase() ?? ""} ${text.slice(scheme[0].length)}`;
}
