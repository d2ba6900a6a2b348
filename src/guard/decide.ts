/**
 * What becomes of one request. Pure: no I/O, no clock. The order, first match wins: guard off → own route (both before this
 * function, they need no policy) → operator bypass → block → maintenance → read-only → disabled feature → emergency cache →
 * origin. The allowlist and the protected classes exempt from block and from nothing else, however specific the block is.
 */
import {
  isRefusing,
  type EnforcedKind,
  type KnownEntry,
  type RefusingEntry,
} from "../policy/kinds.ts";
import type { JournalRoute, Policy } from "../policy/policy.ts";
import { meantBy } from "./client-table.ts";
import type { RequestFacts } from "./facts.ts";
import type { LoadedPolicy, Snapshot } from "./loaded-policy.ts";
import { matchesRoute } from "./routes.ts";
import { isInShare } from "./share.ts";
import { ACTIONS, REASONS, STAGES, type Stage } from "./stages.ts";
import type { Verdict, VerdictReason } from "./verdict.ts";

export type Decision = {
  readonly verdict: Verdict;
  /** Which entry refuses it, null when production serves. */
  readonly enforced: RefusingEntry | null;
  /** Under which entry a copy may answer in production's place, or be kept; null for none. */
  readonly cache: KnownEntry | null;
  /** Where a delivery is kept instead of being refused, or waits behind others; null: nowhere. */
  readonly journal: JournalRoute | null;
  /** Entries in shadow that would have been enforced. */
  readonly shadowedIds: readonly string[];
  /** Null when this stands. Else whoever can find it out does so and decides again: see decide-fully.ts. */
  readonly needs: Need | null;
};

/** What a decision may turn on and facts do not hold at first, because finding out costs time. `body`: what it asks for. */
export type Need = "body";

/** `snapshot` is null in an isolate that has never seen a policy: then production is served. */
export function decide(facts: RequestFacts, snapshot: Snapshot | null, nowMs: number): Decision {
  if (snapshot === null) return serve("no_policy", null);
  if (facts.operator !== null) return serve("operator_bypass", snapshot);

  const met: Met = { passed: {}, shadowedIds: [], needs: null, exemption: null };
  for (const stage of STAGES) {
    const hits = hitsOf(stage, facts, snapshot, nowMs);
    const refusing = meet(stage, hits, { facts, snapshot, met, nowMs });
    if (refusing !== null) {
      const journal = PAUSES.has(refusing.kind) ? journalOf(facts, snapshot) : null;
      return { ...refuse(refusing, snapshot, met), journal };
    }
  }
  const journal = met.passed["write-journal"] === undefined ? null : journalOf(facts, snapshot);
  return { ...serveAfter(met, snapshot, nowMs), journal };
}

/** What ends, and then production takes what came meanwhile. */
const PAUSES: ReadonlySet<RefusingEntry["kind"]> = new Set(["maintenance", "read-only"]);

const journalOf = (
  { method, path, isPlainPath }: RequestFacts,
  { loaded }: Snapshot,
): JournalRoute | null =>
  method === "POST" && isPlainPath
    ? (loaded.policy.settings.writeJournal.find(({ route }) => matchesRoute(path, route)) ?? null)
    : null;

type Encounter = {
  readonly facts: RequestFacts;
  readonly snapshot: Snapshot;
  readonly met: Met;
  readonly nowMs: number;
};

/** Which of these entries refuses the request, null for none; what else they mean for it is left in `met`. */
function meet(
  stage: Stage,
  hits: readonly KnownEntry[],
  { facts, snapshot, met, nowMs }: Encounter,
): RefusingEntry | null {
  if (hits.length === 0) return null;
  const enforced = hits.find(({ entry }) => entry.mode === "enforce") ?? null;
  const exemptBy = exemptionOf(stage, facts, snapshot.loaded, nowMs);
  if (exemptBy !== null) {
    if (enforced !== null) met.exemption ??= { reason: exemptBy, entryId: enforced.entry.id };
    return null;
  }
  met.needs ??= needOf(stage, facts, snapshot.loaded.policy);
  if (enforced !== null && isRefusing(enforced)) return enforced;
  if (enforced !== null) met.passed[stage.kind] = enforced;
  for (const { entry } of hits) if (entry.mode === "shadow") met.shadowedIds.push(entry.id);
  return null;
}

/** What the stages so far left behind. */
type Met = {
  /** In force, and of a kind that refuses nobody. */
  readonly passed: Partial<Record<EnforcedKind, KnownEntry>>;
  readonly shadowedIds: string[];
  needs: Need | null;
  exemption: { readonly reason: VerdictReason; readonly entryId: string } | null;
};

/** No stage enforced anything: production serves, and the first of exemption, shadow and nothing at all says why. */
function serveAfter(met: Met, snapshot: Snapshot, nowMs: number): Decision {
  const { passed, exemption, shadowedIds, needs } = met;
  const [firstShadowed] = shadowedIds;
  const why =
    exemption !== null
      ? serve(exemption.reason, snapshot, exemption.entryId)
      : firstShadowed !== undefined
        ? serve("shadowed", snapshot, firstShadowed)
        : serve(isStale(snapshot, nowMs) ? "no_policy" : "clean", snapshot);
  return { ...why, cache: passed["emergency-cache"] ?? null, shadowedIds, needs };
}

