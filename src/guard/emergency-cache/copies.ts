/**
 * Copies of production's answers in the location's cache. A copy belongs to the entry that it was kept under: when the lease
 * ends nobody asks for it any more, so that releasing the lease throws all its copies away.
 */
import type { KnownEntry } from "../../policy/kinds.ts";
import type { GuardSettings } from "../../policy/policy.ts";
import { within } from "../deadline.ts";
import type { RequestFacts } from "../facts.ts";
import { matchesRoute } from "../routes.ts";
import { COPY_BYTES_MAX, sharingOf } from "./shareable.ts";

export const FIND_DEADLINE_MS = 100;
/** After the cache was late, nobody waits for it for this long. */
export const QUIET_MS = 1_000;
export const KEEP_DEADLINE_MS = 10_000;
/** Bodies that one isolate reads at a time to keep them, which bounds its memory; the rest are kept another time. */
export const KEEPS_MAX = 16;
/** How long a copy answers by itself, unless its entry says otherwise. */
export const FRESH_SECONDS = 300;
/** Longer than any outage that a copy should bridge; the entry usually ends before. */
export const KEPT_SECONDS = 86_400;
/** Longer URLs are somebody trying things out. */
export const URL_CHARS_MAX = 2_000;

/** Under which entry, and for how long its copies count as fresh. */
export type Scope = {
  readonly entryId: string;
  readonly freshMs: number;
  readonly isPublicRoute: boolean;
};

/** `cache` is in force for this request. */
export const scopeOf = (
  cache: KnownEntry,
  { path }: Pick<RequestFacts, "path">,
  { emergencyCache }: Pick<GuardSettings, "emergencyCache">,
): Scope => ({
  entryId: cache.entry.id,
  freshMs: (cache.freshSeconds ?? FRESH_SECONDS) * 1_000,
  isPublicRoute: emergencyCache.publicRoutes.some((route) => matchesRoute(path, route)),
});

export type Copy = {
  /** A GET's answer, its body unread. */
  readonly response: Response;
  readonly keptAtMs: number;
};

export type Copies = {
  /** Null when there is none, or not in time. Rejects when the cache fails. */
  find(request: Request, scope: Scope): Promise<Copy | null>;
  /** Keeps a copy if everybody may be given it; reads half of the answer's split body. Rejects when the cache fails. */
  keep(request: Request, response: Response, scope: Scope): Promise<void>;
};

const LATE = Symbol("late");
const KEPT_AT_HEADER = "x-firebreak-kept-at-ms";
const VARY_NAMES_HEADER = "x-firebreak-vary";
/** What production said in these is put aside, because the cache goes by ours, and given back in the answer. */
const PUT_ASIDE = ["cache-control", "vary"] as const;
const ASIDE = "x-firebreak-aside-";

/** `identity` tells two instances apart that share a zone's cache. Where there is no Cache API this misses always. */
export function locationCopies(identity: string, open: () => Cache): Copies {
  let quietUntilMs = 0;
  /** By key, until when at the latest: the runtime may drop what goes on after an answer without a word. */
  const keeping = new Map<string, number>();
  return {
    async find(request, { entryId }) {
      const nowMs = Date.now();
      if (request.url.length > URL_CHARS_MAX || nowMs < quietUntilMs) return null;
      const lookingUp = lookUp(request, keyOf(identity, entryId, request), open());
      const found = await within(lookingUp, FIND_DEADLINE_MS, LATE);
      if (found !== LATE) return found;
      quietUntilMs = nowMs + FIND_DEADLINE_MS + QUIET_MS;
      return null;
    },
    // Not async: an answer that may not be kept is left alone, and its body unsplit.
    keep(request, response, { entryId, isPublicRoute }) {
      const nowMs = Date.now();
      const isOurs = request.method === "GET" && request.url.length <= URL_CHARS_MAX;
      const sharing = isOurs ? sharingOf(response, { isPublicRoute, nowMs }) : null;
      if (sharing === null) return Promise.resolve();
      const key = keyOf(identity, entryId, request);
      for (const [kept, untilMs] of keeping) if (untilMs <= nowMs) keeping.delete(kept);
      if (keeping.has(key) || keeping.size >= KEEPS_MAX) return Promise.resolve();
      const { varyNames } = sharing;
      const putting = put(response.clone(), { request, key, varyNames, cache: open() });
      keeping.set(key, nowMs + KEEP_DEADLINE_MS);
      return putting.finally(() => keeping.delete(key));
    },
  };
}

