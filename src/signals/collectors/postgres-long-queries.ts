/** What the database is busy with: the clients that have been at it longest, whether they work or hold a transaction open. */
import { z } from "zod";
import { IS_CLIENT, IS_MAINTENANCE } from "../../platform/postgres-sessions.ts";
import { ok } from "../../shared/result.ts";
import { defineCollector } from "./collector.ts";
import { rounded, rowsOf, shownQuery } from "./postgres-rows.ts";

export const LISTED_MAX = 10;
/** From here on a query counts as long. */
export const LONG_SECONDS = 30;
const QUERY_CHARACTERS_MAX = 600;

const session = z.object({
  pid: z.int(),
  role: z.string().nullable(),
  application: z.string().nullable(),
  database: z.string().nullable(),
  state: z.string().nullable(),
  waits_for: z.string().nullable(),
  is_maintenance: z.boolean(),
});
const row = session.extend({
  seconds: z.number(),
  query: z.string().nullable(),
  long: z.int(),
});

export const postgresLongQueries = defineCollector({
  id: "postgres-long-queries",

  async collect(context) {
    const rows = await rowsOf(context, { row, text: TEXT });
    if (!rows.ok) return rows;
    const queries = rows.value.map((one) => ({
      ...session.parse(one),
      seconds: rounded(one.seconds),
      ...shownQuery(one.query, QUERY_CHARACTERS_MAX),
    }));
    const [longest] = queries;
    const count = rows.value[0]?.long ?? 0;
    return ok({
      summary:
        longest === undefined
          ? "No client is running a query or holds a transaction open"
          : `${count} clients have been at it for more than ${LONG_SECONDS} s; the longest, ${longest.seconds} s: ${longest.application ?? "?"} as ${longest.role ?? "?"} (pid ${longest.pid}, ${longest.state ?? "?"}): ${longest.query}`,
      facts: { queries, longCount: count, longSeconds: LONG_SECONDS },
    });
  },
});

/** An open transaction's age counts where nothing runs in it: that is what holds the locks. */
const TEXT = `
WITH session AS (
  SELECT pid, usename, application_name, datname, state, wait_event_type, wait_event, query,
    ${IS_MAINTENANCE} AS is_maintenance,
    extract(epoch FROM clock_timestamp()
      - CASE state WHEN 'active' THEN query_start ELSE xact_start END)::float8 AS seconds
  FROM pg_stat_activity WHERE ${IS_CLIENT} AND state <> 'idle'
)
SELECT pid, usename::text AS role, application_name AS application, datname::text AS database, state,
  wait_event_type || ': ' || wait_event AS waits_for, seconds, is_maintenance, query,
  (count(*) FILTER (WHERE seconds > ${LONG_SECONDS}) OVER ())::int AS long
FROM session WHERE seconds IS NOT NULL ORDER BY seconds DESC LIMIT ${LISTED_MAX}`;
