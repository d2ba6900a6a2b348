/** The rows of what jobs and people tell us, in the desk's storage; its migrations stand with the desk's. */
import { z } from "zod";
import { DEPLOYMENTS_MAX, DEPLOYMENTS_SHOWN_MAX, type Deployment } from "../alerts/deployments.ts";
import type { Beat, Heard } from "../alerts/heartbeats.ts";
import type { Acceptance } from "../integrity/accepted.ts";
import {
  REPORT_KEEP_MS,
  REPORT_KINDS,
  REPORT_WINDOW_MS,
  REPORTS_KEPT_MAX,
  type Report,
  type ReportCounts,
} from "../alerts/reports.ts";

/** Checks come and go from `site.yaml`; of those that went, the acceptances say nothing. */
const ACCEPTED_MAX = 1_000;

export const TOLD_MIGRATION = `CREATE TABLE heartbeats (
     name TEXT PRIMARY KEY,
     expected_since_ms INTEGER NOT NULL,
     last_ok_at_ms INTEGER,
     last_failed_at_ms INTEGER,
     detail TEXT
   );
   CREATE TABLE reports (
     position INTEGER PRIMARY KEY AUTOINCREMENT,
     at_ms INTEGER NOT NULL,
     kind TEXT NOT NULL,
     reporter TEXT NOT NULL,
     text TEXT,
     path TEXT
   );
   CREATE INDEX reports_by_time ON reports (at_ms);`;

export const ACCEPTED_MIGRATION = `CREATE TABLE accepted_checks (
     check_id TEXT PRIMARY KEY,
     at_ms INTEGER NOT NULL,
     by TEXT NOT NULL,
     why TEXT NOT NULL
   );`;

export const MEASURED_MIGRATION = "ALTER TABLE heartbeats ADD COLUMN value REAL";

export const DEPLOYED_MIGRATION = `CREATE TABLE deployments (
     position INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL,
     source TEXT NOT NULL,
     at_ms INTEGER NOT NULL,
     environment TEXT NOT NULL,
     sha TEXT NOT NULL,
     state TEXT NOT NULL,
     UNIQUE (source, id)
   );`;

const deploymentRow = z.object({
  id: z.string(),
  source: z.string(),
  at_ms: z.int(),
  environment: z.string(),
  sha: z.string(),
  state: z.string(),
});
const acceptedRow = z.object({
  check_id: z.string(),
  at_ms: z.int(),
  by: z.string(),
  why: z.string(),
});
const heardRow = z.object({
  name: z.string(),
  expected_since_ms: z.int(),
  last_ok_at_ms: z.int().nullable(),
  last_failed_at_ms: z.int().nullable(),
  detail: z.string().nullable(),
  value: z.number().nullable(),
});
const reportRow = z.object({
  at_ms: z.int(),
  kind: z.enum(REPORT_KINDS),
  reporter: z.string(),
  text: z.string().nullable(),
  path: z.string().nullable(),
});

