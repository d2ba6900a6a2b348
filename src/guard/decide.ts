/**
 * What becomes of one request. Pure: no I/O, no clock; what limits say comes in by a port. The order, first match wins: guard
 * off → own route (both before this function, they need no policy) → operator bypass → block → challenge → rate limit →
 * maintenance → read-only → disabled feature → emergency cache → origin. The allowlist and the protected classes exempt from
 * block, challenge and rate limit and from nothing else, however specific these are.
 */
import { challengeOf } from "./challenge/terms.ts";
import { isPaid } from "./challenge/clearance.ts";
import {
  isRefusing,
  type EnforcedKind,
  type KnownEntry,
  type RefusingEntry,
} from "../policy/kinds.ts";
import type { JournalRoute, Policy } from "../policy/policy.ts";
import type { RequestFacts } from "./facts.ts";
import { hitsOf, isStale, limitsFor, mayBeOnRoutes } from "./hits.ts";
import type { LimitEntry } from "./limits/limit-table.ts";
import { NO_METER, type Meter } from "./limits/meter.ts";
import type { LimitRefusal } from "./limits/rate-limit.ts";
import type { LoadedPolicy, Snapshot } from "./loaded-policy.ts";
import { matchesRoute } from "./routes.ts";
import { ACTIONS, LIMIT_REASONS, REASONS, STAGES, type Stage } from "./stages.ts";
import type { Verdict, VerdictReason } from "./verdict.ts";

export type Decision = {
  readonly verdict: Verdict;
  /** Which entry refuses it, null when production serves. */
  readonly enforced: RefusingEntry | null;
  /** What the limit said that refuses it, null when none does. */
  readonly limited: LimitRefusal | null;
  /** Limits that admitted it and want that announced in production's answer. */
  readonly announced: readonly LimitEntry[];
  /** Under which entry a copy may answer in production's place, or be kept; null for none. */
  readonly cache: KnownEntry | null;
  /** Where a delivery is kept instead of being refused, or waits behind others; null: nowhere. */
  readonly journal: JournalRoute | null;
  /** Entries in shadow that would have been enforced. */
  readonly shadowedIds: readonly string[];
  /** Null when this stands. Else whoever can find it out does so and decides again: see decide-fully.ts. */
  readonly needs: Need | null;
};

/**
 * What a decision may turn on and facts do not hold at first, because finding out costs time. `body`: what it asks for.
 * `clearance`: what its bearer has paid. `limit`: what the shards say that the meter is asking.
 */
export type Need = "body" | "clearance" | "limit";

/** `snapshot` is null in an isolate that has never seen a policy: then production is served. */
export function decide(
  facts: RequestFacts,
  snapshot: Snapshot | null,
  nowMs: number,
  meter: Meter = NO_METER,
): Decision {
  if (snapshot === null) return serve("no_policy", null);
  if (facts.operator !== null) return serve("operator_bypass", snapshot);

  const met: Met = {
    passed: NOTHING_PASSED,
    shadowedIds: NO_IDS,
    announced: NO_LIMITS,
    needs: null,
    exemption: null,
    limited: null,
  };
  const encounter = { facts, snapshot, met, nowMs };
  for (const stage of STAGES) {
    const refusing =
      stage.kind === "rate-limit"
        ? meetLimits(stage, encounter, meter)
        : meet(stage, hitsOf(stage, facts, snapshot, nowMs), encounter);
    if (refusing !== null) {
      const journal = PAUSES.has(refusing.kind) ? journalOf(facts, snapshot) : null;
      return { ...refuse(refusing, encounter), journal };
    }
  }
  return serveAfter(encounter);
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
  const inForce = hits.filter(({ entry }) => entry.mode === "enforce");
  const enforced = inForce.find((known) => isPossible(known, facts)) ?? null;
  const exemptBy =
    exemptionOf(stage, facts, snapshot.loaded, nowMs) ?? inability(inForce, enforced);
  if (exemptBy !== null) return exempt(inForce, exemptBy, met);
  met.needs ??= needOf(stage, facts, snapshot.loaded.policy);
  if (enforced !== null && isRefusing(enforced)) return enforced;
  if (enforced !== null) met.passed = { ...met.passed, [stage.kind]: enforced };
  for (const { entry } of hits) if (entry.mode === "shadow") rehearse(met, entry.id);
  return null;
}

/** What is in force cannot be enforced, and all of it would rather serve. */
const inability = (
  inForce: readonly KnownEntry[],
  enforced: KnownEntry | null,
): VerdictReason | null =>
  enforced === null && inForce.length > 0 ? "challenge_unavailable" : null;

function exempt(inForce: readonly KnownEntry[], reason: VerdictReason, met: Met): null {
  const [first] = inForce;
  if (first !== undefined) met.exemption ??= { reason, entryId: first.entry.id };
  return null;
}

/** The same for limits: being counted by one is nothing yet. Who is exempt is not counted, so nobody knows from what. */
function meetLimits(
  stage: Stage,
  { facts, snapshot, met, nowMs }: Encounter,
  meter: Meter,
): LimitEntry | null {
  const counting = limitsFor(facts, snapshot, nowMs);
  if (counting.length === 0) return null;
  if (exemptionOf(stage, facts, snapshot.loaded, nowMs) !== null) return null;
  for (const limit of counting) {
    const said = meter.read(limit);
    if (said.kind === "ask") met.needs ??= "limit";
    else if (said.kind === "admit") {
      if (limit.limit.announce) met.announced = [...met.announced, limit];
    } else if (!isPaidFor(limit, facts)) {
      // Whoever is beyond the limit may have paid; whoever has not is told how.
      if (isUnseen(limit, facts)) met.needs ??= "clearance";
      if (limit.entry.mode !== "shadow") {
        met.limited = said;
        return limit;
      }
      rehearse(met, limit.entry.id);
    }
  }
  return null;
}

