/** Neon's query function, as far as the SDK uses it, and one way to run a query that ends in time. */
import type { NeonQueryFunction } from "@neondatabase/serverless";

export type Sql = Pick<NeonQueryFunction<false, false>, "query" | "transaction">;
export type Row = Record<string, unknown>;

/** Local to the transaction; a shorter limit that the role already has stands. */
const LIMIT_TIME = `
SELECT set_config('statement_timeout',
  CASE WHEN own > 0 AND own < $1::float8 THEN own::int::text ELSE $1::text END, true)
FROM (SELECT extract(epoch FROM current_setting('statement_timeout')::interval) * 1000 AS own) s`;

export type Run = {
  readonly text: string;
  readonly params: readonly unknown[];
  /** Null: whatever the database is set to. */
  readonly timeoutMs: number | null;
  /** Refused with `READ_ONLY` when it writes after all. */
  readonly readOnly?: boolean;
};

/** The rows; throws what the driver throws. */
export async function runOn(
  sql: Sql,
  { text, params, timeoutMs, readOnly = false }: Run,
): Promise<readonly Row[]> {
  if (timeoutMs === null && !readOnly) return sql.query(text, [...params]);
  const limit = timeoutMs === null ? [] : [sql.query(...limitTime(timeoutMs))];
  const results = await sql.transaction([...limit, sql.query(text, [...params])], { readOnly });
  return results.at(-1) ?? [];
}

/** What goes first in a transaction that must end in time. */
export const limitTime = (timeoutMs: number): readonly [string, unknown[]] => [
  LIMIT_TIME,
  [String(timeoutMs)],
];

/** The error's SQLSTATE; null when the database did not answer at all. */
export function sqlStateOf(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : null;
}

/** The error of a standby, or of a read-only transaction, that was asked to write. */
export const READ_ONLY = "25006";
