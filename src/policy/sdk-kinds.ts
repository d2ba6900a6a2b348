/**
 * What the entries say that production itself carries out, through the SDK, in their `action`. No guard reads this: it knows the names
 * (sdk-names.ts), and leaves them alone. An entry whose `match` is not empty is for a later version.
 */
import {
  list,
  only,
  optional,
  text,
  textThat,
  truth,
  whole,
  type Read,
  type Shape,
} from "../shared/shape.ts";
import type { PolicyEntry } from "./policy.ts";
import { isForSdk, type SdkKind } from "./sdk-names.ts";

/** More accounts than this are everybody. */
export const REVOKED_ACCOUNTS_MAX = 500;
/** Of an account's hash. */
export const ACCOUNT_CHARS_MAX = 64;

export const SDK_ACTIONS = {
  /** Reads go to the replica while it keeps up. */
  "replica-reads": only({
    maxLagMs: whole(100, 300_000),
    /** A session that wrote this recently reads from the primary. */
    readYourWritesMs: whole(0, 60_000),
  }),
  /** The same with a replica that was added just now, beside the primary. */
  "added-replica": only({
    host: textThat(/^[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,10}$/, "a host name"),
    maxLagMs: whole(100, 300_000),
    readYourWritesMs: whole(0, 60_000),
  }),
  /** The primary is gone: everything is asked of the replica, which refuses writes. */
  failover: only({}),
  /** Results of reads are kept in Redis and given to everybody who asks the same. */
  "query-cache": only({
    ttlMs: whole(1_000, 3_600_000),
    valueBytesMax: whole(1, 1_048_576),
  }),
  /** Pools may grow, as far as the server's own limit leaves room. */
  "pool-size": only({
    max: whole(1, 10_000),
    idleTimeoutMs: whole(0, 3_600_000),
    connectionTimeoutMs: whole(100, 60_000),
    /** Connections that are left to others, whatever the pool would like. */
    reserve: whole(0, 10_000),
  }),
  /** The database ends what takes longer. */
  "statement-timeout": only({ timeoutMs: whole(100, 600_000) }),
  /** Sessions that were issued up to then are over: everybody's, or those of these accounts, by the hashes that the SDK makes. */
  "sessions-revoked": only({
    issuedUntilMs: whole(0),
    accounts: optional(list(text(ACCOUNT_CHARS_MAX, 1), REVOKED_ACCOUNTS_MAX, 1)),
  }),
  /** Who signs in has to show more, and may try less. */
  "strict-mode": only({
    requireMfa: truth,
    sessionTimeoutMs: whole(60_000, 86_400_000),
    signInAttemptsMax: whole(1, 100),
    /** Who administers comes from the site's allowlist; where that is empty, it asks nothing. */
    isAdminListed: truth,
  }),
  /** New payments are charged by another provider, by the id that production gives it; the first is asked now and then how it is. */
  "payment-provider": only({ to: text(60, 1), probeEveryMs: whole(500, 600_000) }),
  /** Orders are taken and charged later, as long as what is owed stays within both. */
  "payment-bypass": only({
    currency: textThat(/^[a-z]{3}$/, "a currency as three small letters"),
    /** In minor units of that currency, of all that is owed together. */
    amountMax: whole(0, 1_000_000_000_000),
    countMax: whole(1, 1_000_000),
  }),
} as const satisfies Record<SdkKind, Shape<unknown>>;

export type SdkAction<Kind extends SdkKind> = Read<(typeof SDK_ACTIONS)[Kind]>;

/** What an entry asks of the SDK; null when it is of another kind, or of a later version. */
export function sdkAction<Kind extends SdkKind>(
  kind: Kind,
  entry: PolicyEntry,
): SdkAction<Kind> | null {
  if (entry.kind !== kind || Object.keys(entry.match).length > 0) return null;
  const shape: Shape<unknown> = SDK_ACTIONS[kind];
  const read = shape(entry.action);
  return read.ok ? (read.value as SdkAction<Kind>) : null;
}

/** The feature that an entry switches off by the name that `site.yaml` gives it; null of every other. The guard reads it too, for its routes. */
export function featureOff({ kind, match }: PolicyEntry): string | null {
  if (kind !== "disabled-feature") return null;
  const read = named(match);
  return read.ok ? read.value.feature : null;
}
const named = only({ feature: text(60, 1) });

/** Whether production has anything to do with it, and it is understood. */
export const isSdkEntry = (entry: PolicyEntry): boolean =>
  (isForSdk(entry.kind) && sdkAction(entry.kind, entry) !== null) || featureOff(entry) !== null;
