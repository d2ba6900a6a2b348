/**
 * The way back from corruption: every declared check on the branch of the last clean moment, how the live database differs from it, and
 * which way that leaves. Counts and names only. Tried again until the branch is there.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import type { IntegrityCheck } from "../../integrity/check.ts";
import {
  bucketsSql,
  compareBuckets,
  compareRows,
  rowsSql,
  sharedBy,
  type Difference,
  type SharedTable,
} from "../../integrity/difference.ts";
import { recoverRowsScript, type TableName } from "../../integrity/recover-rows.ts";
import { chooseRecovery, type Compared } from "../../integrity/recovery-plan.ts";
import { listComputes } from "../../platform/neon-computes.ts";
import { findPastBranch, type PastBranch } from "../../platform/neon-kept.ts";
import type { Postgres } from "../../platform/postgres.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { utcTime } from "../../shared/utc.ts";
import { runCheck } from "../run-check.ts";
import { defineCollector, type CollectorContext, type KeptBranches } from "./collector.ts";
import { firstSeen } from "./integrity-scope.ts";
import { rowsOf } from "./postgres-rows.ts";
import { damageOf } from "./recover-rows.ts";
import { readShapes, resolved, type TableShape } from "./table-shapes.ts";

/** Tables that are compared; what checks name beyond them is for a person. */
const TABLES_MAX = 16;
/** Of all of it, within the collector's deadline: what could be looked at by then is evidence. */
const BUDGET_MS = 12_000;

const bucketRow = z.object({ bucket: z.int(), rows: z.int(), digest: z.string() });
const hashedRow = z.object({ key: z.string(), row: z.string() });

type Verified = {
  readonly check: string;
  readonly brokenRows: number | null;
  /** Why it could not be run there. */
  readonly problem: string | null;
};

export const recoveryPlan = defineCollector({
  id: "recovery-plan",

  async collect(given) {
    const { kept, postgres } = given;
    if (kept === null) return refuse("NEON_API_KEY and NEON_PROJECT_ID are not set");
    if (postgres === null) return refuse("POSTGRES_URL is not set");
    const opened = await openBranch(kept);
    if (!opened.ok) return opened;
    const { branch, database } = opened.value;
    const signal = AbortSignal.any([given.signal, AbortSignal.timeout(BUDGET_MS)]);
    const context = { ...given, signal };
    // Side by side: one connection to the branch and one to live for each, and the budget is short.
    const [verified, damage, { tables, notCompared }] = await Promise.all([
      verify(context, database),
      damageOf(context),
      compareTables(context, database),
    ]);
    if (!damage.ok) return damage;
    const script = recoverRowsScript(damage.value);
    const failing = verified.filter(({ brokenRows }) => (brokenRows ?? 0) > 0);
    const unseen = verified.filter(({ problem }) => problem !== null);
    const plan = chooseRecovery({
      failing: failing.map(({ check }) => check),
      unseen: unseen.map(({ check }) => check),
      tables,
      notCompared,
      noScript: script.ok ? null : script.error,
    });
    // What only compares with earlier times says nothing of a branch.
    const isPart = verified.some(
      ({ brokenRows, problem }) => brokenRows === null && problem === null,
    );
    const every = isPart ? "every check that judges by itself" : "every check";
    const holds = `${failing.length + unseen.length === 0 ? "" : "not "}${every} holds`;
    const differences = [
      ...tables.flatMap(shown),
      ...notCompared.map((table) => `${table} could not be compared`),
    ];
    return ok({
      summary: `On the branch of ${utcTime(branch.atMs)} UTC ${holds}; live against it: ${differences.join("; ") || "no row is missing or changed"}. Way back: ${plan.way}, for ${plan.why}`,
      facts: {
        branch: { id: branch.id, name: branch.name, atMs: branch.atMs },
        firstSeenAtMs: await firstSeen(context),
        verified,
        tables,
        notCompared,
        plan,
      },
    });
  },
});

/** How a table differs, in words; nothing for one that does not. */
function shown({ table, missing, changed, isAtLeast, apart }: Compared): readonly string[] {
  const words = [
    ...(missing + changed > 0
      ? [`${isAtLeast ? "at least " : ""}${missing} missing, ${changed} changed`]
      : []),
    ...(apart.dropped.length > 0 ? [`without column ${apart.dropped.join(", ")}`] : []),
    ...(apart.added.length > 0 ? [`with new column ${apart.added.join(", ")}`] : []),
  ];
  return words.length === 0 ? [] : [`${table} ${words.join(", ")}`];
}

