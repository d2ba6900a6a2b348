/**
 * The script that brings missing rows back from a branch on which they still are. A person reads and runs it: first to see what it
 * would do, then with the counts that it said. Pure; no value of the database is in it.
 *
 * The branch is read through `postgres_fdw`, so that all of it is one transaction of the live database: rows that live lacks are
 * picked with the parents that they need in turn, inserted parents first, counted, and committed only as expected.
 */
import { err, ok, type Result } from "../shared/result.ts";
import { identifier } from "./identifier.ts";

/** Tables of one script; damage that reaches further is no narrow case. */
export const RECOVER_TABLES_MAX = 16;
export const SCRIPT_CHARACTERS_MAX = 24_000;

export type TableName = { readonly schema: string; readonly name: string };

/** A table as the live catalogue has it. */
export type RecoverTable = TableName & {
  /** Those that can be inserted: not generated ones. */
  readonly columns: readonly string[];
  /** The primary key; empty for none. */
  readonly key: readonly string[];
};

/** A reference, constrained or only declared. */
export type Reference = {
  readonly child: TableName;
  readonly columns: readonly string[];
  readonly parent: TableName;
  readonly parentColumns: readonly string[];
};

export type Loss =
  /** Parents that rows of live refer to. */
  | { readonly kind: "parents"; readonly reference: Reference }
  /** Every row that the branch has and live does not. */
  | { readonly kind: "rows"; readonly table: TableName };

export type Damage = {
  readonly losses: readonly Loss[];
  readonly tables: readonly RecoverTable[];
  readonly references: readonly Reference[];
};

/** The script, or why these rows are for a person to recover. */
export function recoverRowsScript(damage: Damage): Result<string, string> {
  if (damage.losses.length === 0)
    return err("no check has lost rows that a branch could give back");
  const picked = pick(damage);
  if (!picked.ok) return picked;
  const script = render(picked.value, damage.losses);
  return script.length > SCRIPT_CHARACTERS_MAX
    ? err(`the script would be longer than ${SCRIPT_CHARACTERS_MAX} characters`)
    : ok(script);
}

/** A table to recover, and which of the branch's rows: any of `conditions`, over `lost`. */
type Pick = { readonly table: RecoverTable; readonly conditions: readonly string[] };

/** Children before the parents that they need. */
function pick({ losses, tables, references }: Damage): Result<readonly Pick[], string> {
  const wanted = reach(losses, references);
  if (wanted.size > RECOVER_TABLES_MAX) {
    return err(`it reaches ${wanted.size} tables; a script recovers ${RECOVER_TABLES_MAX}`);
  }
  const known = new Map(tables.map((table) => [idOf(table), table]));
  const among = references.filter(
    ({ child, parent }) => wanted.has(idOf(child)) && wanted.has(idOf(parent)),
  );
  const picks: Pick[] = [];
  const left = new Set(wanted);
  while (left.size > 0) {
    const next = [...left].find((id) => !among.some((one) => needs(one, id, left)));
    if (next === undefined) return err(`references go in a circle: ${[...left].join(", ")}`);
    const table = known.get(next);
    if (table === undefined) return err(`${next} is not in the live database`);
    if (table.key.length === 0) return err(`${next} has no primary key to tell its rows by`);
    const own = losses.flatMap((loss) => conditionOf(loss, next));
    const forChildren = among.flatMap((reference) =>
      idOf(reference.parent) === next && idOf(reference.child) !== next
        ? [
            namedBy(
              reference,
              rescued(picks.findIndex((one) => idOf(one.table) === idOf(reference.child))),
            ),
          ]
        : [],
    );
    const isWhole = losses.some((loss) => loss.kind === "rows" && idOf(loss.table) === next);
    if (!isWhole && among.some((one) => idOf(one.parent) === next && idOf(one.child) === next)) {
      return err(
        `${next} refers to itself: how far up its rows are missing is for a person to see`,
      );
    }
    picks.push({ table, conditions: isWhole ? ["true"] : [...new Set([...own, ...forChildren])] });
    left.delete(next);
  }
  return ok(picks);
}

/** The tables of the losses, and all parents above them: a row may need one that is missing as well. */
function reach(losses: readonly Loss[], references: readonly Reference[]): ReadonlySet<string> {
  const wanted = new Set(
    losses.map((loss) => idOf(loss.kind === "rows" ? loss.table : loss.reference.parent)),
  );
  for (const id of wanted) {
    for (const { child, parent } of references) if (idOf(child) === id) wanted.add(idOf(parent));
  }
  return wanted;
}

/** Whether a table must wait for one of `left` that refers to it. */
const needs = ({ child, parent }: Reference, id: string, left: ReadonlySet<string>): boolean =>
  idOf(parent) === id && idOf(child) !== id && left.has(idOf(child));

const conditionOf = (loss: Loss, id: string): readonly string[] =>
  loss.kind === "parents" && idOf(loss.reference.parent) === id
    ? [namedBy(loss.reference, qualified(loss.reference.child))]
    : [];

/** Some row of `children` names this one. */
const namedBy = ({ columns, parentColumns }: Reference, children: string): string =>
  `EXISTS (SELECT FROM ${children} AS child WHERE ${equal("child", columns, "lost", parentColumns)})`;

const equal = (
  left: string,
  columns: readonly string[],
  right: string,
  others: readonly string[],
): string =>
  columns
    .map(
      (column, n) => `${left}.${identifier(column)} = ${right}.${identifier(others[n] ?? column)}`,
    )
    .join(" AND ");

