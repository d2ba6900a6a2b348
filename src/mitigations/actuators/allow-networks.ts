/** Spares named clients, or those of a list that is kept by the API, from blocks, challenges and limits, like the site's allowlist. */
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

const options = z.strictObject(leaseClients).refine(namesClients, NAMES_NO_CLIENTS);

type Options = z.infer<typeof options>;

export const allowNetworks = defineLease({
  id: "allow-networks",
  kind: "lease",
  options,
  ...guardEntry<Options>(
    (clients) => ({ kind: "allow-networks", match: matchOf(clients), action: {}, fail: "open" }),
    {
      touches: (given) =>
        `every client ${inWords(given)}: spared from blocks, challenges and limits`,
      siteWide: false,
      masks: [],
      release: "at_once",
    },
  ),
});
