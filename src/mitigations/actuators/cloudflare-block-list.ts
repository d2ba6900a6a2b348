/**
 * Turns clients away at Cloudflare, before they cost anything here: one by a rule of its own, many by a list that one rule of the zone
 * names. Each bears the lease's mark, so that what is taken back is our own, and whoever comes later knows what to undo.
 */
import { z } from "zod";
import { overlaps } from "../../guard/ip/overlap.ts";
import type { Failure } from "../../incidents/journal.ts";
import { dropList, findList, readItems, type EdgeList } from "../../platform/cloudflare-lists.ts";
import type { AccessTarget } from "../../platform/cloudflare-access-rules.ts";
import {
  addRule,
  readRules,
  removeRule,
  type EdgeRule,
  type EdgeRuleDraft,
} from "../../platform/cloudflare-rulesets.ts";
import { ok, type Result } from "../../shared/result.ts";
import { defineLease, type AppliedLease } from "../actuator.ts";
import {
  blockClient,
  clientOf,
  edgeNetwork,
  listNameOf,
  newList,
  ownRules,
  putOnList,
  renote,
  ruleFor,
  takeOffList,
  unblockClient,
  type Blocked,
} from "../edge-blocks.ts";
import { edgeOf, missingEdge, refuse, type Edge } from "../edge.ts";
import { cidrsIn, leaseNetworks, namesOf } from "../lease-networks.ts";
import { readMark, writeMark, type Mark } from "../mark.ts";
import type { Marking } from "../reaper.ts";

const ID = "cloudflare-block-list";
const PHASE = "http_request_firewall_custom";

const options = z.strictObject({
  /** Cloudflare knows no allowlist of ours: what overlaps it is refused. An IPv6 client is its /64 there. */
  networks: leaseNetworks,
});
/** The networks that it put there; those that were turned away already are whoever's they were. */
const prior = z.object({ networks: z.array(z.string()) });
type Prior = z.infer<typeof prior>;
type Lease = AppliedLease<z.output<typeof options>, Prior>;
/** What stands at Cloudflare. */
type Standing = {
  readonly list: EdgeList | null;
  /** On the list, whoever's. */
  readonly listed: readonly Blocked[];
  readonly rulesetId: string | null;
  /** The one that names the list. */
  readonly rule: EdgeRule | null;
  /** Rules of their own that bear the lease's id. */
  readonly single: readonly Blocked[];
};

const traits = {
  siteWide: false,
  masks: [],
  // Letting a part of an attack back in shows nothing that letting all of it in does not.
  release: "at_once",
} as const;

export const cloudflareBlockList = defineLease({
  id: ID,
  kind: "lease",
  options,
  prior,
  traits,
  plan: ({ networks }) => ({
    ...traits,
    touches: `every client in ${namesOf(networks)}, at Cloudflare, before the guard sees them`,
  }),
  missing: missingEdge,

  async apply(lease, reach) {
    const edge = edgeOf(reach);
    if (!edge.ok) return edge;
    if (lease.expiresAtMs <= edge.value.now()) return refuse("the lease has ended already");
    const wanted = wantedOf(lease);
    const spared = sparedOf(wanted, edge.value);
    if (spared !== null) return refuse(`${spared} holds somebody of the site's allowlist`);
    const standing = await look(edge.value, lease.id);
    if (!standing.ok) return standing;
    if (isChanged(standing.value, edge.value)) {
      return refuse("somebody changed the rule that names the list");
    }
    if (lease.shadow) return ok({ prior: { networks: [] }, receipt: null });
    const client = onlyClientOf(wanted);
    const put =
      client === null
        ? await putAll(edge.value, lease, standing.value)
        : await putOne(edge.value, lease, { client, standing: standing.value });
    return put.ok
      ? ok({ prior: { networks: [...put.value] }, receipt: { networks: wanted.length } })
      : put;
  },

  async verify(lease, reach) {
    const edge = edgeOf(reach);
    if (!edge.ok) return edge;
    const standing = await look(edge.value, lease.id);
    if (!standing.ok) return standing;
    if (lease.shadow) return ok(true);
    const note = noteOf(lease, edge.value);
    const wanted = wantedOf(lease);
    const client = onlyClientOf(wanted);
    if (client !== null) {
      if (standing.value.single.length > 0) {
        return ok(standing.value.single.every((one) => one.note === note));
      }
      const there = await ruleFor(edge.value, client);
      return there.ok ? ok(there.value?.isBlock === true) : there;
    }
    const { listed, rule } = standing.value;
    const isListed = wanted.every((network) => {
      const there = listed.find((one) => one.network === network);
      return there !== undefined && (!isOf(lease.id)(there) || there.note === note);
    });
    return ok(isListed && rule !== null && isIntact(rule, edge.value));
  },

  async inspect(lease, reach) {
    const edge = edgeOf(reach);
    if (!edge.ok) return "unknown";
    const standing = await look(edge.value, lease.id);
    if (!standing.ok) return "unknown";
    const whose = await whoseIs(edge.value, lease, standing.value);
    return whose.ok ? whose.value : "unknown";
  },

  async revert(lease, reach) {
    const edge = edgeOf(reach);
    if (!edge.ok) return edge;
    const standing = await look(edge.value, lease.id);
    if (!standing.ok) return standing;
    const whose = await whoseIs(edge.value, lease, standing.value);
    if (!whose.ok) return whose;
    const taken = await takeBack(edge.value, standing.value, isOf(lease.id));
    if (!taken.ok) return taken;
    return ok(whose.value === "ours" ? "restored" : whose.value);
  },
});

