/**
 * The kinds of entry that this version enforces, and what their `match` and `action` say. An entry of another kind, or with
 * words in `match` that are not understood here, is left alone and counted: applying it to every request would be worse.
 */
import { foldRoute } from "../guard/routes.ts";
import {
  either,
  object,
  only,
  optional,
  text,
  that,
  whole,
  type Read,
  type Shape,
} from "../shared/shape.ts";
import { challengeTerms, type ChallengeTerms } from "./challenge.ts";
import { clientMatch, listMatch, namesSomebody, type ClientMatch } from "./clients.ts";
import { limitMatch, limitTerms, type LimitTerms } from "./limits.ts";
import { headerName, isWholeSite, routes } from "./patterns.ts";
import type { Feature, PolicyEntry } from "./policy.ts";

export const ENFORCED_KINDS = [
  "allow-networks",
  "block-networks",
  "challenge",
  "rate-limit",
  "maintenance",
  "read-only",
  "disabled-feature",
  "write-journal",
  "emergency-cache",
  "security-log",
] as const;
export type EnforcedKind = (typeof ENFORCED_KINDS)[number];

/** Kinds that may name clients: those from which allowlist and protected classes exempt, and the one that allows. */
const CLIENT_KINDS: ReadonlySet<string> = new Set<EnforcedKind>([
  "allow-networks",
  "block-networks",
  "challenge",
  "rate-limit",
]);
export const isForClients = ({ kind }: { readonly kind: string }): boolean =>
  CLIENT_KINDS.has(kind);

/** Which requests: all of them, or those on these routes (`/shop/*`, or one path). */
const anywhere = only({ routes: optional(routes) });

/**
 * The same, and not before a moment. A guard of the version before does not know the word and leaves the entry alone, so it is
 * never early; when the moment has come the policy object takes the word out (windows.ts), and such a guard follows.
 */
const scheduled = only({ routes: optional(routes), startsAtMs: optional(whole(0)) });

/** Part of the site, never all of it, for all or for requests that carry a header; or by the name that `site.yaml` gives it. */
const feature = either(
  only({
    routes: that(routes, (patterns) => !patterns.some(isWholeSite), "part of the site"),
    header: optional(only({ name: headerName, value: optional(text(500)) })),
  }),
  only({ feature: text(60, 1) }),
);

/** These clients, or all of them; on these routes only, if there are any. */
const anyone = only({ ...clientMatch, routes: optional(routes) });

/** Some clients, never all of them. */
const blockedClients = that(
  only({ ...listMatch, routes: optional(routes) }),
  namesSomebody,
  "a match that names somebody",
);

/** Everywhere: an allowed client is spared like one on the site's own allowlist. */
const allowedClients = that(only(listMatch), namesSomebody, "a match that names somebody");

const MATCHES = {
  "allow-networks": allowedClients,
  "block-networks": blockedClients,
  challenge: anyone,
  maintenance: scheduled,
  "read-only": scheduled,
  "disabled-feature": feature,
  "write-journal": only({ routes }),
  "emergency-cache": anywhere,
  "security-log": anywhere,
} as const satisfies Record<Exclude<EnforcedKind, "rate-limit">, Shape<object>>;

/** What the visitor is told; both fall back to the site's message and the time the lease has left. */
const action = object({
  message: optional(text(500)),
  retryAfterSeconds: optional(whole(1, 86_400)),
  /** How long a copy in the emergency cache answers without production being asked. */
  freshSeconds: optional(whole(1, 86_400)),
});

/** An entry whose kind, match and action are understood. */
export type KnownEntry = {
  readonly kind: EnforcedKind;
  readonly entry: PolicyEntry;
  /** As routes.ts folds them; null: every route. */
  readonly routes: readonly string[] | null;
  /** Null: by every method. */
  readonly methods: ReadonlySet<string> | null;
  /** Null: with any headers or none. */
  readonly header: Feature["header"];
  /** Null: every client. */
  readonly clients: ClientMatch | null;
  /** Enforced in the guard by timestamp; null: since it was put. */
  readonly startsAtMs: number | null;
  readonly message: string | null;
  readonly retryAfterSeconds: number | null;
  readonly freshSeconds: number | null;
  /** Null for every kind but a rate limit. */
  readonly limit: LimitTerms | null;
  /** Null: it asks for nothing. */
  readonly challenge: ChallengeTerms | null;
};

