/**
 * How clients use what there is, as one isolate sees it: different ids of one route, 4xx answers, paths that only scanners ask for. Each
 * client has a slot of a table that never grows; of most clients nothing is ever told. Told is who does a lot of it, with hashes in place of
 * paths. Only requests that production answered count: who is turned away does no more harm, and shows elsewhere.
 */
import { hashText, mix32 } from "../sketches/hash.ts";
import {
  CONDUCT_CLIENTS_MAX,
  CONDUCT_PATHS_MAX,
  CONDUCT_SECONDS,
  type ConductReport,
} from "../traffic/traffic-api.ts";
import type { RequestFacts } from "./facts.ts";
import { networkName } from "./ip/network-name.ts";
import { isScannerPath } from "./scanner-paths.ts";

/** Clients that an isolate keeps an eye on. A power of two. */
export const SLOTS = 512;
/** Within the minute, from which a client is told of: ids of one route, 4xx answers, or scanners' paths. */
export const TOLD_FROM = { ids: 8, clientErrors: 8, scannerPaths: 2 } as const;
const WORDS = 2 * CONDUCT_PATHS_MAX;

/** What pages load by themselves. A product's pictures are many ids, and nobody's enumeration. */
const ASSET = /\.(?:css|m?js|map|png|jpe?g|gif|webp|avif|svg|ico|woff2?|ttf|mp4|webm)$/i;

export class Conduct {
  /** Of the client in each slot; 0: free. */
  readonly #keys = new Uint32Array(SLOTS);
  /** How often others may still come by before the slot is one of theirs. */
  readonly #holds = new Uint32Array(SLOTS);
  readonly #sinceSecond = new Uint32Array(SLOTS);
  /** Since `#sinceSecond`: what makes somebody told of. */
  readonly #ids = new Uint32Array(SLOTS);
  readonly #errors = new Uint32Array(SLOTS);
  readonly #scans = new Uint32Array(SLOTS);
  /** Since it was last told. */
  readonly #fresh = [0, 1, 2].map(() => new Uint32Array(SLOTS));
  /** Pairs of a template's and a path's hash, not told yet; the oldest give way. */
  readonly #paths = new Uint32Array(SLOTS * WORDS);
  readonly #pathsSeen = new Uint32Array(SLOTS);
  /** By slot: the client's name once it is told of; empty: a bot that Cloudflare has verified, which is not. */
  readonly #told = new Map<number, string>();
  #requests = 0;
  #clientErrors = 0;