type Place = {
  readonly request: Request;
  readonly key: string;
  readonly varyNames: readonly string[];
  readonly cache: Cache;
};

async function put(response: Response, { request, key, varyNames, cache }: Place): Promise<void> {
  const nowMs = Date.now();
  const body = await wholeBody(response);
  if (body === null) return;
  const copy = new Response(body, { headers: keptHeaders(response.headers, nowMs) });
  if (varyNames.length === 0) return cache.put(key, copy);
  const names = varyNames.join(",");
  await cache.put(await variantKey(key, names, request), copy);
  // Second, so that whoever follows it finds something.
  const headers = { "cache-control": `max-age=${KEPT_SECONDS}`, [VARY_NAMES_HEADER]: names };
  await cache.put(key, new Response(null, { headers }));
}

/** The answer to a visitor. Stale is what production could not renew: nobody downstream should keep that. */
export function answerFrom(
  { method }: Request,
  { response, keptAtMs }: Copy,
  { isStale, nowMs }: { readonly isStale: boolean; readonly nowMs: number },
): Response {
  const headers = new Headers(response.headers);
  for (const name of PUT_ASIDE) {
    const own = headers.get(ASIDE + name);
    headers.delete(ASIDE + name);
    if (own === null) headers.delete(name);
    else headers.set(name, own);
  }
  if (isStale) headers.set("cache-control", "no-store");
  headers.set("age", String(Math.max(0, Math.floor((nowMs - keptAtMs) / 1_000))));
  // RFC 9211: says that this is a copy, to whoever wonders.
  headers.set("cache-status", isStale ? "firebreak; hit; fwd=stale" : "firebreak; hit");
  for (const name of [KEPT_AT_HEADER, "cf-cache-status"]) headers.delete(name);
  if (method !== "HEAD") return new Response(response.body, { headers });
  drop(response);
  return new Response(null, { headers });
}

/** Closes a body that nobody will read. */
export function drop(response: Response): void {
  response.body?.cancel().catch(() => undefined);
}

async function lookUp(request: Request, key: string, cache: Cache): Promise<Copy | null> {
  const first = await cache.match(key);
  const names = first?.headers.get(VARY_NAMES_HEADER) ?? null;
  const response =
    names === null ? first : await cache.match(await variantKey(key, names, request));
  const keptAtMs = Number(response?.headers.get(KEPT_AT_HEADER) ?? Number.NaN);
  return response === undefined || !Number.isFinite(keptAtMs) ? null : { response, keptAtMs };
}

/** The host is nobody's, so that no visitor's URL ever finds it. The URL is taken as it was asked, query and all. */
const keyOf = (identity: string, entryId: string, { url }: Request): string =>
  `https://copies.firebreak.invalid/${[identity, entryId, url].map(encodeURIComponent).join("/")}`;

async function variantKey(key: string, names: string, { headers }: Request): Promise<string> {
  const values = names.split(",").map((name) => headers.get(name));
  const bytes = new TextEncoder().encode(JSON.stringify([names, values]));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `${key}?v=${[...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Of one connection, or of a body that is coded; or older than the copy is. */
const NOT_KEPT = ["content-encoding", "content-length", "connection", "keep-alive", "age"];

function keptHeaders(original: Headers, nowMs: number): Headers {
  const headers = new Headers(original);
  for (const name of NOT_KEPT) headers.delete(name);
  for (const name of PUT_ASIDE) {
    const own = original.get(name);
    if (own !== null) headers.set(ASIDE + name, own);
    headers.delete(name);
  }
  headers.set("cache-control", `max-age=${KEPT_SECONDS}`);
  headers.set(KEPT_AT_HEADER, String(nowMs));
  return headers;
}

/** Null when it is larger than a copy may be, or does not end in time. */
async function wholeBody(response: Response): Promise<Uint8Array | null> {
  if (response.body === null) return new Uint8Array();
  const reader = response.body.getReader();
  const whole = await within(readAll(reader), KEEP_DEADLINE_MS, null);
  // Not awaited: the other half of a split body may still be on its way to the visitor.
  if (whole === null) reader.cancel().catch(() => undefined);
  return whole;
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
    if (bytes > COPY_BYTES_MAX) return null;
    chunks.push(value);
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