function render(picks: readonly Pick[], losses: readonly Loss[]): string {
  const schemas = [...new Set(picks.map(({ table }) => table.schema))];
  const clean = ({ schema, name }: TableName): string =>
    `firebreak_clean_${schemas.indexOf(schema) + 1}.${identifier(name)}`;
  const imports = schemas.map((schema, n) => {
    const names = picks.filter(({ table }) => table.schema === schema);
    return `CREATE SCHEMA firebreak_clean_${n + 1};
IMPORT FOREIGN SCHEMA ${identifier(schema)} LIMIT TO (${names.map(({ table }) => identifier(table.name)).join(", ")})
  FROM SERVER firebreak_branch INTO firebreak_clean_${n + 1};`;
  });
  const chosen = picks.map(
    ({ table, conditions }, n) => `CREATE TEMPORARY TABLE ${rescued(n)} ON COMMIT DROP AS
SELECT ${columnsOf(table, "lost")} FROM ${clean(table)} AS lost
WHERE (${conditions.join("\n  OR ")})
AND NOT EXISTS (SELECT FROM ${qualified(table)} AS live WHERE ${equal("live", table.key, "lost", table.key)});`,
  );
  const inserts = picks.toReversed().map(({ table }, index) => {
    const n = picks.length - 1 - index;
    return `WITH inserted AS (
  INSERT INTO ${qualified(table)} (${table.columns.map(identifier).join(", ")}) OVERRIDING SYSTEM VALUE
  SELECT ${columnsOf(table, "lost")} FROM ${rescued(n)} AS lost ON CONFLICT DO NOTHING RETURNING 1
)
INSERT INTO firebreak_counts SELECT ${index}, ${literal(idOf(table))}, (SELECT count(*) FROM ${rescued(n)}), count(*) FROM inserted;`;
  });
  const orphans = losses.flatMap((loss) => {
    if (loss.kind !== "parents") return [];
    const { child, columns, parent, parentColumns } = loss.reference;
    const named = columns.map((column) => `child.${identifier(column)} IS NOT NULL`).join(" AND ");
    return [
      `INSERT INTO firebreak_orphans SELECT ${literal(`${idOf(child)} -> ${idOf(parent)}`)}, count(*) FROM ${qualified(child)} AS child
WHERE ${named} AND NOT EXISTS (SELECT FROM ${qualified(parent)} AS lost WHERE ${equal("child", columns, "lost", parentColumns)});`,
    ];
  });
  const drops = schemas.map((_, n) => `DROP SCHEMA firebreak_clean_${n + 1} CASCADE;`);
  return [
    HEAD,
    CONNECT,
    ...imports,
    COUNTS,
    ...chosen,
    ...inserts,
    ...orphans,
    VERIFY,
    ...drops,
    "DROP SERVER firebreak_branch CASCADE;\nCOMMIT;\n",
  ].join("\n\n");
}

const HEAD = `-- Brings rows back that a branch has and the live database does not. Read it before you run it.
-- Run it on the LIVE database, as the owner of its tables. It needs postgres_fdw, once, from somebody who may:
--   CREATE EXTENSION postgres_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO <owner>;
-- In the same session, first say where the branch is:
--   SET recover.host = '...'; SET recover.port = '5432'; SET recover.dbname = '...'; SET recover.user = '...'; SET recover.password = '...';
-- The first run is a dry run: it ends in an error that says the counts, and changes nothing. If they are what you expect:
--   SET recover.expect = '<the counts, as it said them>';
-- and run it again: it commits if it counts the same. Running it once more finds nothing to do.
-- Rows that somebody deleted on purpose since the branch come back too, where whole tables are compared. Triggers fire.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET LOCAL lock_timeout = '5s';
SET LOCAL standard_conforming_strings = on;`;

const CONNECT = `DO $firebreak$ BEGIN
  EXECUTE format('CREATE SERVER firebreak_branch FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L, updatable %L)',
    current_setting('recover.host'), current_setting('recover.port'), current_setting('recover.dbname'), 'false');
  EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER firebreak_branch OPTIONS (user %L, password %L)',
    current_setting('recover.user'), current_setting('recover.password'));
END $firebreak$;`;

const COUNTS = `CREATE TEMPORARY TABLE firebreak_counts (position int, name text, wanted bigint, inserted bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE firebreak_orphans (name text, remaining bigint) ON COMMIT DROP;`;

const VERIFY = `DO $firebreak$ DECLARE
  counts text := (SELECT string_agg(name || '=' || inserted, ', ' ORDER BY position) FROM firebreak_counts);
  refused text := (SELECT string_agg(name || ': ' || wanted - inserted, ', ') FROM firebreak_counts WHERE inserted <> wanted);
  missing text := coalesce((SELECT string_agg(name || ': ' || remaining, ', ') FROM firebreak_orphans WHERE remaining > 0), 'none');
  expected text := coalesce(current_setting('recover.expect', true), '');
BEGIN
  IF refused IS NOT NULL THEN
    RAISE EXCEPTION 'nothing was changed: rows that clash with others of the live database, by table: %', refused;
  ELSIF expected = '' THEN
    RAISE EXCEPTION 'dry run, nothing was changed: %', counts USING DETAIL = 'References that would still lead nowhere: ' || missing;
  ELSIF expected <> counts THEN
    RAISE EXCEPTION 'nothing was changed: it counts %, and not %', counts, expected;
  END IF;
END $firebreak$;`;

const rescued = (n: number): string => `firebreak_rows_${n + 1}`;
const columnsOf = ({ columns }: RecoverTable, of: string): string =>
  columns.map((column) => `${of}.${identifier(column)}`).join(", ");
const qualified = ({ schema, name }: TableName): string =>
  `${identifier(schema)}.${identifier(name)}`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const idOf = ({ schema, name }: TableName): string => `${schema}.${name}`;
