/**
 * How the database fares, by its own statistics: one read-only query, and a second one only where `pg_stat_statements` is. Rates
 * need the reading before, which is kept from poll to poll; the first one after a restart or a reset has none.
 */
import { z } from "zod";
import { IS_CLIENT, IS_MAINTENANCE } from "../../platform/postgres-sessions.ts";
import type { Postgres } from "../../platform/postgres.ts";
import type { StoreFailure } from "../../platform/store-failure.ts";
import { ok, type Result } from "../../shared/result.ts";
import {
  counterRates,
  counters,
  queryTimes,
  statementReading,
  type Counters,
  type StatementReading,
} from "../database-window.ts";
import { answerAll, defineSource, type Answer } from "../source.ts";
import { STORE_EVERY_MS } from "./store.ts";

export const STATEMENT_TIMEOUT_MS = 2_000;
/** Two queries, each with its timeout and its way there and back. */
const DEADLINE_MS = 6_000;
/** The statements that took the most time; those beyond have no part in the times. */
export const STATEMENTS_MAX = 300;

const SESSIONS = [
  "postgres.longest_query_seconds",
  "postgres.active_count",
  "postgres.idle_in_transaction_count",
  "postgres.lock_waiting_count",
  "postgres.connections_ratio",
] as const;
const RATES = ["postgres.deadlocks_per_minute", "postgres.cache_hit_ratio"] as const;
const TIMES = [
  "postgres.query_mean_ms",
  "postgres.query_p95_ms",
  "postgres.queries_per_second",
] as const;
const emits = [...SESSIONS, ...RATES, ...TIMES] as const;

export const database = defineSource({
  id: "database",
  emits,
  everyMs: STORE_EVERY_MS,
  busyEvery: "stores_every",
  deadlineMs: DEADLINE_MS,

  async poll({ postgres, signal, kept, keep }) {
    if (postgres === null) {
      return answerAll(emits, { unknown: "not_configured", detail: "POSTGRES_URL is not set" });
    }
    const read = await postgres.query(STATE, signal);
    if (!read.ok) return answerAll(emits, failed(read.error));
    const [state] = read.value;
    if (state === undefined) return answerAll(emits, { unknown: "malformed" });

    const before = note.safeParse(kept).data ?? { counters: null, statements: null };
    const statements =
      state.statements_in === null
        ? ok(null)
        : await readStatements(postgres, state.statements_in, signal);
    keep({
      counters: counters.parse(state),
      statements: statements.ok ? statements.value : before.statements,
    } satisfies Note);
    return {
      ...sessionAnswers(state),
      ...rateAnswers(before.counters, state),
      ...timeAnswers(before.statements, statements),
    };
  },
});

const note = z.object({ counters: counters.nullable(), statements: statementReading.nullable() });
type Note = z.infer<typeof note>;

const STATE = {
  statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  row: counters.extend({
    may_see_all: z.boolean(),
    role: z.string(),
    longest_query_seconds: z.number(),
    active: z.int(),
    idle_in_transaction: z.int(),
    lock_waiting: z.int(),
    connections: z.int(),
    connections_max: z.int(),
    statements_in: z.string().nullable(),
  }),
  text: `
WITH client AS (
  SELECT state, query_start, wait_event_type, ${IS_MAINTENANCE} AS is_maintenance
  FROM pg_stat_activity WHERE ${IS_CLIENT}
)
SELECT
  (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS at_ms,
  concat_ws('/', pg_postmaster_start_time(), d.stats_reset) AS epoch,
  d.deadlocks::float8, d.blks_hit::float8 AS blocks_hit, d.blks_read::float8 AS blocks_read,
  pg_has_role('pg_read_all_stats', 'USAGE') AS may_see_all,
  current_user::text AS role,
  coalesce((SELECT extract(epoch FROM max(clock_timestamp() - query_start)) FROM client
    WHERE state = 'active' AND NOT is_maintenance), 0)::float8 AS longest_query_seconds,
  (SELECT count(*)::int FROM client WHERE state = 'active') AS active,
  (SELECT count(*)::int FROM client WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,
  (SELECT count(*)::int FROM client WHERE wait_event_type = 'Lock') AS lock_waiting,
  (SELECT count(*)::int FROM client) AS connections,
  current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0) AS connections_max,
  (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_stat_statements') AS statements_in
FROM pg_stat_database d WHERE d.datname = current_database()`,
} as const;

