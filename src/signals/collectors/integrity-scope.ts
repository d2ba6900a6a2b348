/** Which declared checks fail now, on how many rows, and since when: how far the damage reaches. References are shown, other values never. */
import { z } from "zod";
import { brokenRowsOf, type IntegrityCheck } from "../../integrity/check.ts";
import { ok } from "../../shared/result.ts";
import { isKnown } from "../signal.ts";
import { runCheck } from "../run-check.ts";
import { defineCollector, type CollectorContext } from "./collector.ts";
import { rowsOf } from "./postgres-rows.ts";

const EXAMPLES_MAX = 20;
const EXAMPLE_CHARACTERS_MAX = 100;
/** Of all checks together, within the collector's deadline: what could be looked at by then is evidence. */
const BUDGET_MS = 12_000;
const LOOK_BACK_MS = 3_600_000;
const BROKEN = "integrity.broken_rows_count";

const example = z.object({ reference: z.string() });

type Finding = {
  readonly check: string;
  readonly kind: IntegrityCheck["kind"];
  readonly table: string | null;
  readonly brokenRows: number | null;
  readonly rows: number | null;
  /** Of orphans: what their references name and nothing has. */
  readonly missing: readonly string[];
  /** Why it could not be looked at. */
  readonly problem: string | null;
};

export const integrityScope = defineCollector({
  id: "integrity-scope",

  async collect(context) {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(BUDGET_MS)]);
    const findings: Finding[] = [];
    for (const check of context.integrityChecks) {
      findings.push(await look(check, { ...context, signal }));
    }
    const failing = findings.filter(({ brokenRows }) => (brokenRows ?? 0) > 0);
    const firstSeenAtMs = await firstSeen(context);
    const tables = [...new Set(failing.map(({ table, check }) => table ?? check))];
    const rows = failing.reduce((sum, { brokenRows }) => sum + (brokenRows ?? 0), 0);
    const unseen = findings.filter(({ problem }) => problem !== null).length;
    const since =
      firstSeenAtMs === null ? "" : `, first seen ${new Date(firstSeenAtMs).toISOString()}`;
    const rest = unseen === 0 ? "" : `; ${unseen} checks could not be looked at`;
    return ok({
      summary:
        failing.length === 0
          ? `No declared check finds a broken row${rest}`
          : `${rows} broken rows in ${tables.join(", ")}${since}${rest}`,
      facts: { firstSeenAtMs, findings },
    });
  },
});

async function look(check: IntegrityCheck, context: CollectorContext): Promise<Finding> {
  const base = { check: check.id, kind: check.kind, table: "table" in check ? check.table : null };
  const nothing = { ...base, brokenRows: null, rows: null, missing: [], problem: null };
  if (context.postgres === null) return { ...nothing, problem: "POSTGRES_URL is not set" };
  const databases = { postgres: context.postgres, replica: context.replica };
  const found = await runCheck(check, databases, context.signal);
  if (!found.ok) return { ...nothing, problem: found.error };
  const { broken: brokenRows, rows } = found.value;
  const isShown = check.kind === "orphans" && (brokenRows ?? 0) > 0;
  const missing = isShown ? await missingOf(check, context) : [];
  return { ...nothing, brokenRows, rows, missing };
}

/** The keys that are gone: what a recovery must bring back. */
async function missingOf(
  check: Extract<IntegrityCheck, { kind: "orphans" }>,
  context: CollectorContext,
): Promise<readonly string[]> {
  const text = `SELECT DISTINCT left(orphan::text, ${EXAMPLE_CHARACTERS_MAX}) AS reference
FROM (${brokenRowsOf(check)}) AS orphan ORDER BY 1 LIMIT ${EXAMPLES_MAX}`;
  const read = await rowsOf(context, { text, row: example });
  return read.ok ? read.value.map(({ reference }) => reference) : [];
}

/** Since when rows are known to be broken; null when no sample says. */
export async function firstSeen({ history, onsetAtMs }: CollectorContext): Promise<number | null> {
  const samples = await history(BROKEN, onsetAtMs - LOOK_BACK_MS);
  return samples.find((sample) => isKnown(sample) && Number(sample.value) > 0)?.atMs ?? null;
}
