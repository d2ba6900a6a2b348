/** Refuses named clients, or those of a list that is kept by the API, with 403; but for the site's allowlist and protected classes. */
import { z } from "zod";
import { defineLease } from "../actuator.ts";
import { guardEntry } from "../guard-entry.ts";
import {
  inWords,
  leaseClients,
  matchOf,
  namesClients,
  NAMES_NO_CLIENTS,
} from "../lease-networks.ts";

const options = z
  .strictObject({
    /** What overlaps the site's allowlist is not blocked there. */
    ...leaseClients,
    /** What clients read; without it, the site's own sentence. */
    message: z.string().trim().min(1).max(500).optional(),
  })
  .refine(namesClients, NAMES_NO_CLIENTS);

type Options = z.infer<typeof options>;

export const blockNetworks = defineLease({
  id: "block-networks",
  kind: "lease",
  options,
  ...guardEntry<Options>(
    ({ message, ...clients }) => ({
      kind: "block-networks",
      match: matchOf(clients),
      action: message === undefined ? {} : { message },
      fail: "open",
    }),
    {
      touches: (given) => `every client ${inWords(given)}, but the allowlist`,
      siteWide: false,
      masks: [],
      // Letting a part of an attack back in shows nothing that letting all of it in does not.
      release: "at_once",
    },
  ),
});
