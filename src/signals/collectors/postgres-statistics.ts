/** The database's counters since they began, as `pg_stat_database` holds them, and how large it is. */
import { z } from "zod";
import { err, ok } from "../../shared/result.ts";
import { defineCollector } from "./collector.ts";
import { rowsOf } from "./postgres-rows.ts";

const row = z.object({
  database: z.string(),
  bytes: z.number(),
  backends: z.number(),
  commits: z.number(),
  rollbacks: z.number(),
  blocks_hit: z.number(),
  blocks_read: z.number(),
  deadlocks: z.number(),
  conflicts: z.number(),
  temporary_files: z.number(),
  temporary_bytes: z.number(),
  sessions_killed: z.number(),
  sessions_abandoned: z.number(),
  counting_since: z.string(),
});

export const postgresStatistics = defineCollector({
  id: "postgres-statistics",

  async collect(context) {
    const rows = await rowsOf(context, { row, text: TEXT });
    if (!rows.ok) return rows;
    const [facts] = rows.value;
    if (facts === undefined) {
      return err({ class: "retry", detail: "the database keeps no statistics of itself" });
    }
    const { backends, commits, rollbacks, deadlocks, temporary_files: files } = facts;
    return ok({
      summary: `${backends} backends; since ${facts.counting_since}: ${commits} commits, ${rollbacks} rollbacks, ${deadlocks} deadlocks, ${files} temporary files`,
      facts,
    });
  },
});

const TEXT = `
SELECT datname::text AS database, pg_database_size(datid)::float8 AS bytes, numbackends AS backends,
  xact_commit::float8 AS commits, xact_rollback::float8 AS rollbacks,
  blks_hit::float8 AS blocks_hit, blks_read::float8 AS blocks_read,
  deadlocks::float8, conflicts::float8,
  temp_files::float8 AS temporary_files, temp_bytes::float8 AS temporary_bytes,
  sessions_killed::float8, sessions_abandoned::float8,
  to_char(coalesce(stats_reset, pg_postmaster_start_time()) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    AS counting_since
FROM pg_stat_database WHERE datname = current_database()`;
