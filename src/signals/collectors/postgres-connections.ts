/** Who holds the connections, by application, role and state, against the limit. */
import { z } from "zod";
import { ok } from "../../shared/result.ts";
import { defineCollector } from "./collector.ts";
import { rounded, rowsOf } from "./postgres-rows.ts";

const GROUPS_MAX = 30;

const row = z.object({
  application: z.string().nullable(),
  role: z.string().nullable(),
  state: z.string().nullable(),
  count: z.int(),
  oldest_seconds: z.number().nullable(),
  total: z.int(),
  limit: z.int(),
});

export const postgresConnections = defineCollector({
  id: "postgres-connections",

  async collect(context) {
    const rows = await rowsOf(context, { row, text: TEXT });
    if (!rows.ok) return rows;
    const [most] = rows.value;
    if (most === undefined) return ok({ summary: "No client is connected", facts: { groups: [] } });
    const { total, limit } = most;
    return ok({
      summary: `${total} of ${limit} connections are taken; most by ${most.application || "nameless"} as ${most.role ?? "?"}, ${most.state ?? "?"}: ${most.count}`,
      facts: {
        total,
        limit,
        groups: rows.value.map(({ application, role, state, count, oldest_seconds: oldest }) => ({
          application,
          role,
          state,
          count,
          oldestSeconds: oldest === null ? null : rounded(oldest),
        })),
      },
    });
  },
});

const TEXT = `
SELECT application_name AS application, usename::text AS role, state, count(*)::int AS count,
  extract(epoch FROM max(clock_timestamp() - state_change))::float8 AS oldest_seconds,
  (sum(count(*)) OVER ())::int AS total,
  current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0) AS "limit"
FROM pg_stat_activity WHERE backend_type = 'client backend'
GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 2, 3 LIMIT ${GROUPS_MAX}`;
