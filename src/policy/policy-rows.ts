/** The rows of `GuardPolicy`: entries as they were put, and how far the policy is. Migrations only ever get added. */
import { z } from "zod";
import { migrate } from "../platform/sqlite.ts";
import { assert } from "../shared/assert.ts";
import { LIST_MIGRATION } from "./list-rows.ts";
import { policyEntry, type PolicyEntry, type PolicySeq } from "./policy.ts";

const MIGRATIONS = [
  `CREATE TABLE entries (id TEXT PRIMARY KEY, expires_at_ms INTEGER NOT NULL, body TEXT NOT NULL);
   CREATE TABLE progress (
     only INTEGER PRIMARY KEY CHECK (only = 1),
     epoch INTEGER NOT NULL,
     n INTEGER NOT NULL,
     poll_ms INTEGER
   );
   INSERT INTO progress (only, epoch, n, poll_ms) VALUES (1, 0, 0, NULL);`,
  `CREATE TABLE removed (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL);`,
  LIST_MIGRATION,
  `ALTER TABLE progress ADD COLUMN header_until_ms INTEGER;`,
] as const;

/** A call that was under way when its lease was taken back is long over by then. */
export const REMOVED_KEEP_MS = 7 * 24 * 3_600_000;

const progressRow = z.object({
  epoch: z.int(),
  n: z.int(),
  poll_ms: z.int().nullable(),
  header_until_ms: z.int().nullable(),
});

/** How far the policy is, and what guards were last asked besides the entries. */
export type Progress = {
  readonly seq: PolicySeq;
  /** The pace that they should keep; null: the site's own. */
  readonly pollMs: number | null;
  /** Until when they name the policy in their answers; null: not at all. */
  readonly headerUntilMs: number | null;
};

export class PolicyRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage, nowMs: number) {
    this.#sql = sql;
    migrate(sql, MIGRATIONS, nowMs);
  }

  /** An entry that a later version wrote and this one cannot read stays stored and is left out. */
  entries(): PolicyEntry[] {
    const rows = this.#sql.exec<{ body: string }>("SELECT body FROM entries ORDER BY id").toArray();
    return rows.flatMap((row) => {
      const read = policyEntry(JSON.parse(row.body));
      return read.ok ? [read.value] : [];
    });
  }

  save(entry: PolicyEntry): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO entries (id, expires_at_ms, body) VALUES (?, ?, ?)",
      entry.id,
      entry.expiresAtMs,
      JSON.stringify(entry),
    );
  }

  /** Takes the entry away for good: an id is one lease's, and no lease is applied again after it was taken back. */
  remove(id: string, nowMs: number): void {
    this.#sql.exec("DELETE FROM entries WHERE id = ?", id);
    this.#sql.exec("DELETE FROM removed WHERE at_ms < ?", nowMs - REMOVED_KEEP_MS);
    this.#sql.exec("INSERT OR IGNORE INTO removed (id, at_ms) VALUES (?, ?)", id, nowMs);
  }

  wasRemoved(id: string): boolean {
    return this.#sql.exec("SELECT 1 FROM removed WHERE id = ?", id).toArray().length > 0;
  }

  removeExpired(nowMs: number): void {
    this.#sql.exec("DELETE FROM entries WHERE expires_at_ms <= ?", nowMs);
  }

  progress(): Progress {
    const row = progressRow.parse(
      this.#sql.exec("SELECT epoch, n, poll_ms, header_until_ms FROM progress").one(),
    );
    return {
      seq: { epoch: row.epoch, n: row.n },
      pollMs: row.poll_ms,
      headerUntilMs: row.header_until_ms,
    };
  }

  saveProgress({ seq, pollMs, headerUntilMs }: Progress): void {
    const written = this.#sql.exec(
      "UPDATE progress SET epoch = ?, n = ?, poll_ms = ?, header_until_ms = ?",
      seq.epoch,
      seq.n,
      pollMs,
      headerUntilMs,
    );
    assert(written.rowsWritten > 0, "progress has its one row");
  }
}
