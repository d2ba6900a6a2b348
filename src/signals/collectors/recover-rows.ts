/** A script that brings missing rows back from a branch, for a person to read and run; where there is none, why. Names and SQL, no values. */
import { z } from "zod";
import { queryOf, type IntegrityCheck } from "../../integrity/check.ts";
import {
  recoverRowsScript,
  type Damage,
  type Loss,
  type Reference,
  type TableName,
} from "../../integrity/recover-rows.ts";
import { ok, type Result } from "../../shared/result.ts";
import type { Failure } from "../../incidents/journal.ts";
import { isKnown } from "../signal.ts";
import { defineCollector, type CollectorContext } from "./collector.ts";
import { rowsOf } from "./postgres-rows.ts";

/** Tables whose shape is read; a database with more above the declared ones is no narrow case. */
const TABLES_READ_MAX = 64;
const COLUMNS_READ_MAX = 200;

const found = z.object({ broken: z.int().nullable() });
const name = z.object({ schema: z.string(), name: z.string() });
const catalogueRow = name.extend({
  /** As the checks write it; null for a table that only references lead to. */
  written: z.array(z.string()),
  columns: z.array(z.string()).max(COLUMNS_READ_MAX),
  key: z.array(z.string()),
  references: z.array(
    z.object({ columns: z.array(z.string()), parent: name, parentColumns: z.array(z.string()) }),
  ),
});
type CatalogueRow = z.infer<typeof catalogueRow>;
type Orphans = Extract<IntegrityCheck, { kind: "orphans" }>;

export const recoverRows = defineCollector({
  id: "recover-rows",

  async collect(context) {
    const damage = await damageOf(context);
    if (!damage.ok) return damage;
    const script = recoverRowsScript(damage.value);
    return ok(
      script.ok
        ? {
            summary: `A script that brings missing rows of ${tablesOf(damage.value)} back from a branch; a person reads and runs it`,
            facts: { script: script.value },
          }
        : { summary: `No script brings rows back: ${script.error}`, facts: { script: null } },
    );
  },
});

const tablesOf = ({ losses }: Damage): string =>
  [
    ...new Set(
      losses.map((loss) => (loss.kind === "rows" ? loss.table : loss.reference.parent).name),
    ),
  ].join(", ");

async function damageOf(context: CollectorContext): Promise<Result<Damage, Failure>> {
  const broken: Orphans[] = [];
  const orphans = context.integrityChecks.filter((check) => check.kind === "orphans");
  for (const check of orphans) {
    const read = await rowsOf(context, { text: queryOf(check), row: found });
    if (!read.ok) return read;
    if ((read.value[0]?.broken ?? 0) > 0) broken.push(check);
  }
  const shrunk = await shrunkTables(context);
  const written = [
    ...orphans.flatMap(({ table, references }) => [table, references.table]),
    ...shrunk,
  ];
  const catalogue = await rowsOf(context, {
    text: SHAPES,
    params: [JSON.stringify([...new Set(written)])],
    row: catalogueRow,
  });
  if (!catalogue.ok) return catalogue;
  const tables = catalogue.value;
  const declared = orphans.flatMap((check) => referenceOf(check, tables));
  return ok({
    tables,
    losses: [
      ...broken.flatMap((check) =>
        referenceOf(check, tables).map((reference): Loss => ({ kind: "parents", reference })),
      ),
      ...shrunk.flatMap((table) =>
        resolved(table, tables).map((one): Loss => ({ kind: "rows", table: one })),
      ),
    ],
    references: [
      ...declared,
      ...tables.flatMap(({ references, ...child }) =>
        references.map((reference) => ({ child, ...reference })),
      ),
    ],
  });
}

/** Counted tables of which one has lost more than it may; which one, the catalogue's rows will show. */
async function shrunkTables({
  history,
  onsetAtMs,
  integrityChecks,
}: CollectorContext): Promise<readonly string[]> {
  const drops = (await history("integrity.row_drop_ratio", onsetAtMs)).filter(isKnown);
  const worst = Math.max(0, ...drops.map(({ value }) => Number(value)));
  return integrityChecks.flatMap((check) =>
    check.kind === "row-count" && worst > check.drop_max ? [check.table] : [],
  );
}

const resolved = (written: string, tables: readonly CatalogueRow[]): readonly TableName[] =>
  tables.filter((table) => table.written.includes(written));

function referenceOf(check: Orphans, tables: readonly CatalogueRow[]): readonly Reference[] {
  const [child] = resolved(check.table, tables);
  const [parent] = resolved(check.references.table, tables);
  if (child === undefined || parent === undefined) return [];
  const { columns, references } = check;
  return [{ child, columns, parent, parentColumns: references.columns }];
}

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
