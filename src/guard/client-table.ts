/**
 * Which entries mean a client, by its address, its network's operator, its country and its TLS hello: laid out once, when a policy
 * is taken over. Networks stand in two tables: what travels in the policy, and what is listed in its blob. Both are asked, and
 * who is allowed by either, or by the site's allowlist, is blocked by neither, however specific the block is.
 */
import { POLICY_NETWORKS_MAX, type ClientMatch } from "../policy/clients.ts";
import type { KnownEntry } from "../policy/kinds.ts";
import { entryIdOf } from "../policy/list-ids.ts";
import { compileNetworks, NEVER_ENDS_AT_MS, type NetworkEntry } from "../policy/networks.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { RequestFacts } from "./facts.ts";
import { parseCidr } from "./ip/cidr.ts";
import { liveFrom, lookup, nextOf, ruleOf, type IpSet } from "./ip/ip-set.ts";
import { asnSet, countrySet, ja4Set, type Keyed, type Lookup } from "./ip/number-set.ts";
import { readIpSet } from "./ip/read-ip-set.ts";

export type ClientTable = {
  /** The site's allowlist, and what the entries themselves name. */
  readonly networks: IpSet;
  /** What the policy's blob holds; null without one. */
  readonly listed: IpSet | null;
  /** What the ids in both stand for: the entry itself, and those that name its list. */
  readonly entries: Meant;
  /** By where the client is; null when no entry asks, and then nobody looks. */
  readonly places: {
    readonly asns: Lookup<number, KnownEntry>;
    readonly countries: Lookup<string, KnownEntry>;
  } | null;
  /** The same by its TLS hello. */
  readonly ja4s: Lookup<string, KnownEntry> | null;
};

type Meant = ReadonlyMap<string, readonly KnownEntry[]>;

/** A client as the table asks for it. */
export type Client = Pick<RequestFacts, "address" | "place" | "ja4">;

/** Null without entries. A refusal says why none of them may be enforced: half a table could lack the half that allows. */
export function clientTable(
  entries: readonly KnownEntry[],
  allowlist: readonly string[],
  { nowMs, listed }: { readonly nowMs: number; readonly listed: IpSet | null },
): Result<ClientTable | null, string> {
  if (entries.length === 0) return ok(null);
  const allowed = allowingEntries(allowlist);
  if (!allowed.ok) return allowed;
  const named = entries.flatMap(networkEntries);
  if (named.length > POLICY_NETWORKS_MAX) {
    return err(
      `${named.length} networks are more than the ${POLICY_NETWORKS_MAX} that a policy names`,
    );
  }
  const blob = compileNetworks({ entries: [...allowed.value, ...named], nowMs });
  if (!blob.ok) return blob;
  const set = readIpSet(blob.value, "known");
  if (!set.ok) return set;
  const meant = meantWith(entries);
  return ok({
    networks: set.value,
    listed,
    entries: meant,
    places: placesOf(entries, meant),
    ja4s: ja4sOf(entries, meant),
  });
}

/**
 * Of the entries that have networks in the blob, or name one that has, those of which there are none in `listed`: it is an older
 * one, or not there.
 */
export function missingFrom(
  listed: IpSet | null,
  entries: readonly KnownEntry[],
): readonly KnownEntry[] {
  const there = new Set(listed?.ruleList.map(({ entryId }) => entryId));
  const lost = new Set(
    entries
      .filter(({ entry, clients }) => clients?.isListed === true && !there.has(entry.id))
      .map(({ entry }) => entry.id),
  );
  const isLost = ({ entry, clients }: KnownEntry): boolean =>
    lost.has(entry.id) || (clients?.list != null && lost.has(entryIdOf(clients.list)));
  return entries.filter(isLost);
}

/**
 * The entries that mean this client and have not ended, but for those that allow: by the most specific network first, what travels
 * in the policy before what is listed, then by place and hello.
 */
export function meantBy(table: ClientTable, client: Client, nowMs: number): readonly KnownEntry[] {
  const { networks, listed, entries } = table;
  if (isStranger(table, client)) return NOBODY;
  const meant = new Set<KnownEntry>();
  addLive(meant, networks, chainOf(networks, client), { entries, nowMs });
  if (listed !== null) addLive(meant, listed, chainOf(listed, client), { entries, nowMs });
  for (const known of byPlaceAndHello(table, client)) meant.add(known);
  return [...meant].filter((known) => !isAllowing(known));
}

