/** The rows of `WriteJournal`: what waits, what was given up, and what was just delivered. Migrations only ever get added. */
import { z } from "zod";
import { migrate } from "../platform/sqlite.ts";
import type { DeadLetter, JournalDelivery, JournalStatus } from "./journal-api.ts";

const MIGRATIONS = [
  `CREATE TABLE deliveries (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     key TEXT UNIQUE,
     received_at_ms INTEGER NOT NULL,
     url TEXT NOT NULL,
     headers TEXT NOT NULL,
     body BLOB NOT NULL,
     bytes INTEGER NOT NULL,
     attempts INTEGER NOT NULL DEFAULT 0,
     due_at_ms INTEGER NOT NULL,
     dead_at_ms INTEGER,
     failure TEXT
   );
   CREATE INDEX deliveries_waiting ON deliveries (seq) WHERE dead_at_ms IS NULL;
   CREATE TABLE delivered (key TEXT PRIMARY KEY, at_ms INTEGER NOT NULL);
   CREATE TABLE marker (
     only INTEGER PRIMARY KEY CHECK (only = 1),
     generation INTEGER NOT NULL,
     is_up INTEGER NOT NULL,
     expires_at_ms INTEGER NOT NULL
   );
   INSERT INTO marker VALUES (1, 0, 0, 0);
   CREATE TABLE lowered (generation INTEGER PRIMARY KEY);`,
] as const;

/** A sender that repeats what it has sent does so within its own tolerance; later the receiver's memory counts. */
export const DELIVERED_KEEP_MS = 3_600_000;
const DELIVERED_MAX = 10_000;
/** What nobody looked at in this time nobody will. */
export const DEAD_KEEP_MS = 30 * 24 * 3_600_000;

const waitingRow = z.object({
  seq: z.int(),
  id: z.string(),
  key: z.string().nullable(),
  received_at_ms: z.int(),
  url: z.string(),
  headers: z.string(),
  body: z.instanceof(ArrayBuffer),
  attempts: z.int(),
  due_at_ms: z.int(),
});
const deadRow = z.object({
  seq: z.int(),
  id: z.string(),
  key: z.string().nullable(),
  received_at_ms: z.int(),
  url: z.string(),
  bytes: z.int(),
  attempts: z.int(),
  dead_at_ms: z.int(),
  failure: z.string().nullable(),
});
const headerList = z.array(z.object({ name: z.string(), value: z.string() }));
const contentRow = z.object({ headers: z.string(), body: z.instanceof(ArrayBuffer) });
const markerRow = z.object({ generation: z.int(), is_up: z.int(), expires_at_ms: z.int() });
const countRow = z.object({
  backlog: z.int(),
  bytes: z.int().nullable(),
  oldest: z.int().nullable(),
});

export type Waiting = JournalDelivery & {
  readonly seq: number;
  readonly id: string;
  readonly attempts: number;
  readonly dueAtMs: number;
};

/** The entry in the policy that tells guards of the backlog; each backlog has a generation of its own. */
export type Marker = {
  readonly generation: number;
  readonly isUp: boolean;
  readonly expiresAtMs: number;
};

