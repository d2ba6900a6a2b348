/** Which clients an entry means: by network, by the number of the network's operator, by country, by the TLS hello's fingerprint. */
import { parseCidr, type Cidr } from "../guard/ip/cidr.ts";
import { ASN_MAX, isCountry, isJa4 } from "../guard/ip/number-set.ts";
import { err } from "../shared/result.ts";
import { list, oneOf, optional, textThat, whole, type Shape } from "../shared/shape.ts";
import { LIST_ID } from "./list-ids.ts";

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

const network: Shape<Cidr> = (given) => {
  const parsed = parseCidr(typeof given === "string" ? given : "");
  return parsed.ok ? parsed : err(" is not a network");
};

/** One or more of these; a client that any of them names is meant. */
export const namedClients = {
  networks: optional(list(network, MATCH_NETWORKS_MAX, 1)),
  asns: optional(list(whole(1, ASN_MAX), MATCH_ASNS_MAX, 1)),
  countries: optional(list(textThat(isCountry, "a country"), MATCH_COUNTRIES_MAX, 1)),
  ja4s: optional(list(textThat(isJa4, "a JA4"), MATCH_JA4S_MAX, 1)),
} as const;

/** The same, and there may be networks of this entry, under its id, in the policy's table; see blobs.ts. */
export const clientMatch = { ...namedClients, listed: optional(oneOf([true])) } as const;

/** The same, and whomever a list of this name means; the list is an entry of its own, and may be in force or in shadow. */
export const listMatch = { ...clientMatch, list: optional(textThat(LIST_ID, "a list")) } as const;

/** What is wrong with a match that names nobody, for it would mean everyone. */
export const NAMES_NOBODY = "name networks, asns, countries or ja4s";

export const namesSomebody = (match: {
  readonly [key in keyof typeof listMatch]?: unknown;
}): boolean => Object.keys(listMatch).some((key) => Reflect.get(match, key) !== undefined);

export type ClientMatch = {
  readonly networks: readonly Cidr[];
  readonly asns: readonly number[];
  readonly countries: readonly string[];
  readonly ja4s: readonly string[];
  readonly isListed: boolean;
  /** Null: none. */
  readonly list: string | null;
};
