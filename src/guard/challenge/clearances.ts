/** Clearances as cookies: minted when a challenge is met, and read without a second look at the signature. */
import type { RequestLike } from "../facts.ts";
import { CLEARANCE_COOKIE, mintToken, verifyToken, type SigningKey } from "../signed.ts";
import { BoundedMap } from "./bounded-map.ts";
import {
  browserOf,
  NO_CLEARANCE,
  NO_KEY,
  readSubject,
  subjectOf,
  WAITED_CLEARANCE_SECONDS_MAX,
  type Clearance,
  type Price,
} from "./clearance.ts";
import type { ChallengeClaims } from "./issue.ts";

/** Cookies whose signature this isolate remembers to be right: some 300 bytes each. */
export const KNOWN_COOKIES_MAX = 2_000;

type Known = {
  readonly endsAtMs: number;
  readonly instance: string;
  readonly browser: string;
  readonly clearance: Clearance;
};

export class Clearances {
  readonly #keys: readonly SigningKey[];
  readonly #known = new BoundedMap<Known>(KNOWN_COOKIES_MAX);

  constructor(keys: readonly SigningKey[]) {
    this.#keys = keys;
  }

  /** What the bearer of this cookie has paid; none for whatever is wrong with it. At once for a cookie that was here before. */
  read(
    cookie: string | null,
    { headers }: RequestLike,
    { instance, nowMs }: { readonly instance: string | null; readonly nowMs: number },
  ): Clearance | Promise<Clearance> {
    if (this.#keys.length === 0) return NO_KEY;
    if (cookie === null) return NO_CLEARANCE;
    const browser = browserOf(headers.get("user-agent") ?? "");
    const known = this.#known.get(cookie, nowMs);
    if (known === null) return this.#verify(cookie, browser, instance, nowMs);
    const isTheirs = known.browser === browser && (instance ?? known.instance) === known.instance;
    return isTheirs ? known.clearance : NO_CLEARANCE;
  }

  async #verify(
    cookie: string,
    browser: string,
    instance: string | null,
    nowMs: number,
  ): Promise<Clearance> {
    const wanted = { keys: this.#keys, kind: "clearance", instance, nowMs } as const;
    const verified = await verifyToken(cookie, wanted);
    const read = verified.ok ? readSubject(verified.value.sub) : null;
    if (!verified.ok || read === null) return NO_CLEARANCE;
    const clearance: Clearance = { kind: "paid", price: read.price };
    this.#known.set(cookie, {
      endsAtMs: verified.value.exp,
      instance: verified.value.instance,
      browser: read.browser,
      clearance,
    });
    return read.browser === browser ? clearance : NO_CLEARANCE;
  }
}

/**
 * `Set-Cookie` for who met this challenge, and how long it holds. Counted from the challenge's own end, so that meeting the same
 * one again, in whichever isolate, gives the same cookie and nothing more.
 */
export async function clearanceCookie(
  key: SigningKey,
  { instance, exp, clearanceSeconds }: ChallengeClaims,
  { price, userAgent }: { readonly price: Price; readonly userAgent: string },
): Promise<{ readonly setCookie: string; readonly seconds: number }> {
  const isWaited = price.way === "wait";
  const seconds = isWaited
    ? Math.min(clearanceSeconds, WAITED_CLEARANCE_SECONDS_MAX)
    : clearanceSeconds;
  const token = await mintToken(key, {
    instance,
    kind: "clearance",
    sub: subjectOf(price, browserOf(userAgent)),
    exp: exp + seconds * 1_000,
  });
  const setCookie = `${CLEARANCE_COOKIE}=${token}; Max-Age=${seconds}; Path=/; Secure; HttpOnly; SameSite=Lax`;
  return { setCookie, seconds };
}
