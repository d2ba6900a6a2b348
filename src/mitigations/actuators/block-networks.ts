/** Refuses clients of named networks, or of a list that is kept by the API, with 403; but for the site's allowlist and protected classes. */
import { z } from "zod";
import { listId } from "../../policy/lists.ts";
import { defineLease } from "../actuator.ts";
import { guardEntry } from "../guard-entry.ts";
import { leaseNetworks, namesOf } from "../lease-networks.ts";

const options = z
  .strictObject({
    /** What overlaps the site's allowlist is not blocked there. */
    networks: leaseNetworks.optional(),
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

function whose({ networks = [], list }: Options): string {
  const named = namesOf(networks);
  const places = [
    ...(list === undefined ? [] : [`on the list ${list}`]),
    ...(named === "" ? [] : [`in ${named}`]),
  ];
  return places.join(" and ");
}
