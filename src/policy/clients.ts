/** Which clients an entry means: by network, by the number of the network's operator, by country. */
import * as z from "zod/mini";
import { CIDR_CHARS_MAX, parseCidr, type Cidr } from "../guard/ip/cidr.ts";
import { ASN_MAX, isCountry } from "../guard/ip/number-set.ts";
import { assert } from "../shared/assert.ts";

/** Of one entry. */
export const MATCH_NETWORKS_MAX = 1_000;
export const MATCH_ASNS_MAX = 256;
export const MATCH_COUNTRIES_MAX = 256;
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

/** One or more of the three; a client that any of them names is meant. */
export const clientMatch = {
  networks: z.optional(networkTexts),
  asns: z.optional(asns),
  countries: z.optional(countries),
} as const;

export type ClientMatch = {
  readonly networks: readonly Cidr[];
  readonly asns: readonly number[];
  readonly countries: readonly string[];
};

/** Of what `networkText` has accepted. */
export function networkOf(text: string): Cidr {
  const parsed = parseCidr(text);
  assert(parsed.ok, "a network that was checked is one");
  return parsed.value;
}
