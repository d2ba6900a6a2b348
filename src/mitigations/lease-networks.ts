/** Networks that one lease may turn away, as people write them, and how wide they may be together. */
import { parseCidr, type Cidr } from "../guard/ip/cidr.ts";
import { networkTexts } from "../policy/words.ts";

/** Of all IPv4, or of the global IPv6 addresses, in one lease: as much as an IPv4 /12. More is a country, or a mistake. */
export const LEASE_SHARE_MAX = 1 / 4_096;

/** Addresses and networks such as `192.0.2.0/24`. */
export const leaseNetworks = networkTexts.refine(
  (networks) => shareOf(networks) <= LEASE_SHARE_MAX,
  `together cover more than 1/${1 / LEASE_SHARE_MAX} of the internet`,
);

/** More are counted, not listed. */
const NAMED_MAX = 5;
export const namesOf = (networks: readonly string[]): string =>
  networks.length <= NAMED_MAX ? networks.join(", ") : `${networks.length} networks`;

export const cidrsIn = (texts: readonly string[]): readonly Cidr[] =>
  texts.flatMap((text) => {
    const parsed = parseCidr(text);
    return parsed.ok ? [parsed.value] : [];
  });

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
