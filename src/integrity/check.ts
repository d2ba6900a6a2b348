/**
 * What must hold in the data, as `site.yaml` declares it: references that lead somewhere, keys that are there once, statements
 * that find no row, tables that do not shrink, tables that stay as they are. Read-only, bounded, and without a value in sight.
 */
import { z } from "zod";
import { parseDuration } from "../shared/duration.ts";

export const CHECKS_MAX = 16;
export const COLUMNS_MAX = 8;
export const SQL_CHARACTERS_MAX = 2_000;
/** Broken rows are counted up to here; more is as bad. */
export const BROKEN_ROWS_MAX = 10_000;
/** A table with more rows has no checksum: it would be read whole each time. */
export const CHECKSUM_ROWS_MAX = 10_000;

const id = z
  .string()
  .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/)
  .max(60);
/** As Postgres folds an unquoted one; it is quoted where it is used. */
const column = z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/, "write a column in lower case");
const table = z
  .string()
  .regex(/^(?:[a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,62}$/, "write table or schema.table");
const columns = z.array(column).min(1).max(COLUMNS_MAX);
/** One statement that reads. */
export const select = (message: string) =>
  z
    .string()
    .trim()
    .max(SQL_CHARACTERS_MAX)
    .regex(/^(?:select|with)\b/i, message)
    .refine((sql) => !sql.includes(";"), "write one statement, without a semicolon");
const within = z
  .string()
  .refine((text) => parseDuration(text).ok, "write a duration such as 1h")
  .prefault("1h");

export const integrityCheck = z.discriminatedUnion("kind", [
  /** Every row's reference leads to a row: an anti-join, with or without a constraint. */
  z
    .strictObject({
      kind: z.literal("orphans"),
      id,
      table,
      columns,
      references: z.strictObject({ table, columns }),
    })
    .refine((check) => check.columns.length === check.references.columns.length, {
      path: ["references", "columns"],
      message: "name as many columns as refer to them",
    }),
  /** No two rows have the same key, with or without an index. */
  z.strictObject({ kind: z.literal("duplicates"), id, table, columns }),
  /** A SELECT that must find no row. */
  z.strictObject({
    kind: z.literal("invariant"),
    id,
    sql: select("write a SELECT that finds the rows that should not be there"),
  }),
  /** The table does not lose more than this share of its rows within a window; what was lost stays so until it is back, or accepted. */
  z.strictObject({
    kind: z.literal("row-count"),
    id,
    table,
    drop_max: z.number().min(0).max(1).default(0.05),
    within,
  }),
  /** The table stays as it is: prices, plans, rights. `within` said for how long a change counts; today it counts until it is undone, or accepted. */
  z.strictObject({ kind: z.literal("checksum"), id, table, columns: columns.optional(), within }),
  /** A SELECT that the replica must answer as the primary does, in any order; being behind is no difference. */
  z.strictObject({
    kind: z.literal("replica"),
    id,
    sql: select("write a SELECT whose answer must be the same on the replica"),
  }),
]);
export type IntegrityCheck = z.infer<typeof integrityCheck>;
/** Those that one query of one database answers. */
export type SingleCheck = Exclude<IntegrityCheck, { kind: "replica" }>;

const quote = (name: string): string =>
  name
    .split(".")
    .map((part) => `"${part}"`)
    .join(".");
const list = (names: readonly string[], of: string): string =>
  names.map((name) => `${of}.${quote(name)}`).join(", ");

/**
 * One row with `broken` (rows that should not be, at most `BROKEN_ROWS_MAX`), `rows` (of a table that is counted) or `digest`;
 * what a check does not ask for is null.
 */
export function queryOf(check: SingleCheck): string {
  switch (check.kind) {
    case "orphans":
    case "duplicates":
    case "invariant":
      return `SELECT count(*)::int AS broken, NULL::float8 AS rows, NULL::text AS digest
FROM (SELECT 1 FROM (
${brokenRowsOf(check)}
) AS broken LIMIT ${BROKEN_ROWS_MAX}) AS counted`;
    case "row-count":
      return `SELECT NULL::int AS broken, count(*)::float8 AS rows, NULL::text AS digest FROM ${quote(check.table)}`;
    case "checksum": {
      const row = check.columns === undefined ? "t" : `ROW(${list(check.columns, "t")})`;
      return `SELECT NULL::int AS broken, count(*)::float8 AS rows,
  CASE WHEN count(*) <= ${CHECKSUM_ROWS_MAX} THEN md5(coalesce(string_agg(digest, '' ORDER BY digest), '')) END AS digest
FROM (SELECT md5(${row}::text) AS digest FROM ${quote(check.table)} AS t LIMIT ${CHECKSUM_ROWS_MAX + 1}) AS digests`;
    }
  }
}

/** The rows that a check is about, for counting and for a look at a few of them. */
export function brokenRowsOf(
  check: Extract<IntegrityCheck, { kind: "orphans" | "duplicates" | "invariant" }>,
): string {
  switch (check.kind) {
    case "orphans": {
      const { columns: from, references } = check;
      const known = from.map((name) => `child.${quote(name)} IS NOT NULL`).join(" AND ");
      const same = from
        .map((name, n) => `parent.${quote(references.columns[n] ?? "")} = child.${quote(name)}`)
        .join(" AND ");
      return `SELECT ${list(from, "child")} FROM ${quote(check.table)} AS child WHERE ${known}
AND NOT EXISTS (SELECT 1 FROM ${quote(references.table)} AS parent WHERE ${same})`;
    }
    case "duplicates": {
      const key = list(check.columns, "t");
      const known = check.columns.map((name) => `t.${quote(name)} IS NOT NULL`).join(" AND ");
      return `SELECT ${key}, count(*) AS copies FROM ${quote(check.table)} AS t WHERE ${known} GROUP BY ${key} HAVING count(*) > 1`;
    }
    case "invariant":
      return check.sql;
  }
}

type ExpectedConstraint = {
  /** As `pg_constraint` has it: a foreign key, or a unique one. */
  readonly kind: "f" | "u";
  readonly child: string;
  readonly columns: readonly string[];
  readonly parent: string | null;
};

/** What the declared references and keys would have in the catalogue if they were constraints of it, as JSON for `MISSING_SQL`. */
export const expectedConstraints = (
  checks: readonly IntegrityCheck[],
): readonly ExpectedConstraint[] =>
  checks.flatMap((check): readonly ExpectedConstraint[] => {
    if (check.kind === "orphans") {
      const { table: child, columns: from, references } = check;
      return [{ kind: "f", child, columns: from, parent: references.table }];
    }
    return check.kind === "duplicates"
      ? [{ kind: "u", child: check.table, columns: check.columns, parent: null }]
      : [];
  });

/**
 * Constraints and unique indexes that the database itself calls invalid, and declared ones that it does not have. A reference that
 * nobody ever constrained counts too: it is declared so that this is seen. `$1` is `expectedConstraints` as JSON.
 */
export const CATALOGUE_SQL = `
WITH wanted AS (
  SELECT kind, to_regclass(child) AS child, to_regclass(parent) AS parent, columns
  FROM jsonb_to_recordset($1::jsonb) AS w(kind text, child text, columns text[], parent text)
), present AS (
  SELECT c.contype AS kind, c.conrelid AS child, c.confrelid AS parent,
    (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute a
      WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)) AS columns
  FROM pg_constraint c WHERE c.convalidated AND c.contype IN ('f', 'u', 'p')
  UNION ALL
  -- Of its key only, without what is INCLUDEd; one over an expression says nothing about the columns beside it.
  SELECT 'u', i.indrelid, 0, (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute a
      WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
  FROM pg_index i
  WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
)
SELECT
  (SELECT count(*)::int FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
    WHERE NOT c.convalidated AND n.nspname NOT IN ('pg_catalog', 'information_schema')) +
  (SELECT count(*)::int FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
    WHERE NOT i.indisvalid AND NOT EXISTS
      (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)) AS invalid,
  (SELECT count(*)::int FROM wanted w WHERE NOT EXISTS (
    SELECT 1 FROM present p WHERE p.child = w.child
      AND p.columns = (SELECT array_agg(c ORDER BY c) FROM unnest(w.columns) AS c)
      AND ((w.kind = 'f' AND p.kind = 'f' AND p.parent = w.parent) OR (w.kind = 'u' AND p.kind IN ('u', 'p')))
  )) AS missing`;