type Opened = { readonly branch: PastBranch; readonly database: Postgres };

async function openBranch({ api, incident, open }: KeptBranches): Promise<Result<Opened, Failure>> {
  const branch = await findPastBranch(api, incident);
  if (!branch.ok) return branch;
  if (branch.value === null || !branch.value.isReady) {
    return later("the branch of the last clean moment is not there yet");
  }
  const { id } = branch.value;
  const computes = await listComputes(api);
  if (!computes.ok) return computes;
  const compute = computes.value.find(({ branchId }) => branchId === id);
  if (compute === undefined) return refuse(`branch ${id} has no compute to ask`);
  const database = open(compute.host);
  return database === null
    ? refuse("POSTGRES_URL is not set")
    : ok({ branch: branch.value, database });
}

/** A branch has no replica to be compared with. */
async function verify(
  { integrityChecks, signal }: CollectorContext,
  database: Postgres,
): Promise<readonly Verified[]> {
  const verified: Verified[] = [];
  for (const check of integrityChecks.filter(({ kind }) => kind !== "replica")) {
    const found = await runCheck(check, { postgres: database, replica: null }, signal);
    verified.push(
      found.ok
        ? { check: check.id, brokenRows: found.value.broken, problem: null }
        : { check: check.id, brokenRows: null, problem: found.error },
    );
  }
  return verified;
}

async function compareTables(
  context: CollectorContext,
  branch: Postgres,
): Promise<{ readonly tables: readonly Compared[]; readonly notCompared: readonly string[] }> {
  const declared = [...new Set(context.integrityChecks.flatMap(tablesOf))];
  const [shapes, past] = await Promise.all([
    readShapes(context, declared),
    readShapes({ ...context, postgres: branch }, declared),
  ]);
  if (!shapes.ok || !past.ok) return { tables: [], notCompared: ["every table"] };
  const before = new Map(past.value.map((table) => [idOf(table), table]));
  const named = shapes.value.filter(({ written }) => written.length > 0);
  const tables: Compared[] = [];
  // A table that live has no more is the damage itself.
  const gone = declared.filter((table) => resolved(table, named).length === 0);
  const notCompared = [...gone, ...named.slice(TABLES_MAX).map(({ name }) => name)];
  for (const table of named.slice(0, TABLES_MAX)) {
    const compared = await compare(context, branch, [table, before.get(idOf(table))]);
    if (compared === null) notCompared.push(table.name);
    else tables.push(compared);
  }
  return { tables, notCompared };
}

function tablesOf(check: IntegrityCheck): readonly string[] {
  if (check.kind === "orphans") return [check.table, check.references.table];
  return "table" in check ? [check.table] : [];
}

const idOf = ({ schema, name }: TableName): string => `${schema}.${name}`;

/** Null when either side did not answer, or their rows cannot be told by one key. */
async function compare(
  context: CollectorContext,
  postgres: Postgres,
  [here, there]: readonly [live: TableShape, branch: TableShape | undefined],
): Promise<Compared | null> {
  const both = sharedBy(here, there);
  if (both === null) return null;
  const branch = { ...context, postgres };
  const difference = await differenceOf(context, branch, both.shared);
  return difference === null ? null : { table: here.name, ...difference, apart: both.apart };
}

async function differenceOf(
  context: CollectorContext,
  branch: CollectorContext,
  table: SharedTable,
): Promise<Difference | null> {
  const buckets = { text: bucketsSql(table), row: bucketRow };
  const [live, past] = await Promise.all([rowsOf(context, buckets), rowsOf(branch, buckets)]);
  if (!live.ok || !past.ok) return null;
  const { look, rest } = compareBuckets(live.value, past.value);
  if (look.length === 0) return rest;
  const rows = { text: rowsSql(table), params: [look], row: hashedRow };
  const [here, there] = await Promise.all([rowsOf(context, rows), rowsOf(branch, rows)]);
  return here.ok && there.ok ? compareRows(here.value, there.value, rest) : null;
}

const refuse = (detail: string): Result<never, Failure> => err({ class: "refuse", detail });
const later = (detail: string): Result<never, Failure> => err({ class: "retry", detail });
