/**
 * Changes production's rows, one declared statement at a time and each once: it and its entry in the table `firebreak_acts` are one
 * transaction, so that whoever asks again finds it done. Nothing of it is in any error but the SQLSTATE.
 */
import { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { attemptsAt, type PostgresConfig } from "./postgres.ts";
import type { StoreFailure } from "./store-failure.ts";

/** What is changed, and only if it is as it was looked at. */
export type Change = {
  /** Also the key under which it is found again. */
  readonly id: string;
  /** Of what it does: the same is not done twice, whoever asks. */
  readonly print: string;
  /** An UPDATE or DELETE without RETURNING. */
  readonly statement: string;
  readonly rowsMax: number;
  /** A query that must have so many rows by now. */
  readonly unless: { readonly query: string; readonly rowsNot: number };
  readonly statementTimeoutMs: number;
};
export type Changed = { readonly rows: number; readonly atMs: number };

export type PostgresWriter = {
  readonly change: (change: Change, signal: AbortSignal) => Promise<Result<Changed, Failure>>;
  /** Null: it was not. */
  readonly changed: (id: string, signal: AbortSignal) => Promise<Result<Changed | null, Failure>>;
};

const entries = z.array(z.object({ rows: z.int(), at_ms: z.number() })).max(1);
const ENTRY = "rows, (extract(epoch FROM at) * 1000)::float8 AS at_ms";
const READ_TIMEOUT_MS = 5_000;

export function createPostgresWriter(config: PostgresConfig, secret: string): PostgresWriter {
  const attempt = attemptsAt(config, secret);
  const run = async (
    { text, params, timeoutMs }: { text: string; params: unknown[]; timeoutMs: number },
    readOnly: boolean,
    signal: AbortSignal,
  ): Promise<Result<Changed | null, StoreFailure>> => {
    const results = await attempt(signal, (sql) =>
      sql.transaction(
        [
          sql.query("SELECT set_config('statement_timeout', $1, true)", [String(timeoutMs)]),
          sql.query(text, params),
        ],
        { readOnly, fetchOptions: { signal } },
      ),
    );
    if (!results.ok) return results;
    const [entry] = entries.parse(results.value[1]);
    return ok(entry === undefined ? null : { rows: entry.rows, atMs: Math.round(entry.at_ms) });
  };
  const changed: PostgresWriter["changed"] = (id, signal) => {
    const text = `SELECT ${ENTRY} FROM firebreak_acts WHERE id = $1`;
    return run({ text, params: [id], timeoutMs: READ_TIMEOUT_MS }, true, signal);
  };
  return {
    changed,
    async change({ id, print, statement, rowsMax, unless, statementTimeoutMs }, signal) {
      const text = `WITH changed AS (
${statement}
RETURNING 1
), counted AS (SELECT count(*) AS rows FROM changed)
INSERT INTO firebreak_acts (id, print, rows)
SELECT $1, $2, rows / CASE WHEN rows <= $3::int
  AND (SELECT count(*) FROM (
${unless.query}
) AS looked_at) = $4::int THEN 1 ELSE 0 END FROM counted
RETURNING ${ENTRY}`;
      const params = [id, print, rowsMax, unless.rowsNot];
      const done = await run({ text, params, timeoutMs: statementTimeoutMs }, false, signal);
      if (done.ok) {
        return done.value === null ? err(refusal("the statement changed nothing")) : ok(done.value);
      }
      if (!done.error.detail.includes(ALREADY)) return err(failureOf(done.error));
      const before = await changed(id, signal);
      if (!before.ok) return before;
      return before.value === null
        ? err(refusal("exactly this was done by another act"))
        : ok(before.value);
    },
  };
}

/** A key that is there, and a number divided by nothing. */
const [ALREADY, NOT_AS_LOOKED_AT] = ["SQLSTATE 23505", "SQLSTATE 22012"];

const refusal = (detail: string): Failure => ({ class: "refuse", detail });

/** What did not answer may have been done. */
function failureOf({ kind, detail }: StoreFailure): Failure {
  if (detail.includes(NOT_AS_LOOKED_AT)) {
    return refusal("what it was judged on has changed, or it would change more rows than it may");
  }
  if (detail === "HTTP 429") return { class: "retry", detail };
  if (kind === "refused") return refusal(detail);
  return { class: "unknown_outcome", detail: `the database did not answer: ${kind}` };
}
