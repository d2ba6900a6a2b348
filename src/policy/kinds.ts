/**
 * The kinds of entry that this version enforces, and what their `match` and `action` say. An entry of another kind, or with
 * words in `match` that are not understood here, is left alone and counted: applying it to every request would be worse.
 */
import * as z from "zod/mini";
import {
  clientMatch,
  NAMES_NOBODY,
  namesSomebody,
  networkOf,
  type ClientMatch,
} from "./clients.ts";
import type { Feature, PolicyEntry } from "./policy.ts";

export const ENFORCED_KINDS = [
  "allow-networks",
  "block-networks",
  "maintenance",
  "read-only",
  "disabled-feature",
  "write-journal",
  "emergency-cache",
] as const;
export type EnforcedKind = (typeof ENFORCED_KINDS)[number];

export const MATCH_ROUTES_MAX = 64;

const routes = z
  .array(z.string().check(z.startsWith("/"), z.maxLength(500)))
  .check(z.minLength(1), z.maxLength(MATCH_ROUTES_MAX));

/** Which requests: all of them, or those on these routes (`/shop/*`, or one path). */
const anywhere = z.strictObject({ routes: z.optional(routes) });

/**
 * The same, and not before a moment. A guard of the version before does not know the word and leaves the entry alone, so it is
 * never early; when the moment has come the policy object takes the word out (windows.ts), and such a guard follows.
 */
const scheduled = z.strictObject({
  routes: z.optional(routes),
  startsAtMs: z.optional(z.int().check(z.minimum(0))),
});

/** Part of the site, never all of it. */
export const featureRoutes = routes.check(
  z.refine((patterns) => !patterns.includes("/*"), {
    message: "/* is the whole site: use maintenance",
  }),
);
/** Requests that carry this header; with a value, exactly this one. */
export const featureHeader = z.strictObject({
  name: z.string().check(z.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, "write a header's name")),
  value: z.optional(z.string().check(z.maxLength(500))),
});
const feature = z.union([
  z.strictObject({ routes: featureRoutes, header: z.optional(featureHeader) }),
  /** By the name that `site.yaml` gives it. */
  z.strictObject({ feature: z.string().check(z.minLength(1), z.maxLength(60)) }),
]);

/** Some clients, never all of them; on these routes only, if there are any. */
const clients = z
  .strictObject({ ...clientMatch, routes: z.optional(routes) })
  .check(z.refine(namesSomebody, NAMES_NOBODY));

/** Everywhere: an allowed client is spared like one on the site's own allowlist. */
const allowedClients = z
  .strictObject({ ...clientMatch, routes: z.optional(z.never()) })
  .check(z.refine(namesSomebody, NAMES_NOBODY));

const MATCHES = {
  "allow-networks": allowedClients,
  "block-networks": clients,
  maintenance: scheduled,
  "read-only": scheduled,
  "disabled-feature": feature,
  "write-journal": z.strictObject({ routes }),
  "emergency-cache": anywhere,
} as const satisfies Record<EnforcedKind, z.ZodMiniType>;

/** What the visitor is told; both fall back to the site's message and the time the lease has left. */
const action = z.object({
  message: z.optional(z.string().check(z.maxLength(500))),
  retryAfterSeconds: z.optional(z.int().check(z.minimum(1), z.maximum(86_400))),
  /** How long a copy in the emergency cache answers without production being asked. */
  freshSeconds: z.optional(z.int().check(z.minimum(1), z.maximum(86_400))),
});

/** An entry whose kind, match and action are understood. */
export type KnownEntry = {
  readonly kind: EnforcedKind;
  readonly entry: PolicyEntry;
  /** Null: every route. */
  readonly routes: readonly string[] | null;
  /** Null: with any headers or none. */
  readonly header: Feature["header"];
  /** Null: every client. */
  readonly clients: ClientMatch | null;
  /** Enforced in the guard by timestamp; null: since it was put. */
  readonly startsAtMs: number | null;
  readonly message: string | null;
  readonly retryAfterSeconds: number | null;
  readonly freshSeconds: number | null;
};

/** Of a kind that answers in production's place by saying why it does not serve. */
export type RefusingEntry = KnownEntry & {
  readonly kind: Exclude<EnforcedKind, "allow-networks" | "write-journal" | "emergency-cache">;
};
const REFUSES_NOBODY: ReadonlySet<EnforcedKind> = new Set([
  "allow-networks",
  "write-journal",
  "emergency-cache",
]);
export const isRefusing = (known: KnownEntry): known is RefusingEntry =>
  !REFUSES_NOBODY.has(known.kind);

/** Reads an entry as one of the kinds above; null when this version does not know what it asks for, or the site has no such feature. */
export function knownEntry(entry: PolicyEntry, features: readonly Feature[]): KnownEntry | null {
  const kind = ENFORCED_KINDS.find((known) => known === entry.kind);
  if (kind === undefined) return null;
  const matched = whereOf(kind, entry.match, features);
  const acted = action.safeParse(entry.action);
  if (matched === null || !acted.success) return null;
  return {
    kind,
    entry,
    ...matched,
    message: acted.data.message ?? null,
    retryAfterSeconds: acted.data.retryAfterSeconds ?? null,
    freshSeconds: acted.data.freshSeconds ?? null,
  };
}

/** When an entry with this match begins; null: it has. */
export function startOf(match: unknown): number | null {
  const parsed = scheduled.safeParse(match);
  return parsed.success ? (parsed.data.startsAtMs ?? null) : null;
}

type Where = Pick<KnownEntry, "routes" | "header" | "clients" | "startsAtMs">;

function whereOf(kind: EnforcedKind, match: unknown, features: readonly Feature[]): Where | null {
  if (kind === "block-networks" || kind === "allow-networks") return whoseOf(kind, match);
  const parsed = MATCHES[kind].safeParse(match);
  if (!parsed.success) return null;
  if ("feature" in parsed.data) {
    const { feature: wanted } = parsed.data;
    const found = features.find(({ id }) => id === wanted);
    return found === undefined
      ? null
      : { routes: found.routes, header: found.header, clients: null, startsAtMs: null };
  }
  const header = "header" in parsed.data ? parsed.data.header : undefined;
  return {
    routes: parsed.data.routes ?? null,
    header: header ?? null,
    clients: null,
    startsAtMs: startOf(match),
  };
}

function whoseOf(kind: "allow-networks" | "block-networks", match: unknown): Where | null {
  const parsed = MATCHES[kind].safeParse(match);
  if (!parsed.success) return null;
  const { networks = [], asns = [], countries = [], ja4s = [], listed = false } = parsed.data;
  return {
    routes: parsed.data.routes ?? null,
    header: null,
    clients: { networks: networks.map(networkOf), asns, countries, ja4s, isListed: listed },
    startsAtMs: null,
  };
}