/**
 * After a fault inside the guard: the entry that declared to fail closed, if one is in force for this method and path. Its
 * header and share are not asked, because what reads them may be what is broken; nor its routes when `path` is null.
 */
export function closedEntry(
  { method, path }: { readonly method: string; readonly path: string | null },
  snapshot: Snapshot | null,
  nowMs: number,
): RefusingEntry | null {
  if (snapshot === null) return null;
  for (const stage of STAGES) {
    if (!stage.mayConcern(method)) continue;
    const closed = snapshot.loaded.entries[stage.kind]
      .filter(isRefusing)
      .find(
        ({ entry, routes, startsAtMs }) =>
          entry.fail === "closed" &&
          entry.mode === "enforce" &&
          entry.expiresAtMs > nowMs &&
          (startsAtMs === null || startsAtMs <= nowMs) &&
          (path === null || isOnRoutes(path, routes)),
      );
    if (closed !== undefined) return closed;
  }
  return null;
}

const NONE: readonly KnownEntry[] = [];

const hitsOf = (
  stage: Stage,
  facts: RequestFacts,
  snapshot: Snapshot,
  nowMs: number,
): readonly KnownEntry[] => {
  const entries = candidatesOf(stage, facts, snapshot, nowMs);
  if (entries.length === 0 || !stage.concerns(facts, snapshot.loaded.policy.settings)) return NONE;
  const cannotConfirm = isStale(snapshot, nowMs);
  return entries.filter(
    ({ entry, routes, header, startsAtMs }) =>
      entry.expiresAtMs > nowMs &&
      (startsAtMs === null || startsAtMs <= nowMs) &&
      (entry.fail === "closed" || !cannotConfirm) &&
      isOnRoutes(facts.path, routes) &&
      carries(facts, header) &&
      isInShare(facts.clientKey(), entry.salt, entry.share),
  );
};

/** Entries that name clients are looked up by the client, not tried one by one. */
const candidatesOf = (
  { kind }: Stage,
  facts: RequestFacts,
  { loaded }: Snapshot,
  nowMs: number,
): readonly KnownEntry[] => {
  if (kind !== "block-networks") return loaded.entries[kind];
  return loaded.clients === null ? NONE : meantBy(loaded.clients, facts, nowMs);
};

const isOnRoutes = (path: string, routes: KnownEntry["routes"]): boolean =>
  routes?.some((route) => matchesRoute(path, route)) ?? true;

function carries(facts: RequestFacts, wanted: KnownEntry["header"]): boolean {
  if (wanted === null) return true;
  const found = facts.header(wanted.name);
  return wanted.value === undefined ? found !== null : found === wanted.value;
}

const isStale = ({ loaded, confirmedAtMs }: Snapshot, nowMs: number): boolean =>
  nowMs - confirmedAtMs > loaded.policy.staleAfterMs;

/** What this stage turns on and nobody has found out yet. */
const needOf = (stage: Stage, facts: RequestFacts, policy: Policy): Need | null =>
  stage.kind === "read-only" && facts.isGraphqlRead === null && mayReadByPost(facts, policy)
    ? "body"
    : null;

/** Where a POST may be reading. Like an exemption, not for a path that routers may read differently. */
const mayReadByPost = (
  { method, path, isPlainPath }: RequestFacts,
  { settings }: Policy,
): boolean => method === "POST" && isPlainPath && isOnRoutes(path, settings.graphqlRoutes);

/** An exemption takes protection away, so a path that routers may read differently has none. */
const exemptionOf = (
  { exempt, spares }: Stage,
  facts: RequestFacts,
  loaded: LoadedPolicy,
  nowMs: number,
): VerdictReason | null =>
  exempt !== null &&
  facts.isPlainPath &&
  isOnRoutes(facts.path, exempt.routes(loaded.policy.settings))
    ? exempt.reason
    : spares(facts, loaded, nowMs);

const serve = (
  reason: VerdictReason,
  snapshot: Snapshot | null,
  entryId: string | null = null,
): Decision => ({
  verdict: { action: "serve", reason, entryId, policySeq: snapshot?.loaded.policy.seq ?? null },
  enforced: null,
  cache: null,
  journal: null,
  shadowedIds: [],
  needs: null,
});

const refuse = (
  enforced: RefusingEntry,
  snapshot: Snapshot,
  { shadowedIds, needs }: Met,
): Decision => ({
  verdict: {
    action: ACTIONS[enforced.kind],
    reason: REASONS[enforced.kind],
    entryId: enforced.entry.id,
    policySeq: snapshot.loaded.policy.seq,
  },
  enforced,
  cache: null,
  journal: null,
  shadowedIds,
  needs,
});
