/** The monitor's SQLite: one document of what the last tick left, one packed row per tick, and the overrides. */
import { z } from "zod";
import { EMPTY_MEMORY, memory, signal, type Memory } from "./memory.ts";
import type { Override } from "../playbooks/params.ts";
import type { Signal, SignalName } from "../signals/signal.ts";

/** A day at calm cadence, four hours at alert cadence, about three megabytes. */
export const HISTORY_ROWS_MAX = 1_440;
export const OVERRIDES_MAX = 200;

const MIGRATIONS = [
  `CREATE TABLE memory (id INTEGER PRIMARY KEY CHECK (id = 1), document TEXT NOT NULL);
   CREATE TABLE ticks (n INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, signals TEXT NOT NULL);
   CREATE TABLE overrides (
     playbook TEXT NOT NULL, param TEXT NOT NULL, value TEXT NOT NULL,
     by TEXT NOT NULL, reason TEXT NOT NULL, expires_at_ms INTEGER NOT NULL,
     PRIMARY KEY (playbook, param)
   );`,
];

const overrideRow = z.object({
  playbook: z.string(),
  param: z.string(),
  value: z.string(),
  by: z.string(),
  reason: z.string(),
  expires_at_ms: z.int(),
});

export class MonitorStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Brings the tables up to this version; each migration runs once. */
  migrate(): void {
    const { sql } = this.#storage;
    sql.exec("CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY)");
    this.#storage.transactionSync(() => {
      const { done } = sql
        .exec<{ done: number }>("SELECT coalesce(max(version), 0) AS done FROM migrations")
        .one();
      MIGRATIONS.slice(done).forEach((migration, index) => {
        sql.exec(migration);
        sql.exec("INSERT INTO migrations (version) VALUES (?)", done + index + 1);
      });
    });
  }

  /** What the last tick left. A document that this version cannot read is as good as none: the next tick writes anew. */
  load(): Memory {
    const [row] = this.#storage.sql
      .exec<{ document: string }>("SELECT document FROM memory WHERE id = 1")
      .toArray();
    if (row === undefined) return EMPTY_MEMORY;
    const parsed = memory.safeParse(JSON.parse(row.document));
    return parsed.success ? parsed.data : EMPTY_MEMORY;
  }

  save(remembered: Memory): void {
    this.#storage.sql.exec(
      "INSERT INTO memory (id, document) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document",
      JSON.stringify(remembered),
    );
  }

  /** One tick: its samples and what it leaves, in one transaction; the oldest rows make room. */
  saveTick(tickAtMs: number, sampled: readonly Signal[], remembered: Memory): void {
    const { sql } = this.#storage;
    const packed = JSON.stringify(Object.fromEntries(sampled.map((one) => [one.name, one])));
    this.#storage.transactionSync(() => {
      const { n } = sql
        .exec<{ n: number }>(
          "INSERT INTO ticks (at_ms, signals) VALUES (?, ?) RETURNING n",
          tickAtMs,
          packed,
        )
        .one();
      // By number, so that making room reads one row and not all of them.
      sql.exec("DELETE FROM ticks WHERE n <= ?", n - HISTORY_ROWS_MAX);
      this.save(remembered);
    });
  }

  /** Samples of one signal since `fromMs`, newest last; ticks that did not ask for it have none. */
  history(name: SignalName, fromMs: number): readonly Signal[] {
    const path = `$.${JSON.stringify(name)}`;
    return this.#storage.sql
      .exec<{ sample: string | null }>(
        "SELECT json_extract(signals, ?) AS sample FROM ticks WHERE at_ms >= ? ORDER BY n",
        path,
        fromMs,
      )
      .toArray()
      .flatMap(({ sample }) => {
        const parsed = sample === null ? null : signal.safeParse(JSON.parse(sample));
        return parsed?.success === true ? [parsed.data] : [];
      });
  }

  /** Those that have not expired. */
  overrides(nowMs: number): readonly Override[] {
    return this.#storage.sql
      .exec("SELECT * FROM overrides WHERE expires_at_ms > ? ORDER BY playbook, param", nowMs)
      .toArray()
      .map((row) => {
        const { expires_at_ms: expiresAtMs, value, ...rest } = overrideRow.parse(row);
        const written = z.union([z.number(), z.boolean(), z.string()]).parse(JSON.parse(value));
        return { ...rest, value: written, expiresAtMs };
      });
  }

  /** Whether there was one. */
  removeOverride(playbook: string, param: string): boolean {
    const { rowsWritten } = this.#storage.sql.exec(
      "DELETE FROM overrides WHERE playbook = ? AND param = ?",
      playbook,
      param,
    );
    return rowsWritten > 0;
  }

  /** Puts an override in the place of an earlier one for the same param; false when there are too many. */
  putOverride(override: Override, nowMs: number): boolean {
    const { sql } = this.#storage;
    return this.#storage.transactionSync(() => {
      sql.exec("DELETE FROM overrides WHERE expires_at_ms <= ?", nowMs);
      const { playbook, param, value, by, reason, expiresAtMs } = override;
      sql.exec("DELETE FROM overrides WHERE playbook = ? AND param = ?", playbook, param);
      const { count } = sql
        .exec<{ count: number }>("SELECT count(*) AS count FROM overrides")
        .one();
      if (count >= OVERRIDES_MAX) return false;
      sql.exec(
        "INSERT INTO overrides VALUES (?, ?, ?, ?, ?, ?)",
        playbook,
        param,
        JSON.stringify(value),
        by,
        reason,
        expiresAtMs,
      );
      return true;
    });
  }
}
