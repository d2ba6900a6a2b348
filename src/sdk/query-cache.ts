/**
 * Results of reads, shared through Redis while the database is in trouble. One asks for all: who finds nothing takes a lock and asks
 * the database, the others wait a moment for what it finds. Redis in trouble costs one short wait, then it is left alone for a while;
 * whatever goes wrong in here, the query is asked.
 */
import { within } from "../guard/deadline.ts";
import { sha256Hex } from "../shared/ids.ts";
import { plainSql } from "../shared/sql-text.ts";
import { decodeRows, encodeRows } from "./cached-rows.ts";
import type { WaitUntil } from "./policy-view.ts";
import type { Row } from "./sql.ts";

/** Upstash's client, as far as it is used. */
export type CacheStore = {
  readonly get: (key: string) => Promise<unknown>;
  readonly set: (
    key: string,
    value: string,
    options: { readonly px: number } | { readonly px: number; readonly nx: true },
  ) => Promise<unknown>;
  readonly del: (key: string) => Promise<unknown>;
};

export const STORE_DEADLINE_MS = 300;
/** After Redis failed nobody asks it for this long. */
export const REST_MS = 1_000;
/** Whoever asks the database for all has this long; after it another may. */
export const LOCK_MS = 5_000;
/** The others look again this often, and this many times, before they ask for themselves. */
export const LOOK_EVERY_MS = 50;
export const LOOKS_MAX = 10;
/** A result is asked for anew somewhere in this last part of its time, so that not all end at once. */
export const EARLY_SHARE = 0.2;

export type CacheTerms = { readonly ttlMs: number; readonly valueBytesMax: number };

export type Lookup = {
  readonly key: string;
  /** What was read before this is not given: the session has written since. Null for any. */
  readonly notBeforeMs: number | null;
  readonly ask: () => Promise<readonly Row[]>;
};

export type CacheContext = {
  readonly store: CacheStore;
  readonly terms: CacheTerms;
  readonly waitUntil: WaitUntil;
};

export class QueryCache {
  readonly #random: () => number;
  #restsUntilMs = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The rows, from Redis or from `ask`. Throws only what `ask` throws. */
  async rows(lookup: Lookup, context: CacheContext): Promise<readonly Row[]> {
    const { store } = context;
    const found = await this.#find(store, lookup);
    if (found?.state === "fresh") return found.rows;
    if (found?.state === "unkept") return lookup.ask();
    if (await this.#lead(store, lookup.key)) return this.#askForAll(lookup, context);
    return found?.rows ?? (await this.#follow(store, lookup)) ?? lookup.ask();
  }

  async #askForAll({ key, ask }: Lookup, context: CacheContext): Promise<readonly Row[]> {
    const askedAtMs = Date.now();
    try {
      const rows = await ask();
      context.waitUntil(this.#keep(context, { key, rows, askedAtMs }));
      return rows;
    } catch (error) {
      // The next one need not wait for a lock whose holder has failed.
      context.waitUntil(this.#asking(context.store.del(lockOf(key))));
      throw error;
    }
  }

  async #find(store: CacheStore, { key, notBeforeMs }: Lookup): Promise<Found | null> {
    if (this.#isResting()) return null;
    const value = await this.#asking(store.get(key));
    if (typeof value !== "string") return null;
    return readFound(value, { nowMs: Date.now(), notBeforeMs });
  }

  /** True for whoever is to ask the database; with Redis in trouble that is everybody. */
  async #lead(store: CacheStore, key: string): Promise<boolean> {
    if (this.#isResting()) return true;
    const taken = await this.#asking(store.set(lockOf(key), "1", { px: LOCK_MS, nx: true }));
    return taken !== null || this.#isResting();
  }

  async #follow(store: CacheStore, lookup: Lookup): Promise<readonly Row[] | null> {
    for (let look = 0; look < LOOKS_MAX && !this.#isResting(); look += 1) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      const found = await this.#find(store, lookup);
      if (found !== null) return found.state === "unkept" ? null : found.rows;
    }
    return null;
  }

  /** What is too large or not to be carried is marked as such, or everybody would wait for it in vain. The lock has done its work. */
  async #keep(
    { store, terms }: CacheContext,
    given: { readonly key: string; readonly rows: readonly Row[]; readonly askedAtMs: number },
  ): Promise<void> {
    if (this.#isResting()) return;
    const encoded = encodeRows(given.rows);
    const isKept =
      encoded !== null && new TextEncoder().encode(encoded).length <= terms.valueBytesMax;
    const freshMs = terms.ttlMs * (1 - EARLY_SHARE * this.#random());
    const untilMs = Math.floor(given.askedAtMs + freshMs);
    const value = `${FORMAT}:${given.askedAtMs}:${untilMs}:${isKept ? encoded : ""}`;
    await this.#asking(store.set(given.key, value, { px: terms.ttlMs }));
    await this.#asking(store.del(lockOf(given.key)));
  }

  #isResting(): boolean {
    return Date.now() < this.#restsUntilMs;
  }

  /** Null when Redis fails or takes too long. */
  async #asking<T>(command: Promise<T>): Promise<T | null> {
    try {
      const answer = await within(command, STORE_DEADLINE_MS, LATE);
      if (answer !== LATE) return answer;
    } catch {
      // Said by the rest that it is given.
    }
    this.#restsUntilMs = Date.now() + REST_MS;
    return null;
  }
}

const LATE = Symbol("late");
/** No client takes text that begins so for JSON. */
const FORMAT = "firebreak1";

type Found =
  | { readonly state: "fresh" | "ageing"; readonly rows: readonly Row[] }
  | { readonly state: "unkept"; readonly rows: null };

function readFound(
  value: string,
  { nowMs, notBeforeMs }: { readonly nowMs: number; readonly notBeforeMs: number | null },
): Found | null {
  const [, asked, until, encoded = ""] = /^firebreak1:(\d+):(\d+):([^]*)$/.exec(value) ?? [];
  if (until === undefined) return null;
  if (encoded === "") return { state: "unkept", rows: null };
  if (notBeforeMs !== null && Number(asked) <= notBeforeMs) return null;
  const rows = decodeRows(encoded);
  return rows === null ? null : { state: nowMs < Number(until) ? "fresh" : "ageing", rows };
}

const lockOf = (key: string): string => `${key}:lock`;

/**
 * Where a query's result is kept; null when its parameters are of a kind that cannot be told apart as text. `namespace` keeps
 * databases apart that share a Redis. Values are in it only as a hash.
 */
export function keyOf(namespace: string, text: string, params: readonly unknown[]): string | null {
  const isPlain = params.every(
    (param) =>
      param === null ||
      param instanceof Date ||
      ["string", "number", "boolean"].includes(typeof param),
  );
  if (!isPlain) return null;
  const parts = [namespace, plainSql(text), JSON.stringify(params.map(typed))];
  return `firebreak:query:${sha256Hex(parts.map((part) => `${part.length}:${part}`).join(""))}`;
}

/** `1` and `"1"` may be different questions. */
const typed = (param: unknown): readonly [string, unknown] => [typeof param, param];
