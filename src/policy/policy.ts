/**
 * The policy: what the active leases add up to, as the guard reads it. This format is a contract: additive only,
 * and a guard built before or after this file reads what this file writes.
 */
import * as z from "zod";

export const POLICY_FORMAT = 1;
export const ENTRIES_MAX = 5_000;
export const POLICY_BYTES_MAX = 512 * 1024;

/** Orders policies across restores: a higher epoch wins, then a higher n. */
export const policySeq = z.object({ epoch: z.int().min(0), n: z.int().min(0) });
export type PolicySeq = z.infer<typeof policySeq>;

/** `maintenance`, `read-only`, …: open, because a guard may be older than the control plane; it ignores and counts what it does not know. */
export const policyEntry = z.object({
  /** The lease's id, or a hand-made one. */
  id: z.string().min(1).max(80),
  kind: z.string().min(1).max(40),
  owner: z.string().max(120),
  /** For the operator and the journal, never shown to visitors. */
  reason: z.string().max(500),
  /** Which requests: kind-specific. Empty means every request. */
  match: z.record(z.string(), z.unknown()).default({}),
  /** What is done with them: kind-specific, such as the message and Retry-After. */
  action: z.record(z.string(), z.unknown()).default({}),
  mode: z.enum(["enforce", "shadow"]),
  /** What a fault inside the guard, or a snapshot past its limit, means for this entry. */
  fail: z.enum(["open", "closed"]),
  /** Share of clients it applies to, by a stable hash of client key and salt; below 1 while it is being released. */
  share: z.number().min(0).max(1),
  salt: z.string().max(80),
  /** Enforced in the guard by timestamp, even if everything else is dead. */
  expiresAtMs: z.int(),
});
export type PolicyEntry = z.infer<typeof policyEntry>;

/** A part of the site that can be switched off by name. */
export const feature = z.object({
  id: z.string(),
  routes: z.array(z.string()),
  /** Only requests that carry this header, with this value if it is given; null: all. */
  header: z.object({ name: z.string(), value: z.string().optional() }).nullable(),
});
export type Feature = z.infer<typeof feature>;

const BLOCKED = "Requests from your network are not accepted at the moment.";
const FEATURE_OFF = "This part of the site is switched off for the moment.";

/** What does not come from leases but the guard must know: from `site.yaml`. */
export const guardSettings = z.object({
  /** Networks that skip block, challenge and limit. */
  allowlist: z.array(z.string()).default([]),
  /** Who skips them besides. */
  protectedClasses: z
    .object({
      ownMonitors: z.boolean().default(true),
      verifiedBots: z.boolean().default(true),
      webhookRoutes: z.array(z.string()).default([]),
    })
    .prefault({}),
  maintenanceExempt: z.array(z.string()).default([]),
  readOnlyExempt: z.array(z.string()).default([]),
  /** Where a POST is a GraphQL operation: in read-only its body says whether it writes. */
  graphqlRoutes: z.array(z.string()).default([]),
  features: z.array(feature).default([]),
  /** What the emergency cache may take for the same to every visitor. Header and cookie names in lower case as sent. */
  emergencyCache: z
    .object({
      publicRoutes: z.array(z.string()).default([]),
      harmlessCookies: z.array(z.string()).default([]),
      harmlessHeaders: z.array(z.string()).default([]),
    })
    .prefault({}),
  pollMs: z.int().min(100),
  /** How the client's address is known: Cloudflare's header, a header set by a named proxy, or not at all. */
  clientAddress: z
    .union([z.enum(["cloudflare", "none"]), z.object({ header: z.string() })])
    .default("cloudflare"),
  /** What visitors read. `contact` is an address, a URL or a sentence; null says nothing. */
  title: z.string().default("This site"),
  messages: z
    .object({
      maintenance: z.string(),
      readOnly: z.string(),
      disabledFeature: z.string().default(FEATURE_OFF),
      blocked: z.string().default(BLOCKED),
      contact: z.string().nullable(),
    })
    .default({
      maintenance: "We are working on it and will be back shortly.",
      readOnly: "Changes are paused for the moment; reading works.",
      disabledFeature: FEATURE_OFF,
      blocked: BLOCKED,
      contact: null,
    }),
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
  entries: z.array(policyEntry).max(ENTRIES_MAX),
  /** Content-addressed tables, named by sha256; none in format 1's first form. */
  blobs: z.record(z.string(), z.unknown()).default({}),
});
export type Policy = z.infer<typeof policy>;

/** Negative when `a` is older than `b`, positive when newer, zero when they are the same policy. */
export const compareSeq = (a: PolicySeq, b: PolicySeq): number => a.epoch - b.epoch || a.n - b.n;

/** `<epoch>.<n>`, as headers and telemetry carry it. */
export const formatSeq = (seq: PolicySeq): string => `${seq.epoch}.${seq.n}`;
