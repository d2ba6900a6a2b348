/** What a failed query says about the database, in the words of reports: by its SQLSTATE, or by its having none. */
import type { ReportKind } from "../traffic/report-kinds.ts";
import { READ_ONLY, sqlStateOf } from "./sql.ts";

const BY_STATE: Readonly<Record<string, ReportKind>> = {
  "53300": "pool.exhausted",
  "57014": "query.timed_out",
  "25P03": "query.timed_out",
  "40P01": "query.deadlocked",
  "23503": "query.foreign_key",
};
const CONSTRAINTS = "23";
/** What node-postgres and Neon's pools say when no connection became free in time. */
const POOL_TIMED_OUT =
  /timeout exceeded when trying to connect|connection timeout|timed out.*connect/i;
const CUT_OFF = new Set(["AbortError", "TimeoutError"]);

/** The kinds to count; none for what is no failure of the database, such as a write that was sent to a replica. */
export function reportsOf(error: unknown): readonly ReportKind[] {
  const code = sqlStateOf(error);
  if (code === READ_ONLY) return [];
  return ["query.failed", ...specificOf(code, error)];
}

function specificOf(code: string | null, error: unknown): readonly ReportKind[] {
  if (code !== null) {
    const named = Object.hasOwn(BY_STATE, code) ? BY_STATE[code] : undefined;
    if (named !== undefined) return [named];
    return code.startsWith(CONSTRAINTS) ? ["query.constraint"] : [];
  }
  if (isCutOff(error)) return ["query.timed_out"];
  const message = error instanceof Error ? error.message : "";
  return [POOL_TIMED_OUT.test(message) ? "pool.timed_out" : "query.unanswered"];
}

/** The driver wraps what `fetch` threw. */
function isCutOff(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const source: unknown = "sourceError" in error ? error.sourceError : error.cause;
  return CUT_OFF.has(error.name) || (source instanceof Error && CUT_OFF.has(source.name));
}