/** For the reaper: every network that bears a mark. */
export const cloudflareBlockListMarking: Marking = {
  actuator: ID,
  async marked(reach) {
    if (missingEdge(reach) !== null) return ok([]);
    const edge = edgeOf(reach);
    if (!edge.ok) return edge;
    const standing = await look(edge.value, `firebreak/${reach.instance}/lse_`);
    if (!standing.ok) return standing;
    const { listed, single } = standing.value;
    const marks = new Map<string, Mark>();
    for (const { note } of [...listed, ...single]) {
      const mark = readMark(note);
      if (mark !== null) marks.set(writeMark(mark), mark);
    }
    return ok([...marks].map(([place, mark]) => ({ mark, place })));
  },
  async undo({ mark }, reach) {
    const edge = edgeOf(reach);
    if (!edge.ok) return edge;
    const standing = await look(edge.value, mark.leaseId);
    if (!standing.ok) return standing;
    const isMarked = ({ note }: Blocked): boolean => note === writeMark(mark);
    const { listed, single } = standing.value;
    // Renewed since, or somebody else's by now.
    if (![...listed, ...single].some(isMarked)) return ok("changed");
    const taken = await takeBack(edge.value, standing.value, isMarked);
    return taken.ok ? ok("restored") : taken;
  },
};

/** `words`: what is in the notes of the rules that are looked for. */
async function look(edge: Edge, words: string): Promise<Result<Standing, Failure>> {
  const { api, zone, instance } = edge;
  const list = await findList(api, listNameOf(instance));
  if (!list.ok) return list;
  const items = list.value === null ? ok([]) : await readItems(api, list.value.id);
  if (!items.ok) return items;
  const rules = await readRules(api, zone, PHASE);
  if (!rules.ok) return rules;
  const single = await ownRules(edge, words);
  if (!single.ok) return single;
  const { ref } = ruleOf(edge);
  return ok({
    list: list.value,
    listed: items.value.map(({ id, ip, comment }) => ({
      id,
      network: edgeNetwork(ip),
      note: comment,
    })),
    rulesetId: rules.value.rulesetId,
    rule: rules.value.rules.find((one) => one.ref === ref) ?? null,
    single: single.value,
  });
}

/** The one rule of the zone; behind those that people wrote, so that what they skip is skipped. */
const ruleOf = ({ instance }: Edge): EdgeRuleDraft => ({
  ref: listNameOf(instance),
  description: `Firebreak (${instance}) turns away whom its list names; it removes this rule with the last of them`,
  expression: `(ip.src in $${listNameOf(instance)})`,
  action: "block",
});

const isIntact = ({ enabled, expression, action }: EdgeRule, edge: Edge): boolean =>
  enabled && expression === ruleOf(edge).expression && action === ruleOf(edge).action;
const isChanged = ({ rule }: Standing, edge: Edge): boolean =>
  rule !== null && !isIntact(rule, edge);

/** One client by a rule of its own. The networks that are ours by then. */
async function putOne(
  edge: Edge,
  lease: Lease,
  { client, standing }: { readonly client: AccessTarget; readonly standing: Standing },
): Promise<Result<readonly string[], Failure>> {
  const note = noteOf(lease, edge);
  const networks = wantedOf(lease);
  const [mine] = standing.single;
  if (mine?.note === note) return ok(networks);
  if (mine !== undefined) {
    const renoted = await renote(edge, mine, note);
    return renoted.ok ? ok(networks) : renoted;
  }
  const blocked = await blockClient(edge, client, note);
  if (!blocked.ok) return blocked;
  return ok(blocked.value === "ours" ? networks : []);
}

