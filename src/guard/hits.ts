/** Which entries of the policy a request meets, whatever that then means. */
import { isForClients, type EnforcedKind, type KnownEntry } from "../policy/kinds.ts";
import { NEVER_ENDS_AT_MS } from "../policy/networks.ts";
import { isPaid } from "./challenge/clearance.ts";
import { meantBy } from "./client-table.ts";
import type { RequestFacts } from "./facts.ts";
import { limitsOn, type LimitEntry } from "./limits/limit-table.ts";
import type { Snapshot } from "./loaded-policy.ts";
import { mayMatchRoute } from "./routes.ts";
import { isInShare } from "./share.ts";
import type { Stage } from "./stages.ts";

/** The stage's entries in force for this request. */
export function hitsOf(
  stage: Stage,
  facts: RequestFacts,
  snapshot: Snapshot,
  nowMs: number,
): readonly KnownEntry[] {
  const entries = candidatesOf(stage, facts, snapshot, nowMs);
  if (entries.length === 0 || !stage.concerns(facts, snapshot.loaded.policy.settings)) return NONE;
  return hitsAmong(entries, facts, snapshot, nowMs);
}

/** The limits in force that count this request. */
export function limitsFor(
  facts: RequestFacts,
  snapshot: Snapshot,
  nowMs: number,
): readonly LimitEntry[] {
  const { limits, clients } = snapshot.loaded;
  if (limits === null) return NO_LIMITS;
  const onPath = limitsOn(limits, facts);
  const named =
    limits.byEntry.size === 0 || clients === null
      ? NO_LIMITS
      : meantBy(clients, facts, nowMs).flatMap(({ entry }) => limits.byEntry.get(entry.id) ?? []);
  if (onPath.length === 0 && named.length === 0) return NO_LIMITS;
  const found = named.length === 0 ? onPath : [...onPath, ...named];
  return hitsAmong(found, facts, snapshot, nowMs);
}

/** Mostly all of them are, and then it is the list as it lies there. */
function hitsAmong<K extends KnownEntry>(
  entries: readonly K[],
  facts: RequestFacts,
  snapshot: Snapshot,
  nowMs: number,
): readonly K[] {
  let hits = 0;
  for (const known of entries) {
    if (!isHit(known, facts, snapshot, nowMs)) break;
    hits += 1;
  }
  if (hits === entries.length) return entries;
  const rest = entries.slice(hits + 1);
  return [...entries.slice(0, hits), ...filterHits(rest, facts, snapshot, nowMs)];
}

/** Apart, because a function that makes a closure pays for it even when it does not get there. */
const filterHits = <K extends KnownEntry>(
  entries: readonly K[],
  facts: RequestFacts,
  snapshot: Snapshot,
  nowMs: number,
): readonly K[] => entries.filter((known) => isHit(known, facts, snapshot, nowMs));

/** Whether some router takes this path for one of the routes. */
export const mayBeOnRoutes = (path: string, routes: KnownEntry["routes"]): boolean =>
  routes?.some((route) => mayMatchRoute(path, route)) ?? true;

const isOtherwiseOn = ({ otherPaths }: RequestFacts, routes: KnownEntry["routes"]): boolean =>
  otherPaths.some((path) => mayBeOnRoutes(path, routes));

/** Nobody has confirmed the policy for so long that what fails open is off. */
export const isStale = ({ loaded, confirmedAtMs }: Snapshot, nowMs: number): boolean =>
  nowMs - confirmedAtMs > loaded.policy.staleAfterMs;

const NONE: readonly KnownEntry[] = [];
const NO_LIMITS: readonly LimitEntry[] = [];

/** Entries that name clients are looked up by the client, not tried one by one; those for everyone stand beside them. */
function candidatesOf(
  { kind }: Stage,
  facts: RequestFacts,
  { loaded }: Snapshot,
  nowMs: number,
): readonly KnownEntry[] {
  const entries = loaded.entries[kind];
  if (entries.length === 0 || !isForClients({ kind }) || loaded.clients === null) return entries;
  const meant = meantBy(loaded.clients, facts, nowMs).filter((known) => known.kind === kind);
  const forEveryone = entries.filter(({ clients }) => clients === null);
  return forEveryone.length === 0 ? meant : [...meant, ...forEveryone];
}

/** Whether an entry in force of a kind that decides nothing is about this request. */
export const isMeant = (
  kind: EnforcedKind,
  facts: RequestFacts,
  snapshot: Snapshot,
  nowMs: number,
): boolean => {
  // No closure: this is asked of every request, and mostly there is no such entry.
  for (const known of snapshot.loaded.entries[kind]) {
    if (known.entry.mode === "enforce" && isHit(known, facts, snapshot, nowMs)) return true;
  }
  return false;
};

const isHit = (
  known: KnownEntry,
  facts: RequestFacts,
  snapshot: Snapshot,
  nowMs: number,
): boolean => isInForce(known, snapshot, nowMs) && isAbout(known, facts);

const isInForce = ({ entry, startsAtMs }: KnownEntry, snapshot: Snapshot, nowMs: number): boolean =>
  entry.expiresAtMs > nowMs &&
  (startsAtMs === null || startsAtMs <= nowMs) &&
  (entry.fail === "closed" || isStanding(entry) || !isStale(snapshot, nowMs));

/** A challenge that was met is none. Until somebody has looked, it was not. */
const isMet = (challenge: KnownEntry["challenge"], { clearance }: RequestFacts): boolean =>
  challenge !== null && clearance !== null && isPaid(clearance, challenge);

const isAbout = (
  { entry, routes, methods, header, challenge }: KnownEntry,
  facts: RequestFacts,
): boolean =>
  !isMet(challenge, facts) &&
  (methods?.has(facts.method) ?? true) &&
  (mayBeOnRoutes(facts.path, routes) || isOtherwiseOn(facts, routes)) &&
  carries(facts, header) &&
  // Nobody need know who it is where it is everyone.
  (entry.share >= 1 || isInShare(facts.clientKey(), entry.salt, entry.share));

/** A lease may have been taken back while nobody could say so; what stands changes with a deployment only. */
const isStanding = ({ expiresAtMs }: KnownEntry["entry"]): boolean =>
  expiresAtMs === NEVER_ENDS_AT_MS;

function carries(facts: RequestFacts, wanted: KnownEntry["header"]): boolean {
  if (wanted === null) return true;
  const found = facts.header(wanted.name);
  return wanted.value === undefined ? found !== null : found === wanted.value;
}