export class JournalRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage, nowMs: number) {
    this.#sql = sql;
    migrate(sql, MIGRATIONS, nowMs);
  }

  /** It is here, or was delivered just now. */
  knows(key: string): boolean {
    return (
      this.#sql
        .exec(
          "SELECT 1 FROM deliveries WHERE key = ? UNION ALL SELECT 1 FROM delivered WHERE key = ?",
          key,
          key,
        )
        .toArray().length > 0
    );
  }

  /** Everything kept, given up or not: what there is room for. */
  held(): { readonly count: number; readonly bytes: number } {
    const row = this.#sql
      .exec<{
        count: number;
        bytes: number | null;
      }>("SELECT count(*) AS count, sum(bytes) AS bytes FROM deliveries")
      .one();
    return { count: row.count, bytes: row.bytes ?? 0 };
  }

  add(id: string, delivery: JournalDelivery): void {
    this.#sql.exec(
      `INSERT INTO deliveries (id, key, received_at_ms, url, headers, body, bytes, due_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0)`,
      id,
      delivery.key,
      delivery.receivedAtMs,
      delivery.url,
      JSON.stringify(delivery.headers),
      delivery.body.buffer,
      delivery.body.byteLength,
    );
  }

  /** The one whose turn it is; null when nothing waits. */
  head(): Waiting | null {
    const [found] = this.#sql
      .exec(
        `SELECT seq, id, key, received_at_ms, url, headers, body, attempts, due_at_ms
         FROM deliveries WHERE dead_at_ms IS NULL ORDER BY seq LIMIT 1`,
      )
      .toArray();
    if (found === undefined) return null;
    const row = waitingRow.parse(found);
    return {
      seq: row.seq,
      id: row.id,
      key: row.key,
      url: row.url,
      headers: headerList.parse(JSON.parse(row.headers)),
      body: new Uint8Array(row.body),
      receivedAtMs: row.received_at_ms,
      attempts: row.attempts,
      dueAtMs: row.due_at_ms,
    };
  }

  hasWaiting(): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM deliveries WHERE dead_at_ms IS NULL LIMIT 1").toArray().length >
      0
    );
  }

  /** An attempt is written down before it is made: one that nobody lives to hear of has been one all the same. */
  begin(seq: number, attempts: number, dueAtMs: number): void {
    this.#sql.exec(
      "UPDATE deliveries SET attempts = ?, due_at_ms = ? WHERE seq = ?",
      attempts,
      dueAtMs,
      seq,
    );
  }

  delivered({ seq, id, key }: Waiting, nowMs: number): void {
    this.#sql.exec("DELETE FROM deliveries WHERE seq = ? AND id = ?", seq, id);
    if (key === null) return;
    this.#sql.exec("INSERT OR REPLACE INTO delivered (key, at_ms) VALUES (?, ?)", key, nowMs);
  }

  failed({ seq, id }: Waiting, failure: string, deadAtMs: number | null): void {
    this.#sql.exec(
      "UPDATE deliveries SET failure = ?, dead_at_ms = ? WHERE seq = ? AND id = ?",
      failure,
      deadAtMs,
      seq,
      id,
    );
  }

  status(): JournalStatus {
    const row = countRow.parse(
      this.#sql
        .exec(
          `SELECT count(*) AS backlog, sum(bytes) AS bytes, min(received_at_ms) AS oldest
           FROM deliveries WHERE dead_at_ms IS NULL`,
        )
        .one(),
    );
    const { dead } = this.#sql
      .exec<{ dead: number }>(
        "SELECT count(*) AS dead FROM deliveries WHERE dead_at_ms IS NOT NULL",
      )
      .one();
    const [last] = this.#sql
      .exec<{ failure: string }>(
        "SELECT failure FROM deliveries WHERE failure IS NOT NULL ORDER BY due_at_ms DESC LIMIT 1",
      )
      .toArray();
    return {
      backlogCount: row.backlog,
      backlogBytes: row.bytes ?? 0,
      oldestAtMs: row.oldest,
      deadCount: dead,
      lastFailure: last?.failure ?? null,
    };
  }

  deadLetters(after: string | null, limit: number): readonly DeadLetter[] {
    const rows = this.#sql
      .exec(
        `SELECT seq, id, key, received_at_ms, url, bytes, attempts, dead_at_ms, failure
         FROM deliveries WHERE dead_at_ms IS NOT NULL
           AND seq > coalesce((SELECT seq FROM deliveries WHERE id = ?), 0)
         ORDER BY seq LIMIT ?`,
        after,
        limit,
      )
      .toArray();
    return rows.map(letterOf);
  }

  deadLetter(id: string): {
    readonly letter: DeadLetter;
    readonly headers: JournalDelivery["headers"];
    readonly body: Uint8Array<ArrayBuffer>;
  } | null {
    const [found] = this.#sql
      .exec("SELECT * FROM deliveries WHERE dead_at_ms IS NOT NULL AND id = ?", id)
      .toArray();
    if (found === undefined) return null;
    const { headers, body } = contentRow.parse(found);
    return {
      letter: letterOf(found),
      headers: headerList.parse(JSON.parse(headers)),
      body: new Uint8Array(body),
    };
  }

  /** Null: all of them. */
  redrive(id: string | null): number {
    return this.#sql
      .exec(
        `UPDATE deliveries SET dead_at_ms = NULL, attempts = 0, due_at_ms = 0
       WHERE dead_at_ms IS NOT NULL AND id = coalesce(?, id) RETURNING 1`,
        id,
      )
      .toArray().length;
  }

  discard(id: string): boolean {
    return (
      this.#sql
        .exec("DELETE FROM deliveries WHERE dead_at_ms IS NOT NULL AND id = ? RETURNING 1", id)
        .toArray().length > 0
    );
  }

  forget(nowMs: number): void {
    this.#sql.exec("DELETE FROM delivered WHERE at_ms < ?", nowMs - DELIVERED_KEEP_MS);
    this.#sql.exec(
      `DELETE FROM delivered WHERE key IN
         (SELECT key FROM delivered ORDER BY at_ms DESC LIMIT -1 OFFSET ?)`,
      DELIVERED_MAX,
    );
    this.#sql.exec("DELETE FROM deliveries WHERE dead_at_ms < ?", nowMs - DEAD_KEEP_MS);
  }

  marker(): Marker {
    const row = markerRow.parse(
      this.#sql.exec("SELECT generation, is_up, expires_at_ms FROM marker").one(),
    );
    return {
      generation: row.generation,
      isUp: row.is_up === 1,
      expiresAtMs: row.expires_at_ms,
    };
  }

  saveMarker({ generation, isUp, expiresAtMs }: Marker): void {
    this.#sql.exec(
      "UPDATE marker SET generation = ?, is_up = ?, expires_at_ms = ?",
      generation,
      isUp ? 1 : 0,
      expiresAtMs,
    );
  }

  /** Generations whose entry is still to be taken out of the policy. */
  lowered(): readonly number[] {
    return this.#sql
      .exec<{ generation: number }>("SELECT generation FROM lowered ORDER BY generation")
      .toArray()
      .map(({ generation }) => generation);
  }

  lower(generation: number): void {
    this.#sql.exec("INSERT OR IGNORE INTO lowered (generation) VALUES (?)", generation);
  }

  lowerDone(generation: number): void {
    this.#sql.exec("DELETE FROM lowered WHERE generation = ?", generation);
  }
}

function letterOf(found: unknown): DeadLetter {
  const row = deadRow.parse(found);
  return {
    id: row.id,
    key: row.key,
    url: row.url,
    bytes: row.bytes,
    receivedAtMs: row.received_at_ms,
    deadAtMs: row.dead_at_ms,
    attempts: row.attempts,
    failure: row.failure ?? "it was never answered",
  };
}
