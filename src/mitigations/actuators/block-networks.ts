/** Refuses clients of named networks, or of a list that is kept by the API, with 403; but for the site's allowlist and protected classes. */
import { z } from "zod";
import { parseCidr, type Cidr } from "../../guard/ip/cidr.ts";
import { listId } from "../../policy/lists.ts";
import { networkTexts } from "../../policy/words.ts";
import { defineLease } from "../actuator.ts";
import { guardEntry } from "../guard-entry.ts";

/** Of all IPv4, or of the global IPv6 addresses, in one lease: as much as an IPv4 /12. More is a country, or a mistake. */
export const LEASE_SHARE_MAX = 1 / 4_096;

const options = z
  .strictObject({
    /** Addresses and networks such as `192.0.2.0/24`. What overlaps the site's allowlist is not blocked there. */
    networks: networkTexts
      .refine(
        (networks) => shareOf(networks) <= LEASE_SHARE_MAX,
        `together cover more than 1/${1 / LEASE_SHARE_MAX} of the internet`,
      )
      .optional(),
    /** Whomever this list means, of any length: it must be there, block, and last as long. How wide it is, its owner answers for. */
    list: listId.optional(),
    /** What clients read; without it, the site's own sentence. */
    message: z.string().trim().min(1).max(500).optional(),
  })
  .refine(({ networks, list }) => networks !== undefined || list !== undefined, {
    path: ["networks"],
    message: "name networks, or a list",
  });

type Options = z.infer<typeof options>;

export const blockNetworks = defineLease({
  id: "block-networks",
  kind: "lease",
  options,
  ...guardEntry<Options>(
    ({ networks, list, message }) => ({
      kind: "block-networks",
      match: { ...(networks && { networks }), ...(list !== undefined && { list }) },
      action: message === undefined ? {} : { message },
      fail: "open",
    }),
    {
      touches: (given) => `every client ${whose(given)}, but the allowlist`,
      siteWide: false,
      masks: [],
      // Letting a part of an attack back in shows nothing that letting all of it in does not.
      release: "at_once",
    },
  ),
});

/** More are counted, not listed. */
const NAMED_MAX = 5;

function whose({ networks = [], list }: Options): string {
  const named = networks.length <= NAMED_MAX ? networks.join(", ") : `${networks.length} networks`;
  const places = [
    ...(list === undefined ? [] : [`on the list ${list}`]),
    ...(named === "" ? [] : [`in ${named}`]),
  ];
  return places.join(" and ");
}

/** The larger of both families' shares; networks that overlap count each. */
function shareOf(texts: readonly string[]): number {
  const networks = texts.flatMap((text) => {
    const parsed = parseCidr(text);
    return parsed.ok ? [parsed.value] : [];
  });
  const sharesOf = (family: Cidr["family"], bits: number): number =>
    networks
      .filter((network) => network.family === family)
      .reduce((sum, { prefix }) => sum + 2 ** (bits - prefix), 0);
  return Math.max(sharesOf(4, 0), sharesOf(6, GLOBAL_BITS));
}

/** The global IPv6 addresses are `2000::/3`. */
const GLOBAL_BITS = 3;
