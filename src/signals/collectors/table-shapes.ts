/** The shape of tables as the live catalogue has it: columns, primary key, and what they refer to. */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import type { TableName } from "../../integrity/recover-rows.ts";
import type { Result } from "../../shared/result.ts";
import type { CollectorContext } from "./collector.ts";
import { rowsOf } from "./postgres-rows.ts";

/** Tables whose shape is read; a database with more above the declared ones is no narrow case. */
const TABLES_READ_MAX = 64;
const COLUMNS_READ_MAX = 200;

const name = z.object({ schema: z.string(), name: z.string() });
const tableShape = name.extend({
  /** As the checks write it; null for a table that only references lead to. */
  written: z.array(z.string()),
  columns: z.array(z.string()).max(COLUMNS_READ_MAX),
  key: z.array(z.string()),
  references: z.array(
    z.object({ columns: z.array(z.string()), parent: name, parentColumns: z.array(z.string()) }),
  ),
});
export type TableShape = z.infer<typeof tableShape>;

/** Of the tables that checks name so, and of all above them. */
export const readShapes = (
  context: CollectorContext,
  written: readonly string[],
): Promise<Result<readonly TableShape[], Failure>> =>
  rowsOf(context, {
    text: SHAPES,
    params: [JSON.stringify([...new Set(written)])],
    row: tableShape,
  });

export const resolved = (written: string, tables: readonly TableShape[]): readonly TableName[] =>
  tables.filter((table) => table.written.includes(written));

/** The declared tables, and all above them that constraints lead to. `$1` is their names, as a JSON list. */
const SHAPES = `
WITH RECURSIVE named AS (
  SELECT to_regclass(written)::oid AS oid, written FROM jsonb_array_elements_text($1::jsonb) AS written
), reached(oid) AS (
  SELECT oid FROM named WHERE oid IS NOT NULL
  UNION
  SELECT c.confrelid FROM pg_constraint c JOIN reached r ON c.conrelid = r.oid WHERE c.contype = 'f'
)
SELECT n.nspname AS schema, t.relname AS name,
  coalesce((SELECT jsonb_agg(named.written) FROM named WHERE named.oid = t.oid), '[]') AS written,
  coalesce((SELECT jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
    WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''), '[]') AS columns,
  coalesce((SELECT jsonb_agg(a.attname ORDER BY array_position(k.conkey, a.attnum)) FROM pg_constraint k
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
    WHERE k.conrelid = t.oid AND k.contype = 'p'), '[]') AS key,
  coalesce((SELECT jsonb_agg(jsonb_build_object(
      'columns', (SELECT jsonb_agg(a.attname ORDER BY u.n) FROM unnest(f.conkey) WITH ORDINALITY AS u(attnum, n)
        JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = u.attnum),
      'parent', jsonb_build_object('schema', pn.nspname, 'name', pt.relname),
      'parentColumns', (SELECT jsonb_agg(a.attname ORDER BY u.n) FROM unnest(f.confkey) WITH ORDINALITY AS u(attnum, n)
        JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = u.attnum)))
    FROM pg_constraint f JOIN pg_class pt ON pt.oid = f.confrelid JOIN pg_namespace pn ON pn.oid = pt.relnamespace
    WHERE f.conrelid = t.oid AND f.contype = 'f'), '[]') AS references
FROM reached JOIN pg_class t ON t.oid = reached.oid JOIN pg_namespace n ON n.oid = t.relnamespace
ORDER BY 1, 2 LIMIT ${TABLES_READ_MAX}`;
