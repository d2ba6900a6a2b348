/** The rows of lists and of the tables compiled from them. Whatever is larger than a row is kept in parts. */
import { BLOB_FORMAT } from "../guard/ip/blob.ts";
import { sha256HexOfBytes } from "../shared/ids.ts";
import { list, nullable, object, sure, text, whole, type Read } from "../shared/shape.ts";
import { networksBlob } from "./blobs.ts";
import { listHead, type ListHead } from "./lists.ts";
import type { NetworkTable } from "./network-table.ts";

/** In the order of policy-rows.ts. */
export const LIST_MIGRATION = `
  CREATE TABLE lists (id TEXT PRIMARY KEY, expires_at_ms INTEGER NOT NULL, body TEXT NOT NULL);
  CREATE TABLE list_parts (list TEXT NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (list, part));
  CREATE TABLE list_answers (request TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, sha256 TEXT NOT NULL);
  CREATE TABLE tables (n INTEGER PRIMARY KEY, sha256 TEXT, body TEXT NOT NULL);
  CREATE TABLE table_parts (n INTEGER NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (n, part));`;

/** A row takes two megabytes. */
export const PART_BYTES_MAX = 1_500_000;
/** The table before stays, for guards whose policy is a poll older. */
export const TABLES_KEPT = 2;
/** As long as a client may repeat a request under the same key. */
export const ANSWERS_KEEP_MS = 7 * 24 * 3_600_000;

/** What is known of the current table; its bytes are read when somebody asks. */
const storedTable = object({
  format: whole(),
  blob: nullable(networksBlob),
  entryIds: list(text()),
  tidyAtMs: nullable(whole()),
});
export type StoredTable = Read<typeof storedTable>;

const NO_TABLE: StoredTable = { format: BLOB_FORMAT, blob: null, entryIds: [], tidyAtMs: null };

export class ListRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** A list that a later version wrote and this one cannot read stays stored and is left out. */
  lists(): ListHead[] {
    const rows = this.#sql.exec<{ body: string }>("SELECT body FROM lists ORDER BY id").toArray();
    return rows.flatMap(({ body }) => {
      const parsed = listHead.safeParse(JSON.parse(body));
      return parsed.success ? [parsed.data] : [];
    });
  }

  /** The text of a list, part by part. */
  *parts(id: string): Iterable<string> {
    const rows = this.#sql.exec<{ text: string }>(
      "SELECT text FROM list_parts WHERE list = ? ORDER BY part",
      id,
    );
    for (const { text } of rows) yield text;
  }

  save(head: ListHead, parts: readonly string[]): void {
    this.remove(head.id);
    this.#sql.exec(
      "INSERT INTO lists (id, expires_at_ms, body) VALUES (?, ?, ?)",
      head.id,
      head.expiresAtMs,
      JSON.stringify(head),
    );
    for (const [part, text] of parts.entries()) {
      this.#sql.exec(
        "INSERT INTO list_parts (list, part, text) VALUES (?, ?, ?)",
        head.id,
        part,
        text,
      );
    }
  }

  remove(id: string): void {
    this.#sql.exec("DELETE FROM lists WHERE id = ?", id);
    this.#sql.exec("DELETE FROM list_parts WHERE list = ?", id);
  }

  /** Whether there were any. */
  removeExpired(nowMs: number): boolean {
    const expired = this.#sql
      .exec<{ id: string }>("SELECT id FROM lists WHERE expires_at_ms <= ?", nowMs)
      .toArray();
    for (const { id } of expired) this.remove(id);
    return expired.length > 0;
  }

  wasAnswered(request: string): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM list_answers WHERE request = ?", request).toArray().length > 0
    );
  }

  saveAnswer(request: string, sha256: string, nowMs: number): void {
    this.#sql.exec("DELETE FROM list_answers WHERE at_ms < ?", nowMs - ANSWERS_KEEP_MS);
    this.#sql.exec(
      "INSERT OR IGNORE INTO list_answers (request, at_ms, sha256) VALUES (?, ?, ?)",
      request,
      nowMs,
      sha256,
    );
  }

  table(): StoredTable {
    const [row] = this.#sql
      .exec<{ body: string }>("SELECT body FROM tables ORDER BY n DESC LIMIT 1")
      .toArray();
    return row === undefined ? NO_TABLE : sure(storedTable, JSON.parse(row.body));
  }

  /** Makes this the current table; the same bytes as before stay where they are. */
  saveTable(table: NetworkTable | null): void {
    const stored = table === null ? NO_TABLE : storedOf(table);
    const sha256 = stored.blob?.sha256 ?? null;
    const body = JSON.stringify(stored);
    if (sha256 !== null && sha256 === this.table().blob?.sha256) {
      this.#sql.exec("UPDATE tables SET body = ? WHERE n = (SELECT max(n) FROM tables)", body);
      return;
    }
    const { n } = this.#sql
      .exec<{ n: number }>("SELECT coalesce(max(n), 0) + 1 AS n FROM tables")
      .one();
    this.#sql.exec("INSERT INTO tables (n, sha256, body) VALUES (?, ?, ?)", n, sha256, body);
    this.#saveBytes(n, table?.bytes ?? new ArrayBuffer(0));
    this.#sql.exec("DELETE FROM table_parts WHERE n <= ?", n - TABLES_KEPT);
    this.#sql.exec("DELETE FROM tables WHERE n <= ?", n - TABLES_KEPT);
  }

  #saveBytes(n: number, bytes: ArrayBuffer): void {
    for (let at = 0, part = 0; at < bytes.byteLength; at += PART_BYTES_MAX, part++) {
      this.#sql.exec(
        "INSERT INTO table_parts (n, part, bytes) VALUES (?, ?, ?)",
        n,
        part,
        bytes.slice(at, at + PART_BYTES_MAX),
      );
    }
  }

  /** Nothing of the current table is worth clearing before then. */
  postponeTidying(untilMs: number): void {
    const body = JSON.stringify({ ...this.table(), tidyAtMs: untilMs });
    this.#sql.exec("UPDATE tables SET body = ? WHERE n = (SELECT max(n) FROM tables)", body);
  }

  /** The bytes of this name; null when they are not kept, or no longer. */
  tableBytes(sha256: string): Uint8Array | null {
    const rows = this.#sql
      .exec<{ bytes: ArrayBuffer }>(
        `SELECT bytes FROM table_parts WHERE n = (SELECT max(n) FROM tables WHERE sha256 = ?) ORDER BY part`,
        sha256,
      )
      .toArray();
    if (rows.length === 0) return null;
    const whole = new Uint8Array(rows.reduce((sum, { bytes }) => sum + bytes.byteLength, 0));
    let at = 0;
    for (const { bytes } of rows) {
      whole.set(new Uint8Array(bytes), at);
      at += bytes.byteLength;
    }
    return whole;
  }
}

const storedOf = ({ bytes, count, entryIds, tidyAtMs }: NetworkTable): StoredTable => ({
  format: BLOB_FORMAT,
  blob: { sha256: sha256HexOfBytes(new Uint8Array(bytes)), bytes: bytes.byteLength, count },
  entryIds: [...entryIds],
  tidyAtMs,
});
