/**
 * Suspicious requests that guards wrote down, in this shard's storage: evidence that is gone with an eviction is none. One row for each flush
 * that has any; the newest stay, and none for longer than a day, because they say who came from where.
 */
import { z } from "zod";
import { LOGGED_MAX, type LoggedReport, type LoggedWindow } from "./traffic-api.ts";

/** Flushes; each has `LOGGED_MAX` requests at most. */
export const LOGGED_ROWS_MAX = 64;
export const LOGGED_KEPT_MS = 86_400_000;

const line = (max: number) => z.string().max(max);
export const loggedReport = z.object({
  requests: z
    .array(
      z.object({
        atMs: z.int().min(0),
        network: line(60).nullable(),
        country: line(64).nullable(),
        asn: z.int().nullable(),
        ja4: line(64).nullable(),
        userAgent: line(120).nullable(),
        method: line(16),
        path: line(260),
        because: line(60),
      }),
    )
    .max(LOGGED_MAX),
  leftOut: z.int().min(0),
});
const row = z.object({ report: z.string() });

type Flushed = { readonly isolate: string; readonly n: number; readonly logged: LoggedReport };

export class LoggedRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Keeps what one flush told; a repetition changes nothing. The runtime holds the answer back until this is stored. */
  add({ isolate, n, logged }: Flushed, nowMs: number): void {
    this.#sql.exec(
      "INSERT OR IGNORE INTO logged (isolate, n, at_ms, report) VALUES (?, ?, ?, ?)",
      isolate,
      n,
      nowMs,
      JSON.stringify(logged),
    );
    this.#sql.exec(
      `DELETE FROM logged WHERE at_ms <= ? OR (isolate, n) NOT IN
         (SELECT isolate, n FROM logged ORDER BY at_ms DESC, n DESC LIMIT ?)`,
      nowMs - LOGGED_KEPT_MS,
      LOGGED_ROWS_MAX,
    );
  }

  /** Oldest first. */
  since(sinceMs: number, nowMs: number): LoggedWindow {
    const rows = this.#sql.exec(
      "SELECT report FROM logged WHERE at_ms >= ? AND at_ms > ? ORDER BY at_ms, n",
      sinceMs,
      nowMs - LOGGED_KEPT_MS,
    );
    const reports = [...rows].map((found) =>
      loggedReport.parse(JSON.parse(row.parse(found).report)),
    );
    return {
      requests: reports.flatMap(({ requests }) => requests).filter(({ atMs }) => atMs >= sinceMs),
      leftOut: reports.reduce((sum, { leftOut }) => sum + leftOut, 0),
    };
  }
}