  /** Bytes held; it never changes, but for at most `SLOTS` names. */
  get byteLength(): number {
    return (7 + this.#fresh.length) * 4 * SLOTS + this.#paths.byteLength;
  }

  /** One request that production answered below 500. `client` and `template` are unsigned words; 0 is a client that is not known. */
  note(client: number, template: number, answer: { readonly status: number }, seen: Seen): void {
    const isError = answer.status >= 400;
    this.#requests += 1;
    if (isError) this.#clientErrors += 1;
    if (client === 0) return;
    const second = Math.floor(seen.nowMs / 1_000);
    const slot = this.#slotOf(client, second);
    if (slot === NO_SLOT) return;
    const { path } = seen.facts;
    const [requests, errors, scans] = this.#fresh;
    bump(requests, slot);
    if (isError) {
      bump(errors, slot);
      bump(this.#errors, slot);
    }
    if (isScannerPath(path)) {
      bump(scans, slot);
      bump(this.#scans, slot);
    }
    this.#notePath(slot, template, path);
    if (!this.#told.has(slot) && this.#isTold(slot)) this.#told.set(slot, nameOf(seen.facts));
  }

  /** What is to be told since the last time. */
  cut(): ConductReport {
    const [requests, errors, scans] = this.#fresh;
    const clients = [...this.#told]
      .filter(([slot, name]) => name !== "" && (requests?.[slot] ?? 0) > 0)
      .toSorted(([a], [b]) => this.#weight(b) - this.#weight(a))
      .slice(0, CONDUCT_CLIENTS_MAX)
      .map(([slot, client]) => {
        const kept = Math.min(this.#pathsSeen[slot] ?? 0, CONDUCT_PATHS_MAX);
        const report = {
          client,
          requests: requests?.[slot] ?? 0,
          clientErrors: errors?.[slot] ?? 0,
          scannerPaths: scans?.[slot] ?? 0,
          paths: this.#paths.slice(slot * WORDS, slot * WORDS + 2 * kept),
        };
        for (const counts of this.#fresh) counts[slot] = 0;
        this.#pathsSeen[slot] = 0;
        return report;
      });
    const all = { requests: this.#requests, clientErrors: this.#clientErrors };
    this.#requests = 0;
    this.#clientErrors = 0;
    return { ...all, clients };
  }

  /** The client's own, or one that whoever had it has worn out or left. */
  #slotOf(client: number, second: number): number {
    const slot = mix32(client) & (SLOTS - 1);
    if (this.#keys[slot] === client) {
      if (second - (this.#sinceSecond[slot] ?? 0) >= CONDUCT_SECONDS) this.#begin(slot, second);
      bump(this.#holds, slot);
      return slot;
    }
    const holds = this.#holds[slot] ?? 0;
    if (holds > 0 && second - (this.#sinceSecond[slot] ?? 0) < CONDUCT_SECONDS) {
      this.#holds[slot] = holds - 1;
      return NO_SLOT;
    }
    this.#keys[slot] = client;
    for (const counts of this.#fresh) counts[slot] = 0;
    this.#pathsSeen[slot] = 0;
    this.#begin(slot, second);
    return slot;
  }

  /** A new minute. What was not told yet still may be. */
  #begin(slot: number, second: number): void {
    this.#sinceSecond[slot] = second;
    this.#holds[slot] = 1;
    this.#ids[slot] = 0;
    this.#errors[slot] = 0;
    this.#scans[slot] = 0;
    this.#told.delete(slot);
  }

  /** A path that was not asked for since the last report is an id where one of its template was. */
  #notePath(slot: number, template: number, path: string): void {
    const hash = hashText(path);
    const from = slot * WORDS;
    const seen = this.#pathsSeen[slot] ?? 0;
    const until = from + 2 * Math.min(seen, CONDUCT_PATHS_MAX);
    let isOfKnownRoute = false;
    for (let at = from; at < until; at += 2) {
      if (this.#paths[at] !== template) continue;
      if (this.#paths[at + 1] === hash) return;
      isOfKnownRoute = true;
    }
    if (ASSET.test(path)) return;
    const at = from + 2 * (seen % CONDUCT_PATHS_MAX);
    this.#paths[at] = template;
    this.#paths[at + 1] = hash;
    this.#pathsSeen[slot] = seen + 1;
    if (isOfKnownRoute) bump(this.#ids, slot);
  }

  #isTold(slot: number): boolean {
    return this.#weight(slot) >= 1;
  }

  #weight(slot: number): number {
    return Math.max(
      (this.#ids[slot] ?? 0) / TOLD_FROM.ids,
      (this.#errors[slot] ?? 0) / TOLD_FROM.clientErrors,
      (this.#scans[slot] ?? 0) / TOLD_FROM.scannerPaths,
    );
  }
}

type Seen = { readonly facts: RequestFacts; readonly nowMs: number };

const NO_SLOT = -1;

function bump(counts: Uint32Array | undefined, slot: number): void {
  if (counts !== undefined) counts[slot] = (counts[slot] ?? 0) + 1;
}

/** Asked once for a client that stands out, because to ask Cloudflare's view of it costs more than all that is counted here. */
const nameOf = (facts: RequestFacts): string =>
  facts.address === null || facts.isVerifiedBot() ? "" : networkName(facts.address, 32, 64);