export class ToldRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** A beat that was overtaken by a newer one of its kind changes nothing. */
  beat({ name, isOk, detail, value = null, atMs }: Beat): void {
    const column = isOk ? "last_ok_at_ms" : "last_failed_at_ms";
    this.#sql.exec(
      `INSERT INTO heartbeats (name, expected_since_ms, ${column}, detail, value) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET ${column} = excluded.${column}, detail = excluded.detail, value = excluded.value
       WHERE coalesce(${column}, 0) < excluded.${column}`,
      name,
      atMs,
      atMs,
      detail,
      value,
    );
  }

  /** What was heard of these; one asked for the first time is expected from now on. */
  heard(names: readonly string[], atMs: number): readonly Heard[] {
    return names.map((name) => {
      this.#sql.exec(
        "INSERT OR IGNORE INTO heartbeats (name, expected_since_ms) VALUES (?, ?)",
        name,
        atMs,
      );
      const row = heardRow.parse(
        this.#sql.exec("SELECT * FROM heartbeats WHERE name = ?", name).one(),
      );
      return {
        name,
        expectedSinceMs: row.expected_since_ms,
        lastOkAtMs: row.last_ok_at_ms,
        lastFailedAtMs: row.last_failed_at_ms,
        detail: row.detail,
        value: row.value,
      };
    });
  }

  /** Told twice it is one; the oldest that were told make room. */
  deployed({ id, source, atMs, environment, sha, state }: Deployment): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO deployments (id, source, at_ms, environment, sha, state)
       VALUES (?, ?, ?, ?, ?, ?)`,
      id,
      source,
      atMs,
      environment,
      sha,
      state,
    );
    this.#sql.exec(
      "DELETE FROM deployments WHERE position <= (SELECT max(position) FROM deployments) - ?",
      DEPLOYMENTS_MAX,
    );
  }

  /** Newest first. */
  deployments(toMs: number): readonly Deployment[] {
    return this.#sql
      .exec(
        `SELECT id, source, at_ms, environment, sha, state FROM deployments
         WHERE at_ms <= ? ORDER BY at_ms DESC, position DESC LIMIT ?`,
        toMs,
        DEPLOYMENTS_SHOWN_MAX,
      )
      .toArray()
      .map((row) => {
        const { at_ms: atMs, ...rest } = deploymentRow.parse(row);
        return { ...rest, atMs };
      });
  }

  /** The last word on a check stands. */
  accept({ check, atMs, by, why }: Acceptance): void {
    this.#sql.exec(
      `INSERT INTO accepted_checks (check_id, at_ms, by, why) VALUES (?, ?, ?, ?)
       ON CONFLICT (check_id) DO UPDATE SET at_ms = excluded.at_ms, by = excluded.by, why = excluded.why`,
      check,
      atMs,
      by,
      why,
    );
  }

  accepted(): readonly Acceptance[] {
    return this.#sql
      .exec(
        "SELECT check_id, at_ms, by, why FROM accepted_checks ORDER BY check_id LIMIT ?",
        ACCEPTED_MAX,
      )
      .toArray()
      .map((row) => {
        const { check_id: check, at_ms: atMs, by, why } = acceptedRow.parse(row);
        return { check, atMs, by, why };
      });
  }

  saveReports(reports: readonly Report[], nowMs: number): void {
    for (const { atMs, kind, reporter, text, path } of reports) {
      this.#sql.exec(
        "INSERT INTO reports (at_ms, kind, reporter, text, path) VALUES (?, ?, ?, ?, ?)",
        atMs,
        kind,
        reporter,
        text,
        path,
      );
    }
    // The newest stays whatever its age: it says that somebody could reach us.
    this.#sql.exec(
      `DELETE FROM reports WHERE position < (SELECT max(position) FROM reports)
       AND (at_ms < ? OR position <= (SELECT max(position) FROM reports) - ?)`,
      nowMs - REPORT_KEEP_MS,
      REPORTS_KEPT_MAX,
    );
  }

  /** Newest first. */
  reports(limit: number): readonly Report[] {
    return this.#sql
      .exec(
        "SELECT at_ms, kind, reporter, text, path FROM reports ORDER BY position DESC LIMIT ?",
        limit,
      )
      .toArray()
      .map((row) => {
        const { at_ms: atMs, ...rest } = reportRow.parse(row);
        return { ...rest, atMs };
      });
  }

  counts(nowMs: number): ReportCounts {
    const fromMs = nowMs - REPORT_WINDOW_MS;
    const byKind = this.#sql
      .exec<{ kind: string; reporters: number }>(
        "SELECT kind, count(DISTINCT reporter) AS reporters FROM reports WHERE at_ms > ? GROUP BY kind",
        fromMs,
      )
      .toArray();
    const { reporters, data } = this.#sql
      .exec<{ reporters: number; data: number }>(
        `SELECT count(DISTINCT reporter) AS reporters,
         count(DISTINCT CASE WHEN kind IN ('missing_records', 'wrong_data') THEN reporter END) AS data
         FROM reports WHERE at_ms > ?`,
        fromMs,
      )
      .one();
    const { last } = this.#sql
      .exec<{ last: number | null }>("SELECT max(at_ms) AS last FROM reports")
      .one();
    return {
      reporters,
      dataReporters: data,
      byKind: Object.fromEntries(byKind.map((row) => [row.kind, row.reporters])),
      lastReceivedAtMs: last,
    };
  }
}
