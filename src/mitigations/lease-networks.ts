/** Clients that one lease may turn away, or spare, as people write them, and how wide they may be together. */
import type { z } from "zod";
import { parseCidr, type Cidr } from "../guard/ip/cidr.ts";
import { overlaps } from "../guard/ip/overlap.ts";
import { listId } from "../policy/lists.ts";
import { clientWords, networkTexts } from "../policy/words.ts";

/** Of all IPv4, or of the global IPv6 addresses, in one lease: as much as an IPv4 /12. More is a country, or a mistake. */
export const LEASE_SHARE_MAX = 1 / 4_096;

/** Addresses and networks such as `192.0.2.0/24`. */
export const leaseNetworks = networkTexts.refine(
  (networks) => shareOf(networks) <= LEASE_SHARE_MAX,
  `together cover more than 1/${1 / LEASE_SHARE_MAX} of the internet`,
);

/** Of one lease. Each may be as wide as a country; who means more keeps a list, and answers for it. */
const LEASE_ASNS_MAX = 20;
const LEASE_COUNTRIES_MAX = 5;

const atMost =
  (max: number) =>
  (given: readonly unknown[] | undefined): boolean =>
    (given?.length ?? 0) <= max;

/** One or more of these; a client that any of them names is meant. */
export const leaseClients = {
  networks: leaseNetworks.optional(),
  asns: clientWords.asns.refine(
    atMost(LEASE_ASNS_MAX),
    `of more than ${LEASE_ASNS_MAX} operators, keep a list`,
  ),
  countries: clientWords.countries.refine(
    atMost(LEASE_COUNTRIES_MAX),
    `of more than ${LEASE_COUNTRIES_MAX} countries, keep a list`,
  ),
  ja4s: clientWords.ja4s,
  /** Whomever this list means, of any length: it must be there, do the same, and last as long. How wide it is, its owner answers for. */
  list: listId.optional(),
} as const;

export type LeaseClients = z.infer<z.ZodObject<typeof leaseClients>>;

const KEYS = Object.keys(leaseClients) as readonly (keyof LeaseClients)[];

export const namesClients = (given: LeaseClients): boolean =>
  KEYS.some((key) => given[key] !== undefined);
export const NAMES_NO_CLIENTS = {
  path: ["networks"],
  message: "name networks, asns, countries or ja4s, or a list",
};

/** As a policy entry's match. */
export const matchOf = (given: LeaseClients): Readonly<Record<string, unknown>> =>
  Object.fromEntries(KEYS.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])));

/** For people: "in 192.0.2.0/24, of AS64500 and in NL". */
export function inWords({ networks, asns, countries, ja4s, list }: LeaseClients): string {
  const places = [
    ...(list === undefined ? [] : [`on the list ${list}`]),
    ...(networks === undefined ? [] : [`in ${namesOf(networks)}`]),
    ...(asns === undefined ? [] : [`of ${asns.map((asn) => `AS${asn}`).join(", ")}`]),
    ...(countries === undefined ? [] : [`from ${countries.join(", ")}`]),
    ...(ja4s === undefined ? [] : [`with the TLS hello ${ja4s.join(", ")}`]),
  ];
  return places.join(" and ");
}

/** More are counted, not listed. */
const NAMED_MAX = 5;
export const namesOf = (networks: readonly string[]): string =>
  networks.length <= NAMED_MAX ? networks.join(", ") : `${networks.length} networks`;

export const cidrsIn = (texts: readonly string[]): readonly Cidr[] =>
  texts.flatMap((text) => {
    const parsed = parseCidr(text);
    return parsed.ok ? [parsed.value] : [];
  });

/** Whom automation may name: names come from clients, so it must be a network at all, and none that the site spares. */
export function nameableBeside(allowlist: readonly string[]): (name: string) => boolean {
  const spared = cidrsIn(allowlist);
  return (name) => cidrsIn([name]).some((cidr) => !spared.some((one) => overlaps(one, cidr)));
}

/** `203.0.113.7, 203.0.113.9 and 40 more`. */
export function firstOf(networks: readonly string[]): string {
  const listed = networks.slice(0, NAMED_MAX).join(", ");
  return networks.length > NAMED_MAX ? `${listed} and ${networks.length - NAMED_MAX} more` : listed;
}

/** The larger of both families' shares; networks that overlap count each. */
function shareOf(texts: readonly string[]): number {
  const networks = cidrsIn(texts);
  const sharesOf = (family: Cidr["family"], bits: number): number =>
    networks
      .filter((network) => network.family === family)
      .reduce((sum, { prefix }) => sum + 2 ** (bits - prefix), 0);
  return Math.max(sharesOf(4, 0), sharesOf(6, GLOBAL_BITS));
}

/** The global IPv6 addresses are `2000::/3`. */
const GLOBAL_BITS = 3;