/** Without the texts, which are in a file of their own; without our own role's, which would be most of an idle database's. */
const statementsOf = (schema: string) => ({
  statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  row: statementReading.omit({ isWhole: true }),
  text: `
SELECT
  (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS at_ms,
  concat_ws('/', pg_postmaster_start_time(),
    (SELECT stats_reset FROM ${schema}.pg_stat_statements_info)) AS epoch,
  coalesce((SELECT json_agg(s) FROM (
    SELECT queryid::text AS id, sum(calls) AS calls, round(sum(total_exec_time)::numeric, 3) AS total_ms
    FROM ${schema}.pg_stat_statements(false)
    WHERE toplevel AND queryid IS NOT NULL AND userid <> current_user::regrole
      AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY queryid ORDER BY sum(total_exec_time) DESC LIMIT ${STATEMENTS_MAX}
  ) s), '[]') AS statements`,
});

async function readStatements(
  postgres: Postgres,
  schema: string,
  signal: AbortSignal,
): Promise<Result<StatementReading | null, StoreFailure>> {
  const read = await postgres.query(statementsOf(schema), signal);
  if (!read.ok) return read;
  const [reading] = read.value;
  return ok(
    reading === undefined
      ? null
      : { ...reading, isWhole: reading.statements.length < STATEMENTS_MAX },
  );
}

type State = z.infer<typeof STATE.row>;

function sessionAnswers(state: State): Readonly<Record<(typeof SESSIONS)[number], Answer>> {
  if (!state.may_see_all) {
    return answerAll(SESSIONS, {
      unknown: "refused",
      detail: `the role ${state.role} sees only its own sessions: GRANT pg_monitor TO it`,
    });
  }
  return {
    "postgres.longest_query_seconds": { value: state.longest_query_seconds },
    "postgres.active_count": { value: state.active },
    "postgres.idle_in_transaction_count": { value: state.idle_in_transaction },
    "postgres.lock_waiting_count": { value: state.lock_waiting },
    "postgres.connections_ratio": { value: state.connections / state.connections_max },
  };
}

const NO_WINDOW = {
  unknown: "no_data",
  detail: "the counters have just begun: there is no earlier reading to compare with",
} as const;

function rateAnswers(
  before: Counters | null,
  now: Counters,
): Readonly<Record<(typeof RATES)[number], Answer>> {
  const rates = before === null ? null : counterRates(before, now);
  if (rates === null) return answerAll(RATES, NO_WINDOW);
  return {
    "postgres.deadlocks_per_minute": { value: rates.deadlocksPerMinute },
    "postgres.cache_hit_ratio":
      rates.cacheHitRatio === null
        ? { unknown: "no_data", detail: "hardly a block was read since the poll before" }
        : { value: rates.cacheHitRatio },
  };
}

function timeAnswers(
  before: StatementReading | null,
  read: Result<StatementReading | null, StoreFailure>,
): Readonly<Record<(typeof TIMES)[number], Answer>> {
  if (!read.ok) return answerAll(TIMES, failed(read.error));
  if (read.value === null) {
    return answerAll(TIMES, {
      unknown: "not_configured",
      detail: "the extension pg_stat_statements is not in this database",
    });
  }
  const times = before === null ? null : queryTimes(before, read.value);
  if (times === null) return answerAll(TIMES, NO_WINDOW);
  const { mean, perSecond } = times;
  const none = { unknown: "no_data", detail: "no query ended since the poll before" } as const;
  return {
    "postgres.query_mean_ms": mean === null ? none : { value: mean.meanMs },
    "postgres.query_p95_ms": mean === null ? none : { value: mean.p95Ms },
    "postgres.queries_per_second": { value: perSecond },
  };
}

/** That it does not answer is what `postgres.reachable_ratio` says; here nothing is known. */
const failed = ({ kind, detail }: StoreFailure): Answer => ({
  unknown: kind === "unreachable" ? "no_data" : kind,
  detail,
});
