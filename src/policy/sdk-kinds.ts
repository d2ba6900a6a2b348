/**
 * What the entries say that production itself carries out, through the SDK, in their `action`. No guard reads this: it knows the names
 * (sdk-names.ts), and leaves them alone. An entry whose `match` is not empty is for a later version.
 */
import * as z from "zod/mini";
import type { PolicyEntry } from "./policy.ts";
import { isForSdk, type SdkKind } from "./sdk-names.ts";

const ms = (min: number, max: number) => z.int().check(z.minimum(min), z.maximum(max));

export const SDK_ACTIONS = {
  /** Reads go to the replica while it keeps up. */
  "replica-reads": z.strictObject({
    maxLagMs: ms(100, 300_000),
    /** A session that wrote this recently reads from the primary. */
    readYourWritesMs: ms(0, 60_000),
  }),
  /** The primary is gone: everything is asked of the replica, which refuses writes. */
  failover: z.strictObject({}),
  /** Results of reads are kept in Redis and given to everybody who asks the same. */
  "query-cache": z.strictObject({
    ttlMs: ms(1_000, 3_600_000),
    valueBytesMax: z.int().check(z.minimum(1), z.maximum(1_048_576)),
  }),
  /** Pools may grow, as far as the server's own limit leaves room. */
  "pool-size": z.strictObject({
    max: z.int().check(z.minimum(1), z.maximum(10_000)),
    idleTimeoutMs: ms(0, 3_600_000),
    connectionTimeoutMs: ms(100, 60_000),
    /** Connections that are left to others, whatever the pool would like. */
    reserve: z.int().check(z.minimum(0), z.maximum(10_000)),
  }),
  /** The database ends what takes longer. */
  "statement-timeout": z.strictObject({ timeoutMs: ms(100, 600_000) }),
} as const satisfies Record<SdkKind, z.ZodMiniType>;

export type SdkAction<Kind extends SdkKind> = z.infer<(typeof SDK_ACTIONS)[Kind]>;

/** What an entry asks of the SDK; null when it is of another kind, or of a later version. */
export function sdkAction<Kind extends SdkKind>(
  kind: Kind,
  entry: PolicyEntry,
): SdkAction<Kind> | null {
  if (entry.kind !== kind || Object.keys(entry.match).length > 0) return null;
  const parsed = SDK_ACTIONS[kind].safeParse(entry.action);
  return parsed.success ? (parsed.data as SdkAction<Kind>) : null;
}

/** Whether an entry of one of these kinds is understood. */
export const isSdkEntry = (entry: PolicyEntry): boolean =>
  isForSdk(entry.kind) && sdkAction(entry.kind, entry) !== null;
