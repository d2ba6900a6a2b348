/** What a `Limiter` shard answers over RPC. Works with callers built one version before or after. */
import type { Quota } from "../guard/limits/gcra.ts";

export const ASKS_MAX = 64;

/** One key's need: what an isolate has served on its own account since it last said so, and how many tokens it wants. */
export type LeaseAsk = {
  readonly high: number;
  readonly low: number;
  readonly quota: Quota;
  readonly spent: number;
  readonly want: number;
};

export type Lease = {
  /** Tokens, already charged to the key. Unused ones are forgotten after a window. */
  readonly granted: number;
  /** When less was granted than wanted: how long not to ask again, and to refuse what the tokens do not cover. */
  readonly pauseMs: number;
  /** Tokens that nobody has been granted yet. */
  readonly remaining: number;
  /** Isolates that asked for this key lately, about, the asking one included. */
  readonly participants: number;
};

export type Taken = {
  readonly isAdmitted: boolean;
  readonly remaining: number;
  /** 0 when admitted. */
  readonly retryAfterMs: number;
};

export type LimiterApi = {
  /** Grants tokens from memory: one lease per ask, in order. `isolate` is a number that its caller keeps for life. */
  lease(isolate: number, asks: readonly LeaseAsk[]): Promise<readonly Lease[]>;
  /** Counts one request exactly: the answer leaves only after the count is stored. */
  take(high: number, low: number, quota: Quota): Promise<Taken>;
};

/** `limiter:<n>`: shards are named by number, never by anything out of a request. */
export const limiterName = (shard: number): string => `limiter:${shard}`;

/** Which shard keeps this key. Of 31 bits, because what is left of a division of 32 is computed in floating point. */
export const shardOf = (high: number, shards: number): number => (high >>> 1) % shards;
