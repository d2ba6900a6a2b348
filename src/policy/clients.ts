/** Which clients an entry means: by network, by the number of the network's operator, by country, by the TLS hello's fingerprint. */
import * as z from "zod/mini";
import { CIDR_CHARS_MAX, parseCidr, type Cidr } from "../guard/ip/cidr.ts";
import { ASN_MAX, isCountry, isJa4 } from "../guard/ip/number-set.ts";
import { assert } from "../shared/assert.ts";

/** Of one entry. */
export const MATCH_NETWORKS_MAX = 1_000;
export const MATCH_ASNS_MAX = 256;
export const MATCH_COUNTRIES_MAX = 256;
export const MATCH_JA4S_MAX = 256;
/**
 * Of all entries of one policy, the site's allowlist not counted. Each isolate compiles them when it takes a policy over, and a
 * fresh one, whose code is cold, needs some 10 µs for each.
 */
export const POLICY_NETWORKS_MAX = 2_000;

/** A network as people write it; the refusal says what is wrong with it. */
export const networkText = z.string().check(z.maxLength(CIDR_CHARS_MAX), (ctx) => {
  const parsed = parseCidr(ctx.value);
  if (parsed.ok) return;
  const message = `${ctx.value} ${parsed.error}`;
  ctx.issues.push({ code: "custom", message, input: ctx.value });
});

export const networkTexts = z
  .array(networkText)
  .check(z.minLength(1), z.maxLength(MATCH_NETWORKS_MAX));

const asns = z
  .array(z.int().check(z.minimum(1), z.maximum(ASN_MAX)))
  .check(z.minLength(1), z.maxLength(MATCH_ASNS_MAX));
const countries = z
  .array(z.string().check(z.refine(isCountry, "write two capital letters, or T1 for Tor")))
  .check(z.minLength(1), z.maxLength(MATCH_COUNTRIES_MAX));

const ja4s = z
  .array(
    z.string().check(z.refine(isJa4, "write a JA4 such as t13d1516h2_8daaf6152771_b0da82dd1658")),
  )
  .check(z.minLength(1), z.maxLength(MATCH_JA4S_MAX));

/** One or more of these; a client that any of them names is meant. */
export const clientMatch = {
  networks: z.optional(networkTexts),
  asns: z.optional(asns),
  countries: z.optional(countries),
  ja4s: z.optional(ja4s),
  /** There are networks of this entry, under its id, in the policy's table; see blobs.ts. */
  listed: z.optional(z.literal(true)),
} as const;

/** What is wrong with a match that names nobody, for it would mean everyone. */
export const NAMES_NOBODY = "name networks, asns, countries or ja4s";

export const namesSomebody = (match: {
  readonly [key in keyof typeof clientMatch]?: unknown;
}): boolean => Object.keys(clientMatch).some((key) => Reflect.get(match, key) !== undefined);

export type ClientMatch = {
  readonly networks: readonly Cidr[];
  readonly asns: readonly number[];
  readonly countries: readonly string[];
  readonly ja4s: readonly string[];
  readonly isListed: boolean;
};

/** Of what `networkText` has accepted. */
export function networkOf(text: string): Cidr {
  const parsed = parseCidr(text);
  assert(parsed.ok, "a network that was checked is one");
  return parsed.value;
}
