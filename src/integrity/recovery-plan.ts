/** Which way back from corruption, and why: by what a branch of the last clean moment shows beside the live database. Pure. */
import type { ColumnsApart, Difference } from "./difference.ts";

/** More damaged rows than a person could judge are no narrow case. */
export const NARROW_ROWS_MAX = 10_000;

export type Compared = Difference & { readonly table: string; readonly apart: ColumnsApart };

export type SeenOfBranch = {
  /** Checks that fail on the branch, and those that could not be run there. */
  readonly failing: readonly string[];
  readonly unseen: readonly string[];
  readonly tables: readonly Compared[];
  /** Tables that could not be compared. */
  readonly notCompared: readonly string[];
  /** Why no script brings missing rows back; null when one does. */
  readonly noScript: string | null;
};

/** `by-hand`: neither is right before a person has looked. */
export const WAYS_BACK = ["recover-rows", "restore-in-place", "by-hand"] as const;
export const WAY_REASONS = [
  "branch_is_damaged",
  "branch_not_verified",
  "columns_are_gone",
  "nothing_differs",
  "too_many_rows",
  "no_script",
  "rows_are_missing",
  "rows_are_missing_and_changed",
  "rows_are_changed",
] as const;

export type RecoveryPlan = {
  readonly way: (typeof WAYS_BACK)[number];
  readonly because: (typeof WAY_REASONS)[number];
  /** The same for people. */
  readonly why: string;
};

export function chooseRecovery(seen: SeenOfBranch): RecoveryPlan {
  const { failing, unseen, tables, notCompared, noScript } = seen;
  const missing = tables.reduce((sum, table) => sum + table.missing, 0);
  const changed = tables.reduce((sum, table) => sum + table.changed, 0);
  const added = tables.reduce((sum, table) => sum + table.added, 0);
  const cost = `it would lose ${added} rows that came since, and every change`;
  if (failing.length > 0) {
    return byHand("branch_is_damaged", `the branch fails ${failing.join(", ")}: go further back`);
  }
  if (unseen.length + notCompared.length > 0 || tables.length === 0) {
    const what = [...unseen, ...notCompared].join(", ") || "the checks name no table";
    return byHand("branch_not_verified", `not everything could be looked at: ${what}`);
  }
  const gone = tables.flatMap(({ table, apart }) =>
    apart.dropped.map((column) => `${table}.${column}`),
  );
  if (gone.length > 0) {
    return byHand("columns_are_gone", `live has no ${gone.join(", ")} any more: dropped rightly?`);
  }
  if (missing + changed === 0) {
    return byHand("nothing_differs", "no row is missing or changed: look at what the checks ask");
  }
  if (missing + changed > NARROW_ROWS_MAX) {
    return restore("too_many_rows", `more than ${NARROW_ROWS_MAX} rows are damaged; ${cost}`);
  }
  const partly = tables.filter(({ isAtLeast }) => isAtLeast).map(({ table }) => table);
  if (partly.length > 0) {
    const what = `too much differs in ${partly.join(", ")} to look at each row`;
    return byHand("branch_not_verified", what);
  }
  if (missing === 0) {
    return byHand("rows_are_changed", `${changed} rows are changed: which of them rightly?`);
  }
  if (noScript !== null) return restore("no_script", `no script can: ${noScript}; ${cost}`);
  return changed === 0
    ? {
        way: "recover-rows",
        because: "rows_are_missing",
        why: `${missing} rows are missing, and nothing is changed${leaveOut(tables)}`,
      }
    : {
        way: "recover-rows",
        because: "rows_are_missing_and_changed",
        why: `${missing} rows are missing; compare the ${changed} changed ones by hand${leaveOut(tables)}`,
      };
}

/** The script names the columns of live, and is refused whole where the branch does not have one. */
function leaveOut(tables: readonly Compared[]): string {
  const added = tables.flatMap(({ table, missing, apart }) =>
    missing === 0 ? [] : apart.added.map((column) => `${table}.${column}`),
  );
  return added.length === 0
    ? ""
    : `; take ${added.join(", ")} out of the script first, which the branch does not have`;
}

const byHand = (because: RecoveryPlan["because"], why: string): RecoveryPlan => ({
  way: "by-hand",
  because,
  why,
});
const restore = (because: RecoveryPlan["because"], why: string): RecoveryPlan => ({
  way: "restore-in-place",
  because,
  why,
});
