/**
 * How a table of the live database differs from the same table on a branch, without moving its rows: both are compared by digests of
 * buckets, and only buckets that differ row by row. Pure; a row is two hashes, and no value leaves its database.
 */
import type { RecoverTable, TableName } from "./recover-rows.ts";
import { identifier } from "./identifier.ts";

/** A power of two. */
export const BUCKETS = 1_024;
/** Of one table and one side; what is in further buckets is counted at least. */
export const ROWS_COMPARED_MAX = 8_000;

export type Bucket = { readonly bucket: number; readonly rows: number; readonly digest: string };
export type HashedRow = { readonly key: string; readonly row: string };

export type Difference = {
  /** Rows that the branch has and live has not. */
  readonly missing: number;
  /** Rows that both have, with other values: since then changed, rightly or not. */
  readonly changed: number;
  /** Rows that live has and the branch has not: what restoring in place would lose. */
  readonly added: number;
  /** There are more: not every row was compared. */
  readonly isAtLeast: boolean;
};

/** A table as both sides have it: a column that was added or dropped since is no change of every row. */
export type SharedTable = TableName & Pick<RecoverTable, "columns" | "key">;

export type ColumnsApart = {
  /** Columns that live has and the branch has not: added since. */
  readonly added: readonly string[];
  /** Columns that the branch has and live has not: dropped since, with all that was in them. */
  readonly dropped: readonly string[];
};

/** What can be compared of a table, and the columns that cannot; null where the branch cannot tell its rows by live's key. */
export function sharedBy(
  live: RecoverTable,
  branch: RecoverTable | undefined,
): { readonly shared: SharedTable; readonly apart: ColumnsApart } | null {
  if (branch === undefined || live.key.length === 0) return null;
  const [here, there] = [new Set(live.columns), new Set(branch.columns)];
  if (live.key.some((column) => !there.has(column))) return null;
  return {
    shared: { ...live, columns: live.columns.filter((column) => there.has(column)) },
    apart: {
      added: live.columns.filter((column) => !there.has(column)),
      dropped: branch.columns.filter((column) => !here.has(column)),
    },
  };
}

const hashOf = (columns: readonly string[]): string =>
  `hashtextextended(ROW(${columns.map((column) => `t.${identifier(column)}`).join(", ")})::text, 0)`;
const bucketOf = ({ key }: SharedTable): string => `(${hashOf(key)} & ${BUCKETS - 1})::int`;
const from = ({ schema, name }: SharedTable): string =>
  `${identifier(schema)}.${identifier(name)} AS t`;

/** A row for each bucket that has any. */
export const bucketsSql = (table: SharedTable): string =>
  `SELECT ${bucketOf(table)} AS bucket, count(*)::int AS rows, sum(${hashOf(table.columns)})::text AS digest
FROM ${from(table)} GROUP BY 1 ORDER BY 1`;

/** The rows of the buckets in `$1`, one more than are compared. */
export const rowsSql = (table: SharedTable): string =>
  `SELECT ${hashOf(table.key)}::text AS key, ${hashOf(table.columns)}::text AS row
FROM ${from(table)} WHERE ${bucketOf(table)} = ANY ($1::int[]) LIMIT ${ROWS_COMPARED_MAX + 1}`;

/** Which buckets to look into, and what is known of those that there is no room for. */
export function compareBuckets(
  live: readonly Bucket[],
  branch: readonly Bucket[],
): { readonly look: readonly number[]; readonly rest: Difference } {
  const [here, there] = [byBucket(live), byBucket(branch)];
  const look: number[] = [];
  let rest = NO_DIFFERENCE;
  let room = ROWS_COMPARED_MAX;
  for (const bucket of new Set([...here.keys(), ...there.keys()])) {
    const [now, then] = [here.get(bucket) ?? EMPTY, there.get(bucket) ?? EMPTY];
    if (now.digest === then.digest && now.rows === then.rows) continue;
    const rows = Math.max(now.rows, then.rows);
    if (rows > room) {
      rest = withBucket(rest, now.rows, then.rows);
      continue;
    }
    room -= rows;
    look.push(bucket);
  }
  return { look, rest };
}

/** A bucket that differs, by its numbers of rows alone. */
const withBucket = (rest: Difference, now: number, then: number): Difference => ({
  missing: rest.missing + Math.max(0, then - now),
  changed: rest.changed + (now === then ? 1 : 0),
  added: rest.added + Math.max(0, now - then),
  isAtLeast: true,
});

/** The rows of the buckets that were looked into, and what is known of the rest. */
export function compareRows(
  live: readonly HashedRow[],
  branch: readonly HashedRow[],
  rest: Difference,
): Difference {
  const here = new Map(live.map(({ key, row }) => [key, row]));
  const there = new Map(branch.map(({ key, row }) => [key, row]));
  const common = [...there].filter(([key]) => here.has(key));
  return {
    missing: rest.missing + there.size - common.length,
    changed: rest.changed + common.filter(([key, row]) => here.get(key) !== row).length,
    added: rest.added + here.size - common.length,
    // Written to while it was read: more rows than there were.
    isAtLeast:
      rest.isAtLeast || live.length > ROWS_COMPARED_MAX || branch.length > ROWS_COMPARED_MAX,
  };
}

const EMPTY = { rows: 0, digest: "" };
const NO_DIFFERENCE: Difference = { missing: 0, changed: 0, added: 0, isAtLeast: false };

const byBucket = (buckets: readonly Bucket[]): ReadonlyMap<number, Bucket> =>
  new Map(buckets.map((one) => [one.bucket, one]));
