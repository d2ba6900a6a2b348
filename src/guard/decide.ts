/**
 * What becomes of one request. Pure: no I/O, no clock. The order, first match wins: guard off → own route (both before this
 * function, they need no policy) → operator bypass → maintenance → read-only → disabled feature → origin. Block, challenge and limit, and the
 * allowlist that exempts from those three and from nothing else, have their place before the bypass.
 */
import type { EnforcedKind, KnownEntry } from "../policy/kinds.ts";
import type { RequestFacts } from "./facts.ts";
import type { Snapshot } from "./loaded-policy.ts";
import { matchesRoute } from "./routes.ts";
import { isInShare } from "./share.ts";
import type { GuardSettings, Policy } from "../policy/policy.ts";
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
    if (stage.exempt !== null && isExempt(stage.exempt, facts, snapshot.loaded.policy)) {
      if (enforced !== undefined)
        met.exemption ??= { reason: stage.exempt.reason, entryId: enforced.entry.id };
      continue;
    }
    met.turnsOnBody ||= stage.kind === "read-only" && isGraphql(facts, snapshot);
    if (enforced !== undefined) return refuse(enforced, snapshot, met);
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
 * After a fault inside the guard: the entry that declared to fail closed, if one is in force for this method and path. Its
 * header and share are not asked, because what reads them may be what is broken; nor its routes when `path` is null.
 */
export function closedEntry(
  { method, path }: { readonly method: string; readonly path: string | null },
  snapshot: Snapshot | null,
  nowMs: number,
): KnownEntry | null {
  if (snapshot === null) return null;
  for (const stage of STAGES) {
    const closed = snapshot.loaded.entries[stage.kind].find(
      ({ entry, routes }) =>
        entry.fail === "closed" &&
        entry.mode === "enforce" &&
        entry.expiresAtMs > nowMs &&
        (path === null || isOnRoutes(path, routes)),
    );
    if (closed !== undefined && stage.concerns({ method, isGraphqlRead: false })) return closed;
  }
  return null;
}

/** What a kind of entry does to a request; also the reason of that verdict. */
export const ACTIONS = {
  maintenance: "maintenance",
  "read-only": "read_only",
  "disabled-feature": "disabled_feature",
} as const satisfies Record<EnforcedKind, Verdict["action"] & VerdictReason>;

/** One more is one more row of STAGES, in its place. */
type Stage = {
  readonly kind: EnforcedKind;
  /** Null: nothing is exempt from it. */
  readonly exempt: {
    readonly reason: VerdictReason;
    readonly routes: (settings: GuardSettings) => readonly string[];
  } | null;
  readonly concerns: (facts: Pick<RequestFacts, "method" | "isGraphqlRead">) => boolean;
};

const READING_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

const STAGES: readonly Stage[] = [
  {
    kind: "maintenance",
    exempt: { reason: "maintenance_exempt", routes: ({ maintenanceExempt }) => maintenanceExempt },
    concerns: () => true,
  },
  {
    kind: "read-only",
    exempt: { reason: "read_only_exempt", routes: ({ readOnlyExempt }) => readOnlyExempt },
    concerns: ({ method, isGraphqlRead }) => !READING_METHODS.has(method) && !isGraphqlRead,
  },
  {
    kind: "disabled-feature",
    exempt: null,
    concerns: () => true,
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
    ({ entry, routes, header }) =>
      entry.expiresAtMs > nowMs &&
      (entry.fail === "closed" || !cannotConfirm) &&
      isOnRoutes(facts.path, routes) &&
      carries(facts, header) &&
      isInShare(facts.clientKey, entry.salt, entry.share),
  );
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

/** Where a POST may be reading. Like an exemption, not for a path that routers may read differently. */
const isGraphql = ({ method, path, isPlainPath }: RequestFacts, { loaded }: Snapshot): boolean =>
  method === "POST" && isPlainPath && isOnRoutes(path, loaded.policy.settings.graphqlRoutes);

/** An exemption takes protection away, so a path that routers may read differently has none. */
const isExempt = (
  exempt: NonNullable<Stage["exempt"]>,
  facts: RequestFacts,
  { settings }: Policy,
): boolean => facts.isPlainPath && isOnRoutes(facts.path, exempt.routes(settings));

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
  enforced: KnownEntry,
  snapshot: Snapshot,
  { shadowedIds, turnsOnBody }: Met,
): Decision => ({
  verdict: {
    action: ACTIONS[enforced.kind],
    reason: ACTIONS[enforced.kind],
    entryId: enforced.entry.id,
    policySeq: snapshot.loaded.policy.seq,
  },
  enforced,
  shadowedIds,
  turnsOnBody,
});
