/**
 * The policy: what the active leases add up to, as the guard reads it. This format is a contract: additive only,
 * and a guard built before or after this file reads what this file writes.
 */
import * as z from "zod/mini";
import { standingLimit } from "./limits.ts";

export const POLICY_FORMAT = 1;
export const ENTRIES_MAX = 5_000;
export const POLICY_BYTES_MAX = 512 * 1024;
export const TRAFFIC_SHARDS_MAX = 16;
export const LIMITER_SHARDS_MAX = 256;

/** Orders policies across restores: a higher epoch wins, then a higher n. */
export const policySeq = z.object({
  epoch: z.int().check(z.minimum(0)),
  n: z.int().check(z.minimum(0)),
});
export type PolicySeq = z.infer<typeof policySeq>;

/** `maintenance`, `read-only`, …: open, because a guard may be older than the control plane; it ignores and counts what it does not know. */
export const policyEntry = z.object({
  /** The lease's id, or a hand-made one. */
  id: z.string().check(z.minLength(1), z.maxLength(80)),
  kind: z.string().check(z.minLength(1), z.maxLength(40)),
  owner: z.string().check(z.maxLength(120)),
  /** For the operator and the journal, never shown to visitors. */
  reason: z.string().check(z.maxLength(500)),
  /** Which requests: kind-specific. Empty means every request. */
  match: z._default(z.record(z.string(), z.unknown()), {}),
  /** What is done with them: kind-specific, such as the message and Retry-After. */
  action: z._default(z.record(z.string(), z.unknown()), {}),
  mode: z.enum(["enforce", "shadow"]),
  /** What a fault inside the guard, or a snapshot past its limit, means for this entry. */
  fail: z.enum(["open", "closed"]),
  /** Share of clients it applies to, by a stable hash of client key and salt; below 1 while it is being released. */
  share: z.number().check(z.minimum(0), z.maximum(1)),
  salt: z.string().check(z.maxLength(80)),
  /** Enforced in the guard by timestamp, even if everything else is dead. */
  expiresAtMs: z.int(),
});
export type PolicyEntry = z.infer<typeof policyEntry>;

/** A part of the site that can be switched off by name. */
export const feature = z.object({
  id: z.string(),
  routes: z.array(z.string()),
  /** Only requests that carry this header, with this value if it is given; null: all. */
  header: z.nullable(z.object({ name: z.string(), value: z.optional(z.string()) })),
});
export type Feature = z.infer<typeof feature>;

/** A route whose deliveries are kept while production cannot take them. */
export const journalRoute = z.object({
  id: z.string().check(z.regex(/^[a-z][a-z0-9-]{0,59}$/)),
  /** A path, or a prefix that ends in a star. */
  route: z.string().check(z.startsWith("/"), z.maxLength(500)),
  scheme: z.enum(["stripe", "standard-webhooks", "hmac-sha256", "shared-secret"]),
  /** Null: where the scheme says. */
  header: z.nullable(z.string()),
  idHeader: z.nullable(z.string()),
  /** The name of the secret, never the secret itself. */
  secret: z.string(),
  /** Request headers that receivers need beside those of the scheme, in lower case. */
  keepHeaders: z.array(z.string()),
  bodyBytesMax: z.int().check(z.minimum(1)),
  deliveriesMax: z.int().check(z.minimum(1)),
  bytesMax: z.int().check(z.minimum(1)),
});
export type JournalRoute = z.infer<typeof journalRoute>;
// Not `z.catch`, which alone makes the guard 3 kB larger.
const notUnderstood = z.pipe(
  z.unknown(),
  z.transform((): JournalRoute[] => []),
);

const BLOCKED = "Requests from your network are not accepted at the moment.";
const LIMITED = "Too many requests have come from here in a short time.";
const CHALLENGED =
  "This site is busier than usual and asks every browser for a little work before it goes on.";
const FEATURE_OFF = "This part of the site is switched off for the moment.";

