/**
 * One shard of the rate limits. Leases are granted from memory alone: an eviction gives every key its quota back once, and costs
 * nothing else. Strict counters are rows, and the runtime holds their answer until the row is stored.
 */
import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import { LIMIT_MAX, WINDOW_MS_MAX, type Quota } from "../guard/limits/gcra.ts";
import { LeaseTable } from "./lease.ts";
import { ASKS_MAX, type Lease, type LeaseAsk, type LimiterApi, type Taken } from "./limiter-api.ts";
import { StrictRows } from "./strict-rows.ts";

const word = z.int().min(0).max(0xffff_ffff);
const count = z.int().min(0).max(LIMIT_MAX);
const quotaShape = z.object({
  limit: count.min(1),
  windowMs: z.int().min(1).max(WINDOW_MS_MAX),
  burst: count.min(1),
});
const keyShape = z.object({ high: word, low: word, quota: quotaShape });
const asksShape = z.array(keyShape.extend({ spent: count, want: count })).max(ASKS_MAX);

export class LimiterObject<Env = unknown> extends DurableObject<Env> implements LimiterApi {
  readonly #leases = new LeaseTable();
  readonly #strict: StrictRows;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#strict = new StrictRows(ctx.storage.sql, Date.now());
  }

  async lease(isolate: number, asks: readonly LeaseAsk[]): Promise<readonly Lease[]> {
    const [from, wanted] = [word.parse(isolate), asksShape.parse(asks)];
    const nowMs = Date.now();
    return wanted.map((ask) => this.#leases.lease(from, ask, nowMs));
  }

  async take(high: number, low: number, quota: Quota): Promise<Taken> {
    const key = keyShape.parse({ high, low, quota });
    return this.#strict.take(key.high, key.low, key.quota, Date.now());
  }
}
