/**
 * Whether a replica answers as its primary does. A replica may be behind, and that is no inconsistency: it is compared only where
 * it has all that the primary had, with a primary that said the same before and after. Pure.
 */

/** Rows of one answer that are compared; a query with more says nothing. */
export const COMPARED_ROWS_MAX = 10_000;
/** A table that is written to all the time is looked at so often, and then nobody can say. */
export const COMPARISONS_MAX = 3;

/** The same query, asked of one side. */
export type Answered = {
  /** In the write-ahead log; null on a server that cannot say. */
  readonly position: number | null;
  readonly isReplica: boolean;
  /** Transactions below it have all ended, and what they committed is in the answer. */
  readonly oldest: number;
  /** Of transactions from it on nothing is in the answer. */
  readonly next: number;
  readonly rows: number;
  readonly digest: string | null;
};

/** `again`: nothing can be said of this look; what is in words, nothing can be said at all. */
export type Agreement =
  | { readonly agrees: true }
  | { readonly agrees: false }
  | { readonly again: string }
  | { readonly never: string };

/** Of the primary's answer, then the replica's, then the primary's again. */
export function agreement(before: Answered, replica: Answered, after: Answered): Agreement {
  if (before.isReplica) return { never: "POSTGRES_URL leads to a replica" };
  if (!replica.isReplica) return { never: "POSTGRES_REPLICA_URL does not lead to a replica" };
  if ([before, replica, after].some(({ rows }) => rows > COMPARED_ROWS_MAX)) {
    return { never: `more than ${COMPARED_ROWS_MAX} rows` };
  }
  if (replica.digest === before.digest || replica.digest === after.digest) return { agrees: true };
  const isBehind =
    replica.position === null || before.position === null || replica.position < before.position;
  if (isBehind) return { again: "the replica is behind" };
  // It may have what was written in between.
  if (before.digest !== after.digest) return { again: "it changes too fast to compare" };
  // A replica shows what was committed as soon as it has read so; a primary once its session goes on, which on a busy machine, or where
  // it waits for a replica, takes its time.
  if (after.oldest < replica.next) return { again: "the primary does not show yet what it has" };
  return { agrees: false };
}

/**
 * Where a server is. A statement sees what was there when it began, so this is asked in the same statement as the answer on the
 * primary, which is then no newer than its position, and before it on the replica, whose answer is then no older.
 */
const POSITION = `pg_is_in_recovery() AS is_replica,
  (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0')::float8 AS position,
  pg_snapshot_xmin(pg_current_snapshot())::text::float8 AS oldest,
  pg_snapshot_xmax(pg_current_snapshot())::text::float8 AS next`;
export const POSITION_SQL = `SELECT ${POSITION}, 0 AS rows, NULL::text AS digest`;

/** The query's answer as a digest, whatever the order of its rows. */
export const answeredSql = (sql: string): string => `
SELECT ${POSITION}, count(*)::int AS rows,
  md5(coalesce(string_agg(digest, '' ORDER BY digest), '')) AS digest
FROM (SELECT md5(answer::text) AS digest FROM (
${sql}
) AS answer LIMIT ${COMPARED_ROWS_MAX + 1}) AS digests`;
