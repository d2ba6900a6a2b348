/**
 * The largest tables, and how much of them is dead: measured where `pgstattuple` is and answers in time, else the share of dead
 * rows that the server last knew of. Tables that somebody locks whole are left out, or we would wait with everybody else.
 */
import { z } from "zod";
import { ok } from "../../shared/result.ts";
import { defineCollector, type CollectorContext } from "./collector.ts";
import { rowsOf } from "./postgres-rows.ts";

export const TABLES_MAX = 10;
const NAME_CHARACTERS_MAX = 130;

const size = z.object({
  name: z.string().transform((name) => name.slice(0, NAME_CHARACTERS_MAX)),
  bytes: z.number(),
  rows: z.number(),
  dead_row_ratio: z.number().nullable(),
  vacuumed_at: z.string().nullable(),
});
const table = size.extend({
  oid: z.string(),
  bloat_in: z.string().nullable(),
  locked: z.int(),
});
type Table = z.infer<typeof table>;

const measured = z.object({ oid: z.string(), bloat_ratio: z.number() });

export const postgresTableSizes = defineCollector({
  id: "postgres-table-sizes",

  async collect(context) {
    const tables = await rowsOf(context, { row: table, text: SIZES });
    if (!tables.ok) return tables;
    const bloat = await bloatOf(tables.value, context);
    const shown = tables.value.map((one) => ({
      ...size.parse(one),
      bloat_ratio: bloat?.get(one.oid) ?? null,
    }));
    const [largest] = shown;
    const locked = tables.value[0]?.locked ?? 0;
    // By what could be won back: a table of one page is soon nearly empty.
    const [worst] = shown.toSorted((a, b) => wasted(b) * b.bytes - wasted(a) * a.bytes);
    return ok({
      summary:
        largest === undefined || worst === undefined
          ? "There is no table to measure"
          : `Largest: ${largest.name}, ${megabytes(largest.bytes)} MB; most bloated: ${worst.name}, ${Math.round(wasted(worst) * 100)} % ${bloat === null ? "of its rows dead (estimated)" : "dead or free (measured)"}${locked === 0 ? "" : `; ${locked} tables are locked whole and were left out`}`,
      facts: { tables: shown, isMeasured: bloat !== null, locked },
    });
  },
});

const wasted = (one: {
  readonly bloat_ratio: number | null;
  readonly dead_row_ratio: number | null;
}): number => one.bloat_ratio ?? one.dead_row_ratio ?? 0;

const megabytes = (bytes: number): number => Math.round(bytes / 100_000) / 10;

/** The share of each table that is dead or free, by its oid; null where it cannot be measured. */
async function bloatOf(
  tables: readonly Table[],
  context: CollectorContext,
): Promise<ReadonlyMap<string, number> | null> {
  const schema = tables[0]?.bloat_in ?? null;
  if (schema === null) return null;
  const rows = await rowsOf(context, {
    row: measured,
    params: [tables.map(({ oid }) => oid)],
    text: `
SELECT t.oid::text, (m.dead_tuple_percent + m.approx_free_percent) / 100 AS bloat_ratio
FROM unnest($1::oid[]) AS t (oid), LATERAL ${schema}.pgstattuple_approx(t.oid) AS m`,
  });
  return rows.ok ? new Map(rows.value.map((one) => [one.oid, one.bloat_ratio])) : null;
}

const SIZES = `
WITH candidate AS (
  SELECT c.oid, c.oid::regclass::text AS name, EXISTS (
    SELECT 1 FROM pg_locks l WHERE l.relation = c.oid AND l.mode = 'AccessExclusiveLock'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  ) AS is_locked
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
)
SELECT c.oid::text, c.name, pg_total_relation_size(c.oid)::float8 AS bytes,
  coalesce(s.n_live_tup, 0)::float8 AS rows,
  (s.n_dead_tup::float8 / nullif(s.n_live_tup + s.n_dead_tup, 0)) AS dead_row_ratio,
  to_char(greatest(s.last_vacuum, s.last_autovacuum) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    AS vacuumed_at,
  (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'pgstattuple') AS bloat_in,
  (SELECT count(*)::int FROM candidate WHERE is_locked) AS locked
FROM candidate c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE NOT is_locked ORDER BY bytes DESC, c.name LIMIT ${TABLES_MAX}`;