/** Of a limit beyond which whoever pays goes on. */
const isPaidFor = (limit: LimitEntry, { clearance }: RequestFacts): boolean => {
  const terms = challengeOf(limit);
  return terms !== null && clearance !== null && isPaid(clearance, terms);
};
const isUnseen = (limit: LimitEntry, { clearance }: RequestFacts): boolean =>
  clearance === null && challengeOf(limit) !== null;

/** Without a key nobody can be challenged: what fails open serves, and only what fails closed refuses. */
const isPossible = ({ challenge, entry }: KnownEntry, { clearance }: RequestFacts): boolean =>
  challenge === null || entry.fail === "closed" || clearance?.kind !== "unavailable";

/** What the stages so far left behind. */
type Met = {
  /** In force, and of a kind that refuses nobody. */
  passed: Readonly<Partial<Record<EnforcedKind, KnownEntry>>>;
  limited: LimitRefusal | null;
  shadowedIds: readonly string[];
  announced: readonly LimitEntry[];
  needs: Need | null;
  exemption: { readonly reason: VerdictReason; readonly entryId: string } | null;
};

/** What nearly every request leaves behind; the same lists for all of them, so that it costs nothing. */
const NOTHING_PASSED: Met["passed"] = {};
const NO_IDS: Met["shadowedIds"] = [];
const NO_LIMITS: Met["announced"] = [];

function rehearse(met: Met, id: string): void {
  met.shadowedIds = [...met.shadowedIds, id];
}

/** No stage enforced anything: production serves, and the first of exemption, shadow and nothing at all says why. */
function serveAfter({ facts, snapshot, met, nowMs }: Encounter): Decision {
  const { passed, exemption, shadowedIds, announced, needs } = met;
  const cache = passed["emergency-cache"] ?? null;
  const journal = passed["write-journal"] === undefined ? null : journalOf(facts, snapshot);
  const left = { announced, cache, journal, shadowedIds, needs };
  if (exemption !== null) return serve(exemption.reason, snapshot, exemption.entryId, left);
  const [firstShadowed] = shadowedIds;
  if (firstShadowed !== undefined) return serve("shadowed", snapshot, firstShadowed, left);
  return serve(isStale(snapshot, nowMs) ? "no_policy" : "clean", snapshot, null, left);
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
    const closed = snapshot.loaded.entries[stage.kind].filter(isRefusing).find(
      ({ entry, routes, methods, clients, startsAtMs }) =>
        entry.fail === "closed" &&
        entry.mode === "enforce" &&
        entry.expiresAtMs > nowMs &&
        (startsAtMs === null || startsAtMs <= nowMs) &&
        // Whom it means is what may be broken, and refusing everyone is worse than refusing nobody.
        clients === null &&
        (methods?.has(method) ?? true) &&
        (path === null || mayBeOnRoutes(path, routes)),
    );
    if (closed !== undefined) return closed;
  }
  return null;
}

/** What this stage turns on and nobody has found out yet. */
function needOf({ kind }: Stage, facts: RequestFacts, policy: Policy): Need | null {
  if (kind === "challenge") return facts.clearance === null ? "clearance" : null;
  if (kind !== "read-only") return null;
  return facts.isGraphqlRead === null && mayReadByPost(facts, policy) ? "body" : null;
}

/** Where a POST may be reading. Like an exemption, not for a path that routers may read differently. */
const mayReadByPost = (
  { method, path, isPlainPath }: RequestFacts,
  { settings }: Policy,
): boolean => method === "POST" && isPlainPath && isOnRoutes(path, settings.graphqlRoutes);

const isOnRoutes = (path: string, routes: readonly string[]): boolean =>
  routes.some((route) => matchesRoute(path, route));

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

type Left = Pick<Decision, "announced" | "cache" | "journal" | "shadowedIds" | "needs">;

const NOTHING_LEFT: Left = {
  announced: NO_LIMITS,
  cache: null,
  journal: null,
  shadowedIds: NO_IDS,
  needs: null,
};

const serve = (
  reason: VerdictReason,
  snapshot: Snapshot | null,
  entryId: string | null = null,
  { announced, cache, journal, shadowedIds, needs }: Left = NOTHING_LEFT,
): Decision => ({
  verdict: { action: "serve", reason, entryId, policySeq: snapshot?.loaded.policy.seq ?? null },
  enforced: null,
  limited: null,
  announced,
  cache,
  journal,
  shadowedIds,
  needs,
});

function reasonOf(
  enforced: RefusingEntry,
  { limited }: Met,
  { clearance }: RequestFacts,
): VerdictReason {
  if (limited !== null) return LIMIT_REASONS[limited.reason];
  const isUnavailable = enforced.challenge !== null && clearance?.kind === "unavailable";
  return isUnavailable ? "challenge_unavailable" : REASONS[enforced.kind];
}

const refuse = (enforced: RefusingEntry, { facts, snapshot, met }: Encounter): Decision => ({
  verdict: {
    action: ACTIONS[enforced.kind],
    reason: reasonOf(enforced, met, facts),
    entryId: enforced.entry.id,
    policySeq: snapshot.loaded.policy.seq,
  },
  enforced,
  limited: met.limited,
  announced: [],
  cache: null,
  journal: null,
  shadowedIds: met.shadowedIds,
  needs: met.needs,
});