/** Whether the client is on the site's allowlist, which never ends, or meant by an entry that allows and has not ended. */
export function isAllowed(table: ClientTable, client: Client, nowMs: number): boolean {
  const { networks, listed, entries } = table;
  if (isStranger(table, client)) return false;
  return (
    isAllowedIn(networks, client, { entries, nowMs }) ||
    (listed !== null && isAllowedIn(listed, client, { entries, nowMs })) ||
    byPlaceAndHello(table, client).some((known) => allowsAt(known, nowMs))
  );
}

/** Whom no network, place or hello means: the usual client, which costs no allocation. */
const isStranger = ({ networks, listed, places, ja4s }: ClientTable, client: Client): boolean =>
  places === null &&
  ja4s === null &&
  chainOf(networks, client) === 0 &&
  (listed === null || chainOf(listed, client) === 0);

type Asked = Pick<ClientTable, "entries"> & { readonly nowMs: number };

const chainOf = (set: IpSet, { address }: Client): number =>
  address === null ? 0 : lookup(set, address.family, address.words);

function addLive(
  meant: Set<KnownEntry>,
  set: IpSet,
  from: number,
  { entries, nowMs }: Asked,
): void {
  let chain = from;
  while ((chain = liveFrom(set, chain, nowMs)) !== 0) {
    const { entryId, action } = ruleOf(set, chain);
    if (action !== "allow") for (const known of entries.get(entryId) ?? NOBODY) meant.add(known);
    chain = nextOf(set, chain);
  }
}

/** Rules that allow stand first in every chain. */
function isAllowedIn(set: IpSet, client: Client, { entries, nowMs }: Asked): boolean {
  let chain = chainOf(set, client);
  while ((chain = liveFrom(set, chain, nowMs)) !== 0) {
    const { entryId, action } = ruleOf(set, chain);
    if (action !== "allow") return false;
    if (entryId === ALLOWLIST_ID) return true;
    if (entries.get(entryId)?.some((known) => allowsAt(known, nowMs)) === true) return true;
    chain = nextOf(set, chain);
  }
  return false;
}

const isAllowing = ({ kind }: KnownEntry): boolean => kind === "allow-networks";

const allowsAt = (known: KnownEntry, nowMs: number): boolean =>
  isAllowing(known) && known.entry.mode === "enforce" && known.entry.expiresAtMs > nowMs;

function byPlaceAndHello({ places, ja4s }: ClientTable, client: Client): readonly KnownEntry[] {
  if (places === null && ja4s === null) return NOBODY;
  const found: KnownEntry[] = [];
  if (places !== null) {
    const { asn, country } = client.place();
    if (asn !== null) found.push(...places.asns(asn));
    if (country !== null) found.push(...places.countries(country));
  }
  const ja4 = ja4s === null ? null : client.ja4();
  if (ja4s !== null && ja4 !== null) found.push(...ja4s(ja4));
  return found;
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

/** Entries that do not block are told apart by their kind; a rule says only which of them allow. */
const networkEntries = (known: KnownEntry): readonly NetworkEntry[] =>
  (known.clients?.networks ?? []).map((network) => ({
    entryId: known.entry.id,
    action: isAllowing(known) ? "allow" : "block",
    expiresAtMs: known.entry.expiresAtMs,
    network,
  }));

function meantWith(entries: readonly KnownEntry[]): Meant {
  const meant = new Map(entries.map((known) => [known.entry.id, [known]]));
  for (const known of entries) {
    const list = known.clients?.list ?? null;
    if (list !== null) meant.get(entryIdOf(list))?.push(known);
  }
  return meant;
}

function placesOf(entries: readonly KnownEntry[], meant: Meant): ClientTable["places"] {
  const asns = keyed(entries, meant, ({ asns: named }) => named);
  const countries = keyed(entries, meant, ({ countries: named }) => named);
  if (asns.length === 0 && countries.length === 0) return null;
  return { asns: asnSet(asns), countries: countrySet(countries) };
}

function ja4sOf(entries: readonly KnownEntry[], meant: Meant): ClientTable["ja4s"] {
  const ja4s = keyed(entries, meant, ({ ja4s: named }) => named);
  return ja4s.length === 0 ? null : ja4Set(ja4s);
}

const keyed = <K>(
  entries: readonly KnownEntry[],
  meant: Meant,
  keysOf: (match: ClientMatch) => readonly K[],
): readonly Keyed<K, KnownEntry>[] =>
  entries.flatMap(({ entry, clients }) =>
    (clients === null ? [] : keysOf(clients)).flatMap((key) =>
      (meant.get(entry.id) ?? NOBODY).map((value) => ({ key, value })),
    ),
  );
