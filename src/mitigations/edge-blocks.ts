/**
 * Where addresses are turned away at Cloudflare: by a rule of its own for one, and for many by a list that one rule of the zone names.
 * Both answer the same questions about what is there under which mark.
 */
import type { Failure } from "../incidents/journal.ts";
import { formatCidr, parseCidr, type Cidr } from "../guard/ip/cidr.ts";
import {
  addBlock,
  findByNotes,
  findByTarget,
  removeAccessRule,
  rewriteNotes,
  type AccessTarget,
} from "../platform/cloudflare-access-rules.ts";
import { dropItems, makeList, putItems, type EdgeList } from "../platform/cloudflare-lists.ts";
import { sha256Hex } from "../shared/ids.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { refuse, type Edge } from "./edge.ts";

/** One network that is turned away, and the note beside it; `id` is the vendor's. */
export type Blocked = {
  readonly id: string;
  /** In its one spelling: {@link edgeNetwork}. */
  readonly network: string;
  readonly note: string;
};
type Done = Promise<Result<null, Failure>>;

const HOST_BITS = 64;

/** As Cloudflare's lists know it: an IPv6 client is its /64. */
export function edgeNetwork(text: string): string {
  const parsed = parseCidr(text);
  if (!parsed.ok) return text;
  const { family, words, prefix } = parsed.value;
  if (family === 4 || prefix <= HOST_BITS) return formatCidr(parsed.value);
  const host: Cidr = { family, words: [words[0], words[1], 0, 0], prefix: HOST_BITS };
  return formatCidr(host);
}

/** The one client that a network is, as a rule of its own knows it; null when it is many. */
export function clientOf(network: string): AccessTarget | null {
  const parsed = parseCidr(network);
  if (!parsed.ok) return null;
  const { family, prefix } = parsed.value;
  if (family === 4) {
    return prefix === 32 ? { target: "ip", value: network.replace(/\/32$/, "") } : null;
  }
  return prefix === HOST_BITS ? { target: "ip_range", value: network } : null;
}

/** The list that one instance keeps; its name tells who looks at the account whose it is. */
export const listNameOf = (instance: string): string =>
  `firebreak_${instance
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .slice(0, 30)}_${sha256Hex(instance).slice(0, 8)}`;

/** Puts these on the list under one note; who is there already gets it in place of the old one. */
export const putOnList = (
  { api }: Edge,
  { id }: EdgeList,
  networks: readonly string[],
  note: string,
): Done =>
  putItems(
    api,
    id,
    networks.map((network) => ({ ip: network.replace(/\/32$/, ""), comment: note })),
  );

export const takeOffList = ({ api }: Edge, { id }: EdgeList, blocked: readonly Blocked[]): Done =>
  dropItems(api, id, blocked);

export const newList = ({ api, instance }: Edge) =>
  makeList(api, {
    name: listNameOf(instance),
    description: `Whom Firebreak (${instance}) turns away for a while; it takes them off again.`,
  });

/** What stands under these words, of all that rules of their own turn away. */
export async function ownRules({ api, zone }: Edge, words: string) {
  const found = await findByNotes(api, zone, words);
  return found.ok
    ? ok(
        found.value.map(({ id, value, notes }): Blocked => ({
          id,
          network: edgeNetwork(value),
          note: notes,
        })),
      )
    : found;
}

/** Whatever stands there for one client, and whether it turns it away. */
export async function ruleFor({ api, zone }: Edge, client: AccessTarget) {
  const found = await findByTarget(api, zone, client);
  if (!found.ok) return found;
  if (found.value === null) return ok(null);
  const { id, mode, value, notes } = found.value;
  return ok({ id, network: edgeNetwork(value), note: notes, isBlock: mode === "block" });
}

/**
 * Turns one client away, and says whether by a rule of ours. Somebody else's block will do, and stays theirs; a word that lets it through
 * is not overruled.
 */
export async function blockClient(
  edge: Edge,
  client: AccessTarget,
  note: string,
): Promise<Result<"ours" | "theirs", Failure>> {
  const added = await addBlock(edge.api, edge.zone, { target: client, notes: note });
  if (!added.ok) return added;
  if (added.value !== null) return ok("ours");
  const there = await ruleFor(edge, client);
  if (!there.ok) return there;
  if (there.value === null) {
    // What stood in the way is gone again.
    return err({ class: "retry", detail: `${client.value} was just let go` });
  }
  return there.value.isBlock
    ? ok("theirs")
    : refuse(`somebody has a rule for ${client.value} that does not block it`);
}

export async function renote({ api, zone }: Edge, { id }: Blocked, notes: string): Done {
  const rewritten = await rewriteNotes(api, zone, { id, notes });
  return rewritten.ok ? ok(null) : rewritten;
}

export const unblockClient = ({ api, zone }: Edge, { id }: Blocked): Done =>
  removeAccessRule(api, zone, id);
