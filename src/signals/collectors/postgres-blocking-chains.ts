/** Who waits for whom: the sessions at the head of each chain of locks, and how many wait behind them. */
import { z } from "zod";
import { ok } from "../../shared/result.ts";
import { defineCollector } from "./collector.ts";
import { rounded, rowsOf, shownQuery } from "./postgres-rows.ts";

/** Finding out who blocks whom costs the server a little for each that waits. */
export const WAITING_MAX = 40;
const HEADS_MAX = 10;
const QUERY_CHARACTERS_MAX = 300;

const row = z.object({
  pid: z.int(),
  role: z.string().nullable(),
  application: z.string().nullable(),
  state: z.string().nullable(),
  seconds: z.number().nullable(),
  waits_for: z.string().nullable(),
  query: z.string().nullable(),
  blocked_by: z.array(z.int()),
});

export const postgresBlockingChains = defineCollector({
  id: "postgres-blocking-chains",

  async collect(context) {
    const rows = await rowsOf(context, { row, text: TEXT });
    if (!rows.ok) return rows;
    const waiting = rows.value.filter(({ blocked_by: blockers }) => blockers.length > 0);
    const heads = headsOf(new Map(waiting.map((one) => [one.pid, one.blocked_by])));
    const sessions = rows.value.map(({ query, seconds, ...session }) => ({
      ...session,
      seconds: seconds === null ? null : rounded(seconds),
      ...shownQuery(query, QUERY_CHARACTERS_MAX),
    }));
    const [first] = heads;
    const head = sessions.find(({ pid }) => pid === first?.pid);
    return ok({
      summary:
        first === undefined
          ? noHead(waiting.length)
          : `${waiting.length} sessions wait for locks; ${first.waiting} of them behind pid ${first.pid} (${head === undefined ? "a prepared transaction, or it has gone" : `${head.application ?? "?"} as ${head.role ?? "?"}, ${head.state ?? "?"}`})`,
      facts: { waiting: waiting.length, heads: heads.slice(0, HEADS_MAX), sessions },
    });
  },
});

const noHead = (waiting: number): string =>
  waiting === 0 ? "No session waits for a lock" : `${waiting} sessions wait for locks in a circle`;

export type Head = { readonly pid: number; readonly waiting: number };

/** Those that block others and wait for nobody, the longest tail first. `blockedBy` is by the pid that waits. */
export function headsOf(blockedBy: ReadonlyMap<number, readonly number[]>): readonly Head[] {
  const behind = new Map<number, Set<number>>();
  for (const pid of blockedBy.keys()) {
    for (const head of headsBefore(pid, blockedBy)) {
      behind.set(head, (behind.get(head) ?? new Set()).add(pid));
    }
  }
  return [...behind]
    .map(([pid, tail]) => ({ pid, waiting: tail.size }))
    .toSorted((a, b) => b.waiting - a.waiting || a.pid - b.pid);
}

/** Follows the chain to its ends; a circle has none. */
function headsBefore(
  pid: number,
  blockedBy: ReadonlyMap<number, readonly number[]>,
): ReadonlySet<number> {
  const heads = new Set<number>();
  const seen = new Set<number>();
  const ahead = [pid];
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const blockers = blockedBy.get(next);
    if (blockers === undefined) heads.add(next);
    else ahead.push(...blockers);
  }
  return heads;
}

const TEXT = `
WITH waiting AS (
  SELECT pid, pg_blocking_pids(pid) AS blocked_by
  FROM pg_stat_activity WHERE wait_event_type = 'Lock' ORDER BY query_start LIMIT ${WAITING_MAX}
)
SELECT a.pid, usename::text AS role, application_name AS application, state,
  extract(epoch FROM clock_timestamp()
    - CASE state WHEN 'active' THEN query_start ELSE xact_start END)::float8 AS seconds,
  (SELECT concat_ws(' ', l.mode, 'on', l.locktype, l.relation::regclass)
    FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted LIMIT 1) AS waits_for,
  query, coalesce(w.blocked_by, '{}') AS blocked_by
FROM pg_stat_activity a LEFT JOIN waiting w ON w.pid = a.pid
WHERE w.pid IS NOT NULL OR a.pid IN (SELECT unnest(blocked_by) FROM waiting)
ORDER BY cardinality(coalesce(w.blocked_by, '{}')), a.pid LIMIT ${WAITING_MAX + HEADS_MAX}`;
