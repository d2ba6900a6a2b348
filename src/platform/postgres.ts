/**
 * A thin client of the Neon driver over HTTP: ask whether the database answers, and read from it. It never writes, never retries,
 * and no error of it holds the connection string, a query or a value.
 */
import { neon, neonConfig, NeonDbError } from "@neondatabase/serverless";
import { z } from "zod";
import { boundBody } from "./bounded-body.ts";
import { errorName } from "./error-name.ts";
import { APPLICATION_NAME } from "./postgres-sessions.ts";
import { storeFailure, type StoreFailure } from "./store-failure.ts";
import { err, ok, type Result } from "../shared/result.ts";

export const POSTGRES_ANSWER_BYTES_MAX = 1024 * 1024;

export type PostgresConfig = {
  readonly connectionString: string;
  /** Where queries are sent instead of Neon's own endpoint for that host; null is Neon's. */
  readonly fetchEndpoint: string | null;
};

export type Query<Row> = {
  readonly text: string;
  readonly params?: readonly unknown[];
  readonly row: z.core.$ZodType<Row>;
  /** Enforced by the database itself, so that nothing of ours runs on after we have gone. */
  readonly statementTimeoutMs: number;
};

export type Postgres = {
  /** Does it answer `SELECT 1`, and how fast? */
  readonly ping: (
    signal: AbortSignal,
  ) => Promise<Result<{ readonly tookMs: number }, StoreFailure>>;
  /** Rows of one read-only query. Authors bound their queries with LIMIT; an answer over 1 MiB is `malformed`. */
  readonly query: <Row>(
    query: Query<Row>,
    signal: AbortSignal,
  ) => Promise<Result<readonly Row[], StoreFailure>>;
};

type Sql = ReturnType<typeof neon>;

/** Makes the client, whose errors call the connection string by its `secret`; it connects nowhere until it is asked something. The endpoint override is the driver's, hence global. */
export function createPostgres(config: PostgresConfig, secret = "POSTGRES_URL"): Postgres {
  const attempt = attemptsAt(config, secret);
  return {
    async ping(signal) {
      const startedAtMs = Date.now();
      const rows = await attempt(signal, (sql) => sql.query("SELECT 1 AS up"));
      if (!rows.ok) return rows;
      if (
        !z
          .array(z.object({ up: z.literal(1) }))
          .length(1)
          .safeParse(rows.value).success
      ) {
        return err(storeFailure("malformed", "SELECT 1 did not answer 1"));
      }
      return ok({ tookMs: Date.now() - startedAtMs });
    },

    async query({ text, params = [], row, statementTimeoutMs }, signal) {
      const results = await attempt(signal, (sql) =>
        sql.transaction(
          [
            sql.query("SELECT set_config('statement_timeout', $1, true)", [
              String(statementTimeoutMs),
            ]),
            sql.query(text, [...params]),
          ],
          { readOnly: true, fetchOptions: { signal } },
        ),
      );
      if (!results.ok) return results;
      const rows = z.array(row).safeParse(results.value[1]);
      return rows.success
        ? ok(rows.data)
        : err(storeFailure("malformed", "the rows are not of the expected shape"));
    },
  };
}

/** One piece of work with the driver, and what became of it. */
export type Attempt = <T>(
  signal: AbortSignal,
  work: (sql: Sql) => Promise<T>,
) => Promise<Result<T, StoreFailure>>;

export function attemptsAt(config: PostgresConfig, secret: string): Attempt {
  const connectionString = withApplicationName(config.connectionString);
  if (config.fetchEndpoint !== null) neonConfig.fetchEndpoint = config.fetchEndpoint;
  neonConfig.fetchFunction = async (url: string, init: RequestInit) =>
    boundBody(await fetch(url, init), POSTGRES_ANSWER_BYTES_MAX);

  return async (signal, work) => {
    // The driver puts a connection string that it cannot parse into its error, so it never gets one.
    if (connectionString === null) {
      return err(storeFailure("refused", `${secret} is not a postgresql:// URL`));
    }
    try {
      return ok(await work(neon(connectionString, { fetchOptions: { signal } })));
    } catch (error) {
      return err(classify(error, signal));
    }
  };
}

/** Null when it is no connection string at all. The name shows in `pg_stat_activity`, so that nobody ends our queries by mistake. */
function withApplicationName(connectionString: string): string | null {
  if (!URL.canParse(connectionString)) return null;
  const url = new URL(connectionString);
  if (url.protocol !== "postgresql:" && url.protocol !== "postgres:") return null;
  url.searchParams.set("application_name", APPLICATION_NAME);
  return url.href;
}

function classify(error: unknown, signal: AbortSignal): StoreFailure {
  if (signal.aborted) return storeFailure("timeout", "no answer within the deadline");
  if (!(error instanceof NeonDbError)) return storeFailure("malformed", errorName(error));
  if (error.sourceError !== undefined) {
    return storeFailure("unreachable", errorName(error.sourceError));
  }
  if (error.code !== undefined) return classifySqlState(error.code);
  const status = /HTTP status (\d{3})/.exec(error.message)?.[1];
  if (status === undefined) return classifyProxyWords(error.message);
  // It is there, and has enough of us for now.
  if (status === "429") return { ...storeFailure("refused", "HTTP 429"), class: "retry" };
  const isOurs = status === "401" || status === "403";
  return storeFailure(isOurs ? "refused" : "unreachable", `HTTP ${status}`);
}

const QUERY_CANCELED = "57014";
/** Connection exception, insufficient resources, operator intervention, system error, internal error: it cannot serve anybody. */
const CANNOT_SERVE = ["08", "53", "57", "58", "XX"];

function classifySqlState(code: string): StoreFailure {
  if (!/^[0-9A-Z]{5}$/.test(code)) return storeFailure("unreachable", "an error without SQLSTATE");
  if (code === QUERY_CANCELED) return storeFailure("timeout", "the statement timeout passed");
  const isDown = CANNOT_SERVE.includes(code.slice(0, 2));
  return storeFailure(isDown ? "unreachable" : "refused", `SQLSTATE ${code}`);
}

/** The proxy in front of the database reports its own errors without SQLSTATE; only these are about us. */
function classifyProxyWords(message: string): StoreFailure {
  return /password authentication failed|permission denied|does not exist/i.test(message)
    ? storeFailure("refused", "the proxy refused our credentials")
    : storeFailure("unreachable", "the proxy could not reach the database");
}
