/**
 * Which entries mean a client, by its address, its network's operator and its country: laid out once, when a policy is taken
 * over. The site's allowlist stands in the same table, so that it wins over any network, however specific.
 */
import { POLICY_NETWORKS_MAX, type ClientMatch } from "../policy/clients.ts";
import type { KnownEntry } from "../policy/kinds.ts";
import { compileNetworks, NEVER_ENDS_AT_MS, type NetworkEntry } from "../policy/networks.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { RequestFacts } from "./facts.ts";
import { parseCidr } from "./ip/cidr.ts";
import { liveFrom, lookup, nextOf, ruleOf, type IpSet } from "./ip/ip-set.ts";
import { asnSet, countrySet, type Lookup } from "./ip/number-set.ts";
import { readIpSet } from "./ip/read-ip-set.ts";

export type ClientTable = {
  readonly networks: IpSet;
  /** What the ids in `networks` stand for. */
  readonly entries: ReadonlyMap<string, KnownEntry>;
  /** By where the client is; null when no entry asks, and then nobody looks. */
  readonly places: {
    readonly asns: Lookup<number, KnownEntry>;
    readonly countries: Lookup<string, KnownEntry>;
  } | null;
};

/** A client as the table asks for it. */
export type Client = Pick<RequestFacts, "address" | "place">;

/** Null without entries. A refusal says why none of them may be enforced: half a table could lack the half that allows. */
export function clientTable(
  entries: readonly KnownEntry[],
  allowlist: readonly string[],
  nowMs: number,
): Result<ClientTable | null, string> {
  if (entries.length === 0) return ok(null);
  const allowed = allowingEntries(allowlist);
  if (!allowed.ok) return allowed;
  const blocked = entries.flatMap(blockingEntries);
  if (blocked.length > POLICY_NETWORKS_MAX) {
    return err(
      `${blocked.length} networks are more than the ${POLICY_NETWORKS_MAX} that a policy blocks`,
    );
  }
  const blob = compileNetworks({ entries: [...allowed.value, ...blocked], nowMs });
  if (!blob.ok) return blob;
  const set = readIpSet(blob.value, "known");
  if (!set.ok) return set;
  return ok({
    networks: set.value,
    entries: new Map(entries.map((known) => [known.entry.id, known])),
    places: placesOf(entries),
  });
}

/** The entries that mean this client and have not ended: by the most specific network first, then by place. */
export function meantBy(
  { networks, entries, places }: ClientTable,
  { address, place }: Client,
  nowMs: number,
): readonly KnownEntry[] {
  let chain = address === null ? 0 : lookup(networks, address.family, address.words);
  // The usual client is in no network at all, and costs no allocation.
  if (chain === 0 && places === null) return NOBODY;
  const meant = new Set<KnownEntry>();
  while ((chain = liveFrom(networks, chain, nowMs)) !== 0) {
    const { entryId, action } = ruleOf(networks, chain);
    const known = action === "block" ? entries.get(entryId) : undefined;
    if (known !== undefined) meant.add(known);
    chain = nextOf(networks, chain);
  }
  if (places !== null) {
    const { asn, country } = place();
    if (asn !== null) for (const known of places.asns(asn)) meant.add(known);
    if (country !== null) for (const known of places.countries(country)) meant.add(known);
  }
  return [...meant];
}

/** Whether the client is on the site's allowlist, which never ends and stands first in every chain. */
export function isAllowed({ networks }: ClientTable, { address }: Client): boolean {
  if (address === null) return false;
  const chain = lookup(networks, address.family, address.words);
  return chain !== 0 && ruleOf(networks, chain).action === "allow";
}

const NOBODY: readonly KnownEntry[] = [];
const ALLOWLIST_ID = "allowlist";

function allowingEntries(allowlist: readonly string[]): Result<readonly NetworkEntry[], string> {
  const allowing: NetworkEntry[] = [];
  for (const text of allowlist) {
    const network = parseCidr(text);
    if (!network.ok) return err(`the site's allowlist: ${text} ${network.error}`);
    allowing.push({
      entryId: ALLOWLIST_ID,
      action: "allow",
      expiresAtMs: NEVER_ENDS_AT_MS,
      network: network.value,
    });
  }
  return ok(allowing);
}

const blockingEntries = ({ entry, clients }: KnownEntry): readonly NetworkEntry[] =>
  (clients?.networks ?? []).map((network) => ({
    entryId: entry.id,
    action: "block",
    expiresAtMs: entry.expiresAtMs,
    network,
  }));

function placesOf(entries: readonly KnownEntry[]): ClientTable["places"] {
  const keyed = <K>(keysOf: (match: ClientMatch) => readonly K[]) =>
    entries.flatMap((value) =>
      value.clients === null ? [] : keysOf(value.clients).map((key) => ({ key, value })),
    );
  const asns = keyed((match) => match.asns);
  const countries = keyed((match) => match.countries);
  if (asns.length === 0 && countries.length === 0) return null;
  return { asns: asnSet(asns), countries: countrySet(countries) };
}
