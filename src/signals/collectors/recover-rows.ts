/** A script that brings missing rows back from a branch, for a person to read and run; where there is none, why. Names and SQL, no values. */
import { z } from "zod";
import { queryOf, type IntegrityCheck } from "../../integrity/check.ts";
import {
  recoverRowsScript,
  type Damage,
  type Loss,
  type Reference,
} from "../../integrity/recover-rows.ts";
import { ok, type Result } from "../../shared/result.ts";
import type { Failure } from "../../incidents/journal.ts";
import { isKnown } from "../signal.ts";
import { defineCollector, type CollectorContext } from "./collector.ts";
import { rowsOf } from "./postgres-rows.ts";
import { readShapes, resolved, type TableShape } from "./table-shapes.ts";

const found = z.object({ broken: z.int().nullable() });
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

/** What the declared checks say is gone, and the tables that it reaches. */
export async function damageOf(context: CollectorContext): Promise<Result<Damage, Failure>> {
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
  const catalogue = await readShapes(context, written);
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

function referenceOf(check: Orphans, tables: readonly TableShape[]): readonly Reference[] {
  const [child] = resolved(check.table, tables);
  const [parent] = resolved(check.references.table, tables);
  if (child === undefined || parent === undefined) return [];
  const { columns, references } = check;
  return [{ child, columns, parent, parentColumns: references.columns }];
}
