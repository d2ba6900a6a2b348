/** What the primary and its replica say of themselves, to whoever looks with the owner's password. Asked anew each time: one of them may be gone. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { z } from "zod";
import type { StackInfo } from "../dev/stack.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const LOOK_AGAIN_MS = 500;

const reads = z.object({ is_replica: z.boolean(), reads: z.coerce.number() });
const payments = z.object({
  is_replica: z.boolean(),
  payments: z.coerce.number(),
  unmatched: z.coerce.number(),
});

export type Look = {
  /** When it was begun, epoch milliseconds. */
  readonly atMs: number;
  /** How often the replica was asked for pitches since it runs, by its own statistics. */
  readonly replicaReads: number;
  readonly replicaIsReplica: boolean;
  /** Null while it is gone. */
  readonly primary: {
    readonly isReplica: boolean;
    readonly payments: number;
    /** Payments without exactly one transaction. */
    readonly unmatched: number;
  } | null;
};

/** @throws {Error} when the replica does not answer. */
export async function lookAtDatabases(
  { postgres, replica }: Pick<StackInfo, "postgres" | "replica">,
  { primaryIsGone }: { readonly primaryIsGone: boolean },
): Promise<Look> {
  const atMs = Date.now();
  const asked = await one(
    replica,
    reads,
    `SELECT pg_is_in_recovery() AS is_replica, coalesce(sum(calls), 0) AS reads
     FROM pg_stat_statements WHERE query LIKE '%FROM pitches p JOIN users%'`,
  );
  const books = primaryIsGone
    ? null
    : await one(
        postgres,
        payments,
        `SELECT pg_is_in_recovery() AS is_replica, count(*) AS payments,
           count(*) FILTER (WHERE (SELECT count(*) FROM transactions t WHERE t.payment_id = p.id) <> 1) AS unmatched
         FROM payments p`,
      );
  return {
    atMs,
    replicaReads: asked.reads,
    replicaIsReplica: asked.is_replica,
    primary: books && {
      isReplica: books.is_replica,
      payments: books.payments,
      unmatched: books.unmatched,
    },
  };
}

/** As soon as each payment has its transaction, or as it is then: what was charged while nobody could book it is booked when that is tried again. */
export async function lookOnceBooked(
  stack: Pick<StackInfo, "postgres" | "replica">,
  { withinMs, signal }: { readonly withinMs: number; readonly signal: AbortSignal },
): Promise<Look> {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    const look = await lookAtDatabases(stack, { primaryIsGone: false });
    if (look.primary?.unmatched === 0 || Date.now() >= untilMs) return look;
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}

async function one<T>(connectionString: string, row: z.ZodType<T>, text: string): Promise<T> {
  const client = new pg.Client({
    connectionString,
    application_name: "gameday",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  await client.connect();
  try {
    return row.parse((await client.query(text)).rows[0]);
  } finally {
    await client.end();
  }
}