/** What does not come from leases but the guard must know: from `site.yaml`. */
export const guardSettings = z.object({
  /** Networks that skip block, challenge and limit. */
  allowlist: z._default(z.array(z.string()), []),
  /** Who skips them besides. */
  protectedClasses: z.prefault(
    z.object({
      ownMonitors: z._default(z.boolean(), true),
      verifiedBots: z._default(z.boolean(), true),
      webhookRoutes: z._default(z.array(z.string()), []),
    }),
    {},
  ),
  maintenanceExempt: z._default(z.array(z.string()), []),
  readOnlyExempt: z._default(z.array(z.string()), []),
  /** Read, with GET and HEAD, also in maintenance. */
  staticAssets: z._default(z.array(z.string()), []),
  /** Where a POST is a GraphQL operation: in read-only its body says whether it writes. */
  graphqlRoutes: z._default(z.array(z.string()), []),
  features: z._default(z.array(feature), []),
  /** What the emergency cache may take for the same to every visitor. Header and cookie names in lower case as sent. */
  emergencyCache: z.prefault(
    z.object({
      publicRoutes: z._default(z.array(z.string()), []),
      harmlessCookies: z._default(z.array(z.string()), []),
      harmlessHeaders: z._default(z.array(z.string()), []),
    }),
    {},
  ),
  /** Rate limits that stand whatever the incident. */
  limits: z._default(z.array(standingLimit), []),
  /** How many `Limiter` objects share the keys; changing it gives every key its quota once more. */
  limiterShards: z._default(z.int().check(z.minimum(1), z.maximum(LIMITER_SHARDS_MAX)), 4),
  /** The public half of the site's Turnstile widget; null has none, and then challenges are work of our own. */
  turnstileSiteKey: z._default(z.nullable(z.string()), null),
  pollMs: z.int().check(z.minimum(100)),
  /** Among how many `Traffic` objects isolates spread what they report. */
  trafficShards: z._default(z.int().check(z.minimum(1), z.maximum(TRAFFIC_SHARDS_MAX)), 1),
  /** Until then every answer of the guard names the policy that it was decided on; null: only our probes are told. */
  policyHeaderUntilMs: z._default(z.nullable(z.int()), null),
  /** How the client's address is known: Cloudflare's header, a header set by a named proxy, or not at all. */
  clientAddress: z._default(
    z.union([z.enum(["cloudflare", "none"]), z.object({ header: z.string() })]),
    "cloudflare",
  ),
  /** Where a route is of a scheme that a guard does not know, it journals nothing. */
  writeJournal: z._default(z.union([z.array(journalRoute), notUnderstood]), []),
  /** Where a refused visitor finds out more; null: nowhere. */
  statusPage: z._default(z.nullable(z.string()), null),
  /** What visitors read. `contact` is an address, a URL or a sentence; null says nothing. */
  title: z._default(z.string(), "This site"),
  messages: z._default(
    z.object({
      maintenance: z.string(),
      readOnly: z.string(),
      disabledFeature: z._default(z.string(), FEATURE_OFF),
      blocked: z._default(z.string(), BLOCKED),
      limited: z._default(z.string(), LIMITED),
      challenge: z._default(z.string(), CHALLENGED),
      contact: z.nullable(z.string()),
    }),
    {
      maintenance: "We are working on it and will be back shortly.",
      readOnly: "Changes are paused for the moment; reading works.",
      disabledFeature: FEATURE_OFF,
      blocked: BLOCKED,
      limited: LIMITED,
      challenge: CHALLENGED,
      contact: null,
    },
  ),
});
export type GuardSettings = z.infer<typeof guardSettings>;

export const policy = z.object({
  format: z.int(),
  instance: z.string(),
  seq: policySeq,
  compiledAtMs: z.int(),
  /** A snapshot last confirmed longer ago than this counts as cold. */
  staleAfterMs: z.int(),
  settings: guardSettings,
  entries: z.array(policyEntry).check(z.maxLength(ENTRIES_MAX)),
  /** Content-addressed tables, named by sha256; none in format 1's first form. */
  blobs: z._default(z.record(z.string(), z.unknown()), {}),
});
export type Policy = z.infer<typeof policy>;

/** Negative when `a` is older than `b`, positive when newer, zero when they are the same policy. */
export const compareSeq = (a: PolicySeq, b: PolicySeq): number => a.epoch - b.epoch || a.n - b.n;

/** `<epoch>.<n>`, as headers and telemetry carry it. */
export const formatSeq = (seq: PolicySeq): string => `${seq.epoch}.${seq.n}`;
