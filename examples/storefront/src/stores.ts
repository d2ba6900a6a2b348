/** The storefront's Postgres and Redis, for one request and with its deadline. */
import { neon, neonConfig, type NeonQueryFunction } from "@neondatabase/serverless";
import { Redis } from "@upstash/redis/cloudflare";
import type { Env } from "./env.ts";

/** Together below what a visitor waits for, so that a dead store is an answer and not a hang. */
const POSTGRES_DEADLINE_MS = 2_000;
const REDIS_DEADLINE_MS = 1_000;

export type Stores = { readonly sql: Sql; readonly redis: Redis };
export type Sql = NeonQueryFunction<false, false>;

/** Makes clients whose work, all queries of this request together, must be done by the deadline. */
export function openStores(env: Env): Stores {
  if (env.POSTGRES_FETCH_ENDPOINT !== "") neonConfig.fetchEndpoint = env.POSTGRES_FETCH_ENDPOINT;
  return {
    sql: neon(env.POSTGRES_URL, {
      fetchOptions: { signal: AbortSignal.timeout(POSTGRES_DEADLINE_MS) },
    }),
    redis: new Redis({
      url: env.REDIS_URL,
      token: env.REDIS_TOKEN,
      // A function: with a signal as value this client reports an aborted read as "no such key".
      signal: () => AbortSignal.timeout(REDIS_DEADLINE_MS),
      // Its default repeats five times over four seconds, increments included.
      retry: false,
      enableAutoPipelining: false,
      enableTelemetry: false,
    }),
  };
}
