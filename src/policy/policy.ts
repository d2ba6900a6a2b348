/**
 * The policy: what the active leases add up to, as the guard reads it. This format is a contract: additive only,
 * and a guard built before or after this file reads what this file writes.
 */
import { ok } from "../shared/result.ts";
import {
  either,
  fields,
  list,
  nullable,
  number,
  object,
  oneOf,
  optional,
  sure,
  text,
  textThat,
  truth,
  whole,
  withDefault,
  type Read,
  type Shape,
} from "../shared/shape.ts";
import { standingLimit } from "./limits.ts";
import { routeText } from "./patterns.ts";

export const POLICY_FORMAT = 1;
export const ENTRIES_MAX = 5_000;
export const POLICY_BYTES_MAX = 512 * 1024;
export const TRAFFIC_SHARDS_MAX = 16;
export const LIMITER_SHARDS_MAX = 256;

/** Orders policies across restores: a higher epoch wins, then a higher n. */
export const policySeq = object({ epoch: whole(0), n: whole(0) });
export type PolicySeq = Read<typeof policySeq>;

/** `maintenance`, `read-only`, …: open, because a guard may be older than the control plane; it ignores and counts what it does not know. */
export const policyEntry = object({
  /** The lease's id, or a hand-made one. */
  id: text(80, 1),
  kind: text(40, 1),
  owner: text(120),
  /** For the operator and the journal, never shown to visitors. */
  reason: text(500),
  /** Which requests: kind-specific. Empty means every request. */
  match: withDefault(fields, {}),
  /** What is done with them: kind-specific, such as the message and Retry-After. */
  action: withDefault(fields, {}),
  mode: oneOf(["enforce", "shadow"]),
  /** What a fault inside the guard, or a snapshot past its limit, means for this entry. */
  fail: oneOf(["open", "closed"]),
  /** Share of clients it applies to, by a stable hash of client key and salt; below 1 while it is being released. */
  share: number(0, 1),
  salt: text(80),
  /** Enforced in the guard by timestamp, even if everything else is dead. */
  expiresAtMs: whole(),
});
export type PolicyEntry = Read<typeof policyEntry>;

/** A part of the site that can be switched off by name. */
export const feature = object({
  id: text(),
  routes: list(text()),
  /** Only requests that carry this header, with this value if it is given; null: all. */
  header: nullable(object({ name: text(), value: optional(text()) })),
});
export type Feature = Read<typeof feature>;

/** A route whose deliveries are kept while production cannot take them. */
export const journalRoute = object({
  id: textThat(/^[a-z][a-z0-9-]{0,59}$/, "a route's name"),
  /** A path, or a prefix that ends in a star. */
  route: routeText,
  scheme: oneOf(["stripe", "standard-webhooks", "hmac-sha256", "shared-secret"]),
  /** Null: where the scheme says. */
  header: nullable(text()),
  idHeader: nullable(text()),
  /** The name of the secret, never the secret itself. */
  secret: text(),
  /** Request headers that receivers need beside those of the scheme, in lower case. */
  keepHeaders: list(text()),
  bodyBytesMax: whole(1),
  deliveriesMax: whole(1),
  bytesMax: whole(1),
});
export type JournalRoute = Read<typeof journalRoute>;
const notUnderstood: Shape<JournalRoute[]> = () => ok([]);

const BLOCKED = "Requests from your network are not accepted at the moment.";
const LIMITED = "Too many requests have come from here in a short time.";
const CHALLENGED =
  "This site is busier than usual and asks every browser for a little work before it goes on.";
const FEATURE_OFF = "This part of the site is switched off for the moment.";

const texts = withDefault(list(text()), []);

const protectedClasses = object({
  ownMonitors: withDefault(truth, true),
  verifiedBots: withDefault(truth, true),
  webhookRoutes: texts,
});
const emergencyCache = object({
  publicRoutes: texts,
  harmlessCookies: texts,
  harmlessHeaders: texts,
});

/** What does not come from leases but the guard must know: from `site.yaml`. */
export const guardSettings = object({
  /** Networks that skip block, challenge and limit. */
  allowlist: texts,
  /** Who skips them besides. */
  protectedClasses: withDefault(protectedClasses, sure(protectedClasses, {})),
  maintenanceExempt: texts,
  readOnlyExempt: texts,
  /** Read, with GET and HEAD, also in maintenance. */
  staticAssets: texts,
  /** Where a POST is a GraphQL operation: in read-only its body says whether it writes. */
  graphqlRoutes: texts,
  features: withDefault(list(feature), []),
  /** What the emergency cache may take for the same to every visitor. Header and cookie names in lower case as sent. */
  emergencyCache: withDefault(emergencyCache, sure(emergencyCache, {})),
  /** Rate limits that stand whatever the incident. */
  limits: withDefault(list(standingLimit), []),
  /** How many `Limiter` objects share the keys; changing it gives every key its quota once more. */
  limiterShards: withDefault(whole(1, LIMITER_SHARDS_MAX), 4),
  /** The public half of the site's Turnstile widget; null has none, and then challenges are work of our own. */
  turnstileSiteKey: withDefault(nullable(text()), null),
  pollMs: whole(100),
  /** Among how many `Traffic` objects isolates spread what they report. */
  trafficShards: withDefault(whole(1, TRAFFIC_SHARDS_MAX), 1),
  /** Until then every answer of the guard names the policy that it was decided on; null: only our probes are told. */
  policyHeaderUntilMs: withDefault(nullable(whole()), null),
  /** How the client's address is known: Cloudflare's header, a header set by a named proxy, or not at all. */
  clientAddress: withDefault(
    either(oneOf(["cloudflare", "none"]), object({ header: text() })),
    "cloudflare",
  ),
  /** Where a route is of a scheme that a guard does not know, it journals nothing. */
  writeJournal: withDefault(either(list(journalRoute), notUnderstood), []),
  /** Where a refused visitor finds out more; null: nowhere. */
  statusPage: withDefault(nullable(text()), null),
  /** What visitors read. `contact` is an address, a URL or a sentence; null says nothing. */
  title: withDefault(text(), "This site"),
  messages: withDefault(
    object({
      maintenance: text(),
      readOnly: text(),
      disabledFeature: withDefault(text(), FEATURE_OFF),
      blocked: withDefault(text(), BLOCKED),
      limited: withDefault(text(), LIMITED),
      challenge: withDefault(text(), CHALLENGED),
      contact: nullable(text()),
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
export type GuardSettings = Read<typeof guardSettings>;

/** What the guard goes by where no policy says anything: nobody is spared or shut out, and nothing is polled. */
export const defaultSettings = (): GuardSettings =>
  sure(guardSettings, { pollMs: Number.MAX_SAFE_INTEGER });

export const policy = object({
  format: whole(),
  instance: text(),
  seq: policySeq,
  compiledAtMs: whole(),
  /** A snapshot last confirmed longer ago than this counts as cold. */
  staleAfterMs: whole(),
  settings: guardSettings,
  entries: list(policyEntry, ENTRIES_MAX),
  /** Content-addressed tables, named by sha256; none in format 1's first form. */
  blobs: withDefault(fields, {}),
});
export type Policy = Read<typeof policy>;

/** Negative when `a` is older than `b`, positive when newer, zero when they are the same policy. */
export const compareSeq = (a: PolicySeq, b: PolicySeq): number => a.epoch - b.epoch || a.n - b.n;

/** `<epoch>.<n>`, as headers and telemetry carry it. */
export const formatSeq = (seq: PolicySeq): string => `${seq.epoch}.${seq.n}`;
