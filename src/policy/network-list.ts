/**
 * Reads lists of networks as files and feeds have them: a network on each line, with comments; a JSON object on each line; or
 * one JSON array. Where a network may stand, so may an operator's number (`AS64500`), a country or a JA4. Text arrives in chunks of any size, so that a list can be decompressed beside it, and reading stops at the
 * first named limit. Every wrong line is reported with its number, and the others are read: what to do about a list that is
 * partly wrong is the caller's decision. Never throws.
 */
import { NETWORKS_MAX } from "../guard/ip/blob.ts";
import { parseCidr, type Cidr } from "../guard/ip/cidr.ts";
import { isAsn, isCountry, isJa4 } from "../guard/ip/number-set.ts";
import { itemOn, quoted, type ListItem } from "./network-list-line.ts";
import { itemsIn } from "./network-list-json.ts";

export const LIST_CHARS_MAX = 64 * 1024 * 1024;
/** A JSON array is parsed as a whole, so it must be smaller. */
export const JSON_CHARS_MAX = 16 * 1024 * 1024;
export const LINE_CHARS_MAX = 2_000;
/** They travel in the policy itself. */
export const KEYS_MAX = 256;
/** Wrong lines beyond these are only counted. */
export const DIAGNOSTICS_MAX = 100;

export type ListedNetwork = Omit<ListItem, "network"> & { readonly network: Cidr };

/** Clients by something else than their address: few, and for as long as the list. */
export type ListedKey = { readonly reason: string | null } & (
  | { readonly kind: "asn"; readonly key: number }
  | { readonly kind: "country" | "ja4"; readonly key: string }
);

/** `line` counts from 1, as editors do. */
export type ListDiagnostic = { readonly line: number; readonly message: string };

export type NetworkList = {
  readonly networks: readonly ListedNetwork[];
  readonly keys: readonly ListedKey[];
  readonly diagnostics: readonly ListDiagnostic[];
  /** All wrong lines, those beyond `DIAGNOSTICS_MAX` included. */
  readonly wrongLines: number;
  /** The limit at which reading stopped; null when the list was read to its end. */
  readonly stoppedBy: string | null;
};

export class NetworkListReader {
  readonly #networks: ListedNetwork[] = [];
  readonly #keys: ListedKey[] = [];
  readonly #diagnostics: ListDiagnostic[] = [];
  #wrongLines = 0;
  #stoppedBy: string | null = null;
  readonly #networksMax: number;
  /** Null while only white space has come. */
  #isArray: boolean | null = null;
  #chars = 0;
  #lines = 0;
  /** What has come and is not read yet. */
  #rest = "";
  /** The line at hand is too long, and what came of it has been dropped. */
  #isDropping = false;

  constructor(networksMax = NETWORKS_MAX) {
    this.#networksMax = networksMax;
  }

  /** Takes the next chunk. False once a limit is reached: nothing more need be sent. */
  push(chunk: string): boolean {
    if (this.#stoppedBy !== null) return false;
    this.#chars += chunk.length;
    this.#rest += chunk;
    this.#isArray ??= beginsArray(chunk);
    const charsMax = this.#isArray === true ? JSON_CHARS_MAX : LIST_CHARS_MAX;
    if (this.#chars > charsMax) this.#stop(`a list has at most ${charsMax} characters`);
    else if (this.#isArray === false) this.#takeLines();
    return !this.#isStopped();
  }

  end(): NetworkList {
    if (!this.#isStopped() && this.#isArray === true) this.#takeArray();
    else if (!this.#isStopped() && (this.#rest !== "" || this.#isDropping)) {
      this.#takeLine(this.#rest);
    }
    this.#rest = "";
    return {
      networks: this.#networks,
      keys: this.#keys,
      diagnostics: this.#diagnostics,
      wrongLines: this.#wrongLines,
      stoppedBy: this.#stoppedBy,
    };
  }

  #takeLines(): void {
    let from = 0;
    while (!this.#isStopped()) {
      const to = this.#rest.indexOf("\n", from);
      if (to === -1) break;
      this.#takeLine(this.#rest.slice(from, to));
      from = to + 1;
    }
    this.#rest = this.#rest.slice(from);
    if (this.#rest.length > LINE_CHARS_MAX) {
      this.#isDropping = true;
      this.#rest = "";
    }
  }

  #takeLine(text: string): void {
    this.#lines++;
    if (this.#isDropping || text.length > LINE_CHARS_MAX) {
      this.#isDropping = false;
      this.#report(this.#lines, `is longer than ${LINE_CHARS_MAX} characters`);
      return;
    }
    const item = itemOn(text);
    if (typeof item === "string") this.#report(this.#lines, item);
    else if (item !== null) this.#take(item, () => this.#lines);
  }

  #takeArray(): void {
    const { items, lineOf } = itemsIn(this.#rest);
    for (const [index, item] of items.entries()) {
      if (this.#isStopped()) return;
      if (typeof item === "string") this.#report(lineOf(index), item);
      else this.#take(item, () => lineOf(index));
    }
  }

  #take(item: ListItem, lineOf: () => number): void {
    const key = keyIn(item);
    if (key !== null) {
      if (item.expiresAtMs !== null) this.#report(lineOf(), `${quoted(item.network)} ${NO_EXPIRY}`);
      else if (this.#keys.length === KEYS_MAX)
        this.#stop(`a list has at most ${KEYS_MAX} ASNs, countries and JA4s`);
      else this.#keys.push(key);
      return;
    }
    const network = parseCidr(item.network);
    if (!network.ok) this.#report(lineOf(), `${quoted(item.network)} ${network.error}`);
    else if (this.#networks.length === this.#networksMax) {
      this.#stop(`a list has at most ${this.#networksMax} networks`);
    } else this.#networks.push({ ...item, network: network.value });
  }

  #report(line: number, message: string): void {
    this.#wrongLines++;
    if (this.#diagnostics.length < DIAGNOSTICS_MAX) this.#diagnostics.push({ line, message });
  }

  #stop(limit: string): void {
    this.#stoppedBy = limit;
    this.#rest = "";
  }

  #isStopped(): boolean {
    return this.#stoppedBy !== null;
  }
}

/** Whether the text is a JSON array; null while it is only white space. A byte order mark is white space to `\s`. */
function beginsArray(text: string): boolean | null {
  const first = /\S/.exec(text)?.[0];
  return first === undefined ? null : first === "[";
}

const NO_EXPIRY = "cannot expire before its list; make a list of its own for it";

/** What is no network and means to be none; null for all else, which is for the parser of networks to judge. */
function keyIn({ network: text, reason }: ListItem): ListedKey | null {
  const [, digits] = /^AS(\d{1,10})$/i.exec(text) ?? [];
  if (digits !== undefined && isAsn(Number(digits))) {
    return { kind: "asn", key: Number(digits), reason };
  }
  if (isCountry(text)) return { kind: "country", key: text, reason };
  return isJa4(text) ? { kind: "ja4", key: text, reason } : null;
}