/** Of a kind that answers in production's place by saying why it does not serve. */
export type RefusingEntry = KnownEntry & {
  readonly kind: Exclude<
    EnforcedKind,
    "allow-networks" | "write-journal" | "emergency-cache" | "security-log"
  >;
};
const REFUSES_NOBODY: ReadonlySet<EnforcedKind> = new Set([
  "allow-networks",
  "write-journal",
  "emergency-cache",
  "security-log",
]);
export const isRefusing = (known: KnownEntry): known is RefusingEntry =>
  !REFUSES_NOBODY.has(known.kind);

/** Reads an entry as one of the kinds above; null when this version does not know what it asks for, or the site has no such feature. */
export function knownEntry(entry: PolicyEntry, features: readonly Feature[]): KnownEntry | null {
  const kind = ENFORCED_KINDS.find((known) => known === entry.kind);
  if (kind === undefined) return null;
  const matched = whereOf(kind, entry.match, features);
  const acted = action(entry.action);
  const terms = matched === null ? null : termsOf(kind, entry.action, matched);
  if (matched === null || terms === null || !acted.ok) return null;
  return {
    kind,
    entry,
    ...matched,
    routes: matched.routes?.map(foldRoute) ?? null,
    message: acted.value.message ?? null,
    retryAfterSeconds: acted.value.retryAfterSeconds ?? null,
    freshSeconds: acted.value.freshSeconds ?? null,
    ...terms,
  };
}

/** What only some kinds have; null when a kind that has it does not say it right. */
function termsOf(
  kind: EnforcedKind,
  given: unknown,
  where: Where,
): Pick<KnownEntry, "limit" | "challenge"> | null {
  if (kind === "rate-limit") {
    const limit = limitTerms(given);
    return isCountable(limit, where) ? { limit, challenge: null } : null;
  }
  if (kind !== "challenge") return { limit: null, challenge: null };
  const challenge = challengeTerms(given);
  return challenge.ok ? { limit: null, challenge: challenge.value } : null;
}

/** When an entry with this match begins; null: it has. */
export function startOf(match: unknown): number | null {
  const read = scheduled(match);
  return read.ok ? (read.value.startsAtMs ?? null) : null;
}

type Where = Pick<KnownEntry, "routes" | "methods" | "header" | "clients" | "startsAtMs">;

const ANYWHERE: Where = {
  routes: null,
  methods: null,
  header: null,
  clients: null,
  startsAtMs: null,
};

/** Counting by route takes routes: the pattern is counted, for paths are of the client's choosing. */
const isCountable = (limit: LimitTerms | null, { routes: on }: Where): boolean =>
  limit !== null && !(limit.by.includes("route") && on === null);

function whereOf(kind: EnforcedKind, match: unknown, features: readonly Feature[]): Where | null {
  if (kind === "allow-networks" || kind === "block-networks" || kind === "challenge") {
    return whoseOf(kind, match);
  }
  if (kind === "rate-limit") return countedOf(match);
  const shape: Shape<Read<(typeof MATCHES)[typeof kind]>> = MATCHES[kind];
  const read = shape(match);
  if (!read.ok) return null;
  if ("feature" in read.value) {
    const { feature: wanted } = read.value;
    const found = features.find(({ id }) => id === wanted);
    return found === undefined ? null : { ...ANYWHERE, routes: found.routes, header: found.header };
  }
  const header = "header" in read.value ? read.value.header : undefined;
  return {
    ...ANYWHERE,
    routes: read.value.routes ?? null,
    header: header ?? null,
    startsAtMs: startOf(match),
  };
}

function whoseOf(
  kind: "allow-networks" | "block-networks" | "challenge",
  match: unknown,
): Where | null {
  const shape: Shape<NamedClients> = MATCHES[kind];
  const read = shape(match);
  if (!read.ok) return null;
  return { ...ANYWHERE, routes: read.value.routes ?? null, clients: clientsOf(read.value) };
}

function countedOf(match: unknown): Where | null {
  const read = limitMatch(match);
  if (!read.ok) return null;
  const { routes: on, methods } = read.value;
  return {
    ...ANYWHERE,
    routes: on ?? null,
    methods: methods === undefined ? null : countedMethods(methods),
    clients: clientsOf(read.value),
  };
}

/** A HEAD is a GET to whoever answers it, and as dear: nobody asks twice as much for being content with less. */
const countedMethods = (methods: readonly string[]): ReadonlySet<string> =>
  new Set(methods.includes("GET") ? [...methods, "HEAD"] : methods);

type NamedClients = Read<typeof blockedClients>;

/** Null: every client. */
const clientsOf = (named: NamedClients): ClientMatch | null => {
  if (!namesSomebody(named)) return null;
  const { networks = [], asns = [], countries = [], ja4s = [], listed, list = null } = named;
  return { networks, asns, countries, ja4s, isListed: listed === true, list };
};
