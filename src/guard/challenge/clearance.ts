/**
 * What a client has paid, and whether that is enough. A clearance is bound to what was paid and to the kind of browser, not to
 * the address, which phones change at every corner; and not to one entry, because a browser keeps one cookie, and two entries
 * that each wanted their own would send it back and forth for ever. For the same reason what is paid is one number: more always
 * stands for less, so that paying ends.
 */
import type { ChallengeTerms } from "../../policy/challenge.ts";

/** Who waited is let through for less long: waiting costs a machine nothing. */
export const WAITED_CLEARANCE_SECONDS_MAX = 600;

export type Price =
  | { readonly way: "work"; readonly difficulty: number }
  | { readonly way: "turnstile" }
  | { readonly way: "wait"; readonly seconds: number };

/** `unavailable`: without a signing key nobody can be challenged at all. */
export type Clearance =
  | { readonly kind: "none" }
  | { readonly kind: "unavailable" }
  | { readonly kind: "paid"; readonly price: Price };

export const NO_CLEARANCE: Clearance = { kind: "none" };
export const NO_KEY: Clearance = { kind: "unavailable" };

/** Work is always enough where Turnstile is asked for: it is what is left when Turnstile is down. */
export function isPaid(clearance: Clearance, terms: ChallengeTerms): boolean {
  if (clearance.kind !== "paid") return false;
  const { price } = clearance;
  switch (price.way) {
    case "turnstile":
      return true;
    case "work":
      return price.difficulty >= terms.difficulty;
    case "wait":
      return terms.waitSeconds > 0 && price.seconds >= terms.waitSeconds;
  }
}

/** `work-14/firefox-mobile`, as a clearance token's `sub`. */
export const subjectOf = (price: Price, browser: string): string => `${amountOf(price)}/${browser}`;

function amountOf(price: Price): string {
  switch (price.way) {
    case "turnstile":
      return "turnstile";
    case "work":
      return `work-${price.difficulty}`;
    case "wait":
      return `wait-${price.seconds}`;
  }
}

const SUBJECT = /^(?:(turnstile)|(work|wait)-(\d{1,3}))\/([a-z]+-[a-z]+)$/;

/** The other way round; null for what a later version may have written. */
export function readSubject(
  subject: string,
): { readonly price: Price; readonly browser: string } | null {
  const [, turnstile, way, amount, browser = ""] = SUBJECT.exec(subject) ?? [];
  if (turnstile !== undefined) return { price: { way: "turnstile" }, browser };
  if (way === "work") return { price: { way, difficulty: Number(amount) }, browser };
  if (way === "wait") return { price: { way, seconds: Number(amount) }, browser };
  return null;
}

/** First match wins: nearly every browser claims to be several others too. */
const FAMILIES = [
  ["Edg", "edge"],
  ["OPR/", "opera"],
  ["SamsungBrowser", "samsung"],
  ["Firefox", "firefox"],
  ["FxiOS", "firefox"],
  ["CriOS", "chrome"],
  ["Chrome", "chrome"],
  ["Safari", "safari"],
] as const;

/** `chrome-mobile`: coarse, so that no update of a browser ends a clearance. A price and not an identity: it may be forged. */
export function browserOf(userAgent: string): string {
  const family = FAMILIES.find(([mark]) => userAgent.includes(mark))?.[1] ?? "other";
  return `${family}-${/Mobi|Android/.test(userAgent) ? "mobile" : "desk"}`;
}