/** Many by the list: those on it, then the rule that names it, then what the lease had while it was about one. */
async function putAll(
  edge: Edge,
  lease: Lease,
  { list, listed, rulesetId, rule, single }: Standing,
): Promise<Result<readonly string[], Failure>> {
  const note = noteOf(lease, edge);
  const there = new Map(listed.map((one) => [one.network, one]));
  const isMine = (network: string): boolean => {
    const found = there.get(network);
    return found === undefined || isOf(lease.id)(found);
  };
  const mine = wantedOf(lease).filter(isMine);
  const late = mine.filter((network) => there.get(network)?.note !== note);
  const home = list === null ? await newList(edge) : ok(list);
  if (!home.ok) return home;
  const put = late.length === 0 ? ok(null) : await putOnList(edge, home.value, late, note);
  if (!put.ok) return put;
  const named =
    rule === null
      ? await addRule(edge.api, edge.zone, { phase: PHASE, rulesetId, rule: ruleOf(edge) })
      : ok(null);
  if (!named.ok) return named;
  const left = await unblock(edge, single);
  return left.ok ? ok(mine) : left;
}

async function whoseIs(
  edge: Edge,
  lease: Lease,
  standing: Standing,
): Promise<Result<"ours" | "changed" | "gone", Failure>> {
  const { listed, single } = standing;
  const isListed = listed.some(isOf(lease.id));
  if (isListed && isChanged(standing, edge)) return ok("changed");
  if (isListed || single.length > 0) return ok("ours");
  // What the lease put there bears another's note, or none.
  const had = lease.prior?.networks ?? [];
  if (listed.some(({ network }) => had.includes(network))) return ok("changed");
  const client = onlyClientOf(had);
  if (client === null) return ok("gone");
  const there = await ruleFor(edge, client);
  if (!there.ok) return there;
  return ok(there.value === null ? "gone" : "changed");
}

/** Takes away what is ours. */
async function takeBack(
  edge: Edge,
  standing: Standing,
  isOurs: (one: Blocked) => boolean,
): Promise<Result<null, Failure>> {
  const ours = standing.listed.filter(isOurs);
  const isLast = ours.length === standing.listed.length;
  const isOff = isLast ? await closeList(edge, standing) : await takeOff(edge, standing, ours);
  return isOff.ok ? unblock(edge, standing.single.filter(isOurs)) : isOff;
}

/** With the last of them the rule goes first, which lets all in at once, and the list after; a rule that somebody changed keeps its list. */
async function closeList(edge: Edge, standing: Standing): Promise<Result<null, Failure>> {
  const { list, listed, rulesetId, rule } = standing;
  const isTheirs = isChanged(standing, edge);
  if (rule !== null && rulesetId !== null && !isTheirs) {
    const removed = await removeRule(edge.api, edge.zone, { rulesetId, id: rule.id });
    if (!removed.ok) return removed;
  }
  const taken = await takeOff(edge, standing, listed);
  if (!taken.ok || list === null || isTheirs) return taken;
  const dropped = await dropList(edge.api, list.id);
  // Somebody names it in a rule of theirs: it stays, and is empty.
  return dropped.ok || dropped.error.class === "refuse" ? ok(null) : dropped;
}

const takeOff = async (
  edge: Edge,
  { list }: Standing,
  ours: readonly Blocked[],
): Promise<Result<null, Failure>> =>
  list === null || ours.length === 0 ? ok(null) : takeOffList(edge, list, ours);

async function unblock(edge: Edge, single: readonly Blocked[]): Promise<Result<null, Failure>> {
  for (const one of single) {
    const removed = await unblockClient(edge, one);
    if (!removed.ok) return removed;
  }
  return ok(null);
}

const wantedOf = ({ options: { networks } }: Lease): string[] => [
  ...new Set(networks.map(edgeNetwork)),
];
const onlyClientOf = (networks: readonly string[]): AccessTarget | null =>
  networks.length === 1 ? clientOf(networks[0] ?? "") : null;

/** The first that holds somebody whom the site spares, or null. */
function sparedOf(networks: readonly string[], { spared }: Edge): string | null {
  const never = cidrsIn(spared);
  const holds = (network: string): boolean =>
    cidrsIn([network]).some((one) => never.some((other) => overlaps(one, other)));
  return networks.find(holds) ?? null;
}

const isOf =
  (leaseId: string) =>
  ({ note }: Blocked): boolean =>
    readMark(note)?.leaseId === leaseId;

const noteOf = ({ id: leaseId, expiresAtMs }: Lease, { instance }: Edge): string =>
  writeMark({ instance, leaseId, expiresAtMs });
