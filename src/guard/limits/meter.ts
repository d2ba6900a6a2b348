/** What rate limits say of one request. Counting is no decision, so decisions ask for it by this port. Pure. */
import type { LimitEntry } from "./limit-table.ts";
import { ADMIT, type Left, type LimitDecision } from "./rate-limit.ts";

export type Meter = {
  /** Counts the request, once however often it is asked. `ask`: only the shard knows, and it is being asked. */
  readonly read: (limit: LimitEntry) => LimitDecision;
  /** What is left of a limit that was read. */
  readonly left: (limit: LimitEntry) => Left;
  /** When all that was asked is known; never rejects, and never takes longer than the shards may. */
  readonly answered: () => Promise<void>;
};

/** Where nothing is counted, everyone is admitted. */
export const NO_METER: Meter = {
  read: () => ADMIT,
  left: ({ limit }) => ({ remaining: limit.quota.burst, resetMs: 0 }),
  answered: async () => undefined,
};
