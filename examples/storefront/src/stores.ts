/** The storefront's Postgres and Redis, for one request and with its deadline. */
import { neon, neonConfig } from "@neondatabase/serverless";
import { Redis } from "@upstash/redis/cloudflare";
import {
  Firebreak,
  type Database,
  type Payments,
  type ReportKind,
  type Security,
  type Session,
  type SignInParties,
} from "firebreak/sdk";
import type { Env } from "./env.ts";
import { paymentsOn } from "./payments.ts";

/** Together below what a visitor waits for, so that a dead store is an answer and not a hang. */
const POSTGRES_DEADLINE_MS = 2_000;
const REDIS_DEADLINE_MS = 1_000;

export type Stores = {
  readonly db: Database;
  readonly redis: Redis;
  readonly payments: Payments;
  /** Tells Firebreak that something happened, in the background. */
  readonly report: (kind: ReportKind, who?: SignInParties) => void;
  /** Whether Firebreak has switched a part of the shop off, by its name in site.yaml. */
  readonly isOff: (feature: string) => boolean;
  /** What Firebreak asks of sign-ins and sessions now. */
  readonly security: () => Promise<Security>;
};

/** One per isolate; the runtime hands the same `env` to every request of it. */
const firebreaks = new WeakMap<Env, Firebreak>();

function firebreakOf(env: Env): Firebreak {
  const known = firebreaks.get(env);
  if (known !== undefined) return known;
  const made = new Firebreak({
    policy: () => env.FIREBREAK_POLICY?.getByName("policy") ?? null,
    traffic: (name) => env.FIREBREAK_TRAFFIC?.getByName(name) ?? null,
    accountKey: env.FIREBREAK_ACCOUNT_KEY,
  });
  firebreaks.set(env, made);
  return made;
}

export type Visit = {
  readonly session: Session;
  readonly waitUntil: (promise: Promise<unknown>) => void;
};

/** Makes clients whose work, all queries of this request together, must be done by the deadline. */
export function openStores(env: Env, visit: Visit): Stores {
  if (env.POSTGRES_FETCH_ENDPOINT !== "") neonConfig.fetchEndpoint = env.POSTGRES_FETCH_ENDPOINT;
  const connect = (url: string) =>
    neon(url, { fetchOptions: { signal: AbortSignal.timeout(POSTGRES_DEADLINE_MS) } });
  const redis = new Redis({
    url: env.REDIS_URL,
    token: env.REDIS_TOKEN,
    // A function: with a signal as value this client reports an aborted read as "no such key".
    signal: () => AbortSignal.timeout(REDIS_DEADLINE_MS),
    // Its default repeats five times over four seconds, increments included.
    retry: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
  });
  const connections = {
    primary: connect(env.POSTGRES_URL),
    replica: env.POSTGRES_REPLICA_URL === "" ? null : connect(env.POSTGRES_REPLICA_URL),
    beside: { url: env.POSTGRES_URL, connect },
    store: redis,
    namespace: "storefront",
  };
  const firebreak = firebreakOf(env);
  const db = firebreak.database(connections, visit);
  return {
    db,
    redis,
    payments: firebreak.payments(paymentsOn(env, redis, db), visit),
    report: (kind, who) => firebreak.report(kind, visit.waitUntil, who),
    isOff: (feature) => firebreak.isOff(feature, visit),
    security: () => firebreak.security(visit.session, visit.waitUntil),
  };
}
