/** Who uses production as no visitor does: clients that ask for id after id of one route, are answered 4xx all the time, or look for ways in. */
import { z } from "zod";
import { err, ok } from "../../shared/result.ts";
import { clientErrorRatioOf } from "../../traffic/conduct-figures.ts";
import { idsOf } from "../../traffic/conduct-memory.ts";
import type { ClientConduct, ConductWindow } from "../../traffic/traffic-api.ts";
import { firstOf, nameableBeside } from "../lease-networks.ts";
import { defineSelector, nobody, type Selection } from "../selector.ts";

/** Clients in one selection; those that did most. */
export const NAMED_MAX = 100;

/** Each within the minute. */
const options = z.strictObject({
  ids_min: z.int().min(1),
  client_error_ratio_min: z.number().gt(0).max(1),
  scanner_paths_min: z.int().min(1),
});
type Options = z.infer<typeof options>;

export const apiOffenders = defineSelector({
  id: "api-offenders",
  options,
  fills: () => [{ networks: ["192.0.2.1"] }, { networks: ["2001:db8:1:2::/64"] }],

  async select({ options: terms, atMs }, { traffic, allowlist }) {
    const window = await traffic.conduct(Math.floor(atMs / 1_000));
    const chosen = chooseApiOffenders({ window, allowlist }, terms);
    if (chosen.kind === "nobody" && window.silentShards > 0) {
      const detail = `${window.silentShards} shards of the counters did not answer`;
      return err({ class: "retry", detail });
    }
    return ok(chosen);
  },
});

type Seen = { readonly window: ConductWindow; readonly allowlist: readonly string[] };

/** Pure. */
export function chooseApiOffenders({ window, allowlist }: Seen, terms: Options): Selection {
  /** Of the limits, how many times the furthest is reached. */
  const excess = (client: ClientConduct): number =>
    Math.max(
      idsOf(client) / terms.ids_min,
      clientErrorRatioOf(client, window) / terms.client_error_ratio_min,
      client.scannerPaths / terms.scanner_paths_min,
    );
  const mayName = nameableBeside(allowlist);
  const offenders = window.clients
    .map((client) => ({ name: client.client, excess: excess(client) }))
    .filter((one) => one.excess >= 1)
    .toSorted((a, b) => b.excess - a.excess || (a.name < b.name ? -1 : 1));
  if (offenders.length === 0) return nobody("no_excess", "no client stands out any more");
  const named = offenders.filter(({ name }) => mayName(name));
  if (named.length === 0) return nobody("would_hit_regulars", "the site spares who stands out");
  const networks = named.slice(0, NAMED_MAX).map(({ name }) => name);
  return {
    kind: "selected",
    picked: { networks },
    says: `${firstOf(networks)}: each asks as no visitor does`,
    facts: { offenders: offenders.length, named: networks.length, ...terms },
  };
}
