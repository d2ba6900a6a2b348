/** The stages that policy entries stand in, in the order they are asked; one more is one more row, in its place. */
import type { EnforcedKind, RefusingEntry } from "../policy/kinds.ts";
import type { GuardSettings } from "../policy/policy.ts";
import { isUpgrade } from "./audience.ts";
import { isSharedRead } from "./emergency-cache/shared-read.ts";
import { isAllowed } from "./client-table.ts";
import type { RequestFacts } from "./facts.ts";
import { readsOnlyInUrl } from "./graphql/reads-only.ts";
import type { LimitRefusal } from "./limits/rate-limit.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";
import { foldRoute, matchesRoute, mayMatchRoute } from "./routes.ts";
import type { Verdict, VerdictReason } from "./verdict.ts";

export type Stage = {
  readonly kind: EnforcedKind;
  /** Why the request is exempt by where it goes; null: no route is exempt from this stage. */
  readonly exempt: {
    readonly reason: VerdictReason;
    readonly routes: (settings: GuardSettings) => readonly string[];
  } | null;
  /** Why the request is exempt by who sends it, null when it is not. */
  readonly spares: (
    facts: RequestFacts,
    loaded: LoadedPolicy,
    nowMs: number,
  ) => VerdictReason | null;
  readonly concerns: (facts: RequestFacts, settings: GuardSettings) => boolean;
  /** The same for an entry that fails closed, after a fault: when the method may be all that is known. */
  readonly mayConcern: (method: string) => boolean;
};

const READING_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const mayWrite = (method: string): boolean => !READING_METHODS.has(method);

/** Where the method says that it reads, but what it asks for may not. */
const mayWriteByUrl = (facts: RequestFacts, { graphqlRoutes }: GuardSettings): boolean =>
  graphqlRoutes.some((route) => mayBeOn(facts, foldRoute(route))) && !readsOnlyInUrl(facts.url);

const mayBeOn = ({ path, otherPaths }: RequestFacts, folded: string): boolean =>
  mayMatchRoute(path, folded) || otherPaths.some((other) => mayMatchRoute(other, folded));

/** A browser's own: with an origin, and without any header by which some applications would take it for another method. */
const isPreflight = (facts: RequestFacts): boolean =>
  facts.method === "OPTIONS" &&
  facts.header("access-control-request-method") !== null &&
  facts.header("origin") !== null &&
  METHOD_OVERRIDES.every((name) => facts.header(name) === null);
const METHOD_OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override"];

const sparesNobody = (): null => null;

/** Pages that are open already, and what the site's own error pages look like, go on working. */
const sparesAssets = (facts: RequestFacts, { policy }: LoadedPolicy): VerdictReason | null =>
  (facts.method === "GET" || facts.method === "HEAD") &&
  facts.isPlainPath &&
  policy.settings.staticAssets.some((route) => matchesRoute(facts.path, route))
    ? "static_asset"
    : null;

export const STAGES: readonly Stage[] = [
  {
    kind: "block-networks",
    exempt: {
      reason: "protected",
      routes: ({ protectedClasses }) => protectedClasses.webhookRoutes,
    },
    spares: whoIsSpared,
    concerns: () => true,
    mayConcern: () => true,
  },
  {
    kind: "challenge",
    exempt: {
      reason: "protected",
      routes: ({ protectedClasses }) => protectedClasses.webhookRoutes,
    },
    spares: whoIsSpared,
    // A preflight carries no cookies, so it can show no clearance, and asks on behalf of a request that can.
    concerns: (facts) => !isPreflight(facts),
    mayConcern: () => true,
  },
  {
    kind: "rate-limit",
    exempt: {
      reason: "protected",
      routes: ({ protectedClasses }) => protectedClasses.webhookRoutes,
    },
    spares: whoIsSpared,
    concerns: () => true,
    mayConcern: () => true,
  },
  {
    kind: "maintenance",
    exempt: { reason: "maintenance_exempt", routes: ({ maintenanceExempt }) => maintenanceExempt },
    spares: sparesAssets,
    concerns: () => true,
    mayConcern: () => true,
  },
  {
    kind: "read-only",
    exempt: { reason: "read_only_exempt", routes: ({ readOnlyExempt }) => readOnlyExempt },
    spares: sparesNobody,
    concerns: (facts, settings) =>
      mayWrite(facts.method)
        ? facts.isGraphqlRead !== true
        : isUpgrade(facts.method, facts.header("upgrade")) || mayWriteByUrl(facts, settings),
    mayConcern: mayWrite,
  },
  {
    kind: "disabled-feature",
    exempt: null,
    spares: sparesNobody,
    concerns: () => true,
    mayConcern: () => true,
  },
  {
    // Deliveries wait, and what comes next joins them.
    kind: "write-journal",
    exempt: null,
    spares: sparesNobody,
    concerns: ({ method, isPlainPath }) => method === "POST" && isPlainPath,
    // It refuses nobody, whatever is broken.
    mayConcern: () => false,
  },
  {
    kind: "emergency-cache",
    exempt: null,
    spares: sparesNobody,
    concerns: isSharedRead,
    // It refuses nobody, whatever is broken.
    mayConcern: () => false,
  },
];

/** Who is allowed, and who else no automation may block or challenge; they exempt from these and nothing else. */
function whoIsSpared(
  facts: RequestFacts,
  { policy, clients }: LoadedPolicy,
  nowMs: number,
): VerdictReason | null {
  const { ownMonitors, verifiedBots } = policy.settings.protectedClasses;
  if (clients !== null && isAllowed(clients, facts, nowMs)) return "allowlisted";
  const isProtected = (ownMonitors && facts.isProbe) || (verifiedBots && facts.isVerifiedBot());
  return isProtected ? "protected" : null;
}

/** What a kind of entry does to a request. */
export const ACTIONS = {
  "block-networks": "block",
  challenge: "challenge",
  "rate-limit": "limit",
  maintenance: "maintenance",
  "read-only": "read_only",
  "disabled-feature": "disabled_feature",
} as const satisfies Record<RefusingEntry["kind"], Verdict["action"]>;

/** The reason of that verdict. */
export const REASONS = {
  "block-networks": "blocked",
  challenge: "challenged",
  "rate-limit": "limited",
  maintenance: "maintenance",
  "read-only": "read_only",
  "disabled-feature": "disabled_feature",
} as const satisfies Record<RefusingEntry["kind"], VerdictReason>;

/** The same for a limit, by what it said. */
export const LIMIT_REASONS = {
  limited: "limited",
  blocked: "limited_for_a_while",
  unavailable: "limit_unavailable",
} as const satisfies Record<LimitRefusal["reason"], VerdictReason>;
