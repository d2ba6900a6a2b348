/**
 * What becomes of one request. Pure: no I/O, no clock. The order, first match wins: guard off → own route (both before this
 * function, they need no policy) → operator bypass → maintenance → read-only → origin. Block, challenge and limit, and the
 * allowlist that exempts from those three and from nothing else, have their place before the bypass.
 */
import type { KnownEntry } from "../policy/kinds.ts";
import type { RequestFacts } from "./facts.ts";
import type { LoadedPolicy, Snapshot } from "./loaded-policy.ts";
import { matchesRoute } from "./routes.ts";
import { isInShare } from "./share.ts";
import type { Verdict, VerdictReason } from "./verdict.ts";

export type Decision = {
  readonly verdict: Verdict;
  /** What is enforced, null when the request goes to production. */
  readonly enforced: KnownEntry | null;
  /** Entries in shadow that would have been enforced. */
  readonly shadowedIds: readonly string[];
  /** Its body may show that it only reads: whoever can read that decides again, with `isGraphqlRead` as it turned out. */
  readonly turnsOnBody: boolean;
};

/** `snapshot` is null in an isolate that has never seen a policy: then production is served. */
export function decide(facts: RequestFacts, snapshot: Snapshot | null, nowMs: number): Decision {
  if (snapshot === null) return serve("no_policy", null);
  if (facts.operator !== null) return serve("operator_bypass", snapshot);

  const met: Met = { shadowedIds: [], turnsOnBody: false, exemption: null };
  for (const stage of STAGES) {
    const hits = hitsOf(stage, facts, snapshot, nowMs);
    if (hits.length === 0) continue;
    const enforced = hits.find(({ entry }) => entry.mode === "enforce");
    if (isExempt(stage, facts, snapshot.loaded)) {
      if (enforced !== undefined)
        met.exemption ??= { reason: stage.exempt, entryId: enforced.entry.id };
      continue;
    }
    met.turnsOnBody ||= stage.kind === "read-only" && isGraphql(facts, snapshot);
    if (enforced !== undefined) return refuse(stage.action, enforced, snapshot, met);
    met.shadowedIds.push(...hits.map(({ entry }) => entry.id));
  }
  return serveAfter(met, snapshot, nowMs);
}

/** What the stages so far left behind. */
type Met = {
  readonly shadowedIds: string[];
  turnsOnBody: boolean;
  exemption: { readonly reason: VerdictReason; readonly entryId: string } | null;
};

/** No stage enforced anything: production serves, and the first of exemption, shadow and nothing at all says why. */
function serveAfter(met: Met, snapshot: Snapshot, nowMs: number): Decision {
  const { exemption, shadowedIds, turnsOnBody } = met;
  const [firstShadowed] = shadowedIds;
  const why =
    exemption !== null
      ? serve(exemption.reason, snapshot, exemption.entryId)
      : firstShadowed !== undefined
        ? serve("shadowed", snapshot, firstShadowed)
        : serve(isStale(snapshot, nowMs) ? "no_policy" : "clean", snapshot);
  return { ...why, shadowedIds, turnsOnBody };
}

/**
 * After a fault inside the guard: the entry that declared to fail closed, if one is in force for this method. Its routes and
 * share are not asked, because what reads them may be what is broken.
 */
export function closedEntry(
  method: string,
  snapshot: Snapshot | null,
  nowMs: number,
): KnownEntry | null {
  if (snapshot === null) return null;
  for (const stage of STAGES) {
    const closed = snapshot.loaded.entries[stage.kind].find(
      ({ entry }) =>
        entry.fail === "closed" && entry.mode === "enforce" && entry.expiresAtMs > nowMs,
    );
    if (closed !== undefined && stage.concerns({ method, isGraphqlRead: false })) return closed;
  }
  return null;
}

type Stage = {
  readonly kind: keyof LoadedPolicy["entries"];
  readonly action: "maintenance" | "read_only";
  readonly exempt: VerdictReason;
  readonly exemptRoutes: (loaded: LoadedPolicy) => readonly string[];
  readonly concerns: (facts: Pick<RequestFacts, "method" | "isGraphqlRead">) => boolean;
};

const READING_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

const STAGES: readonly Stage[] = [
  {
    kind: "maintenance",
    action: "maintenance",
    exempt: "maintenance_exempt",
    exemptRoutes: ({ policy }) => policy.settings.maintenanceExempt,
    concerns: () => true,
  },
  {
    kind: "read-only",
    action: "read_only",
    exempt: "read_only_exempt",
    exemptRoutes: ({ policy }) => policy.settings.readOnlyExempt,
    concerns: ({ method, isGraphqlRead }) => !READING_METHODS.has(method) && !isGraphqlRead,
  },
];

const NONE: readonly KnownEntry[] = [];

const hitsOf = (
  stage: Stage,
  facts: RequestFacts,
  snapshot: Snapshot,
  nowMs: number,
): readonly KnownEntry[] => {
  const entries = snapshot.loaded.entries[stage.kind];
  if (entries.length === 0 || !stage.concerns(facts)) return NONE;
  const cannotConfirm = isStale(snapshot, nowMs);
  return entries.filter(
    ({ entry, routes }) =>
      entry.expiresAtMs > nowMs &&
      (entry.fail === "closed" || !cannotConfirm) &&
      (routes?.some((route) => matchesRoute(facts.path, route)) ?? true) &&
      isInShare(facts.clientKey, entry.salt, entry.share),
  );
};

const isStale = ({ loaded, confirmedAtMs }: Snapshot, nowMs: number): boolean =>
  nowMs - confirmedAtMs > loaded.policy.staleAfterMs;

/** Where a POST may be reading. Like an exemption, not for a path that routers may read differently. */
const isGraphql = ({ method, path, isPlainPath }: RequestFacts, { loaded }: Snapshot): boolean =>
  method === "POST" &&
  isPlainPath &&
  loaded.policy.settings.graphqlRoutes.some((route) => matchesRoute(path, route));

/** An exemption takes protection away, so a path that routers may read differently has none. */
const isExempt = (stage: Stage, facts: RequestFacts, loaded: LoadedPolicy): boolean =>
  facts.isPlainPath && stage.exemptRoutes(loaded).some((route) => matchesRoute(facts.path, route));

const serve = (
  reason: VerdictReason,
  snapshot: Snapshot | null,
  entryId: string | null = null,
): Decision => ({
  verdict: { action: "serve", reason, entryId, policySeq: snapshot?.loaded.policy.seq ?? null },
  enforced: null,
  shadowedIds: [],
  turnsOnBody: false,
});

const refuse = (
  action: "maintenance" | "read_only",
  enforced: KnownEntry,
  snapshot: Snapshot,
  { shadowedIds, turnsOnBody }: Met,
): Decision => ({
  verdict: {
    action,
    reason: action,
    entryId: enforced.entry.id,
    policySeq: snapshot.loaded.policy.seq,
  },
  enforced,
  shadowedIds,
  turnsOnBody,
});
