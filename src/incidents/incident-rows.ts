/** The rows of one incident: its journal, its outbox, and the answers already given. */
import { z } from "zod";
import { migrate } from "../platform/sqlite.ts";
import type { CommandAnswer } from "./command.ts";
import type { Effect, EffectDraft } from "./effect.ts";
import { JOURNAL_PAGE_CHARS_MAX, JOURNAL_PAGE_MAX } from "./incident-api.ts";
import { actor, type JournalRow } from "./journal.ts";

const MIGRATIONS = [
  `CREATE TABLE journal (
     seq INTEGER PRIMARY KEY,
     type TEXT NOT NULL,
     v INTEGER NOT NULL,
     at_ms INTEGER NOT NULL,
     actor TEXT NOT NULL,
     cause TEXT NOT NULL,
     data TEXT NOT NULL
   );
   CREATE TABLE outbox (
     id TEXT PRIMARY KEY,
     effect_key TEXT NOT NULL,
     effect TEXT NOT NULL,
     attempts INTEGER NOT NULL,
     due_at_ms INTEGER NOT NULL,
     position INTEGER NOT NULL
   );
   CREATE TABLE answers (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, answer TEXT NOT NULL);`,
  // When the last attempt at an effect was begun.
  `ALTER TABLE outbox ADD COLUMN begun_at_ms INTEGER;`,
] as const;

/** Answers kept for repeated commands; the oldest go first. A tick's command is never repeated after so many others. */
export const ANSWERS_MAX = 1_000;

const journalRow = z.object({
  seq: z.int(),
  type: z.string(),
  v: z.int(),
  at_ms: z.int(),
  actor: z.string().transform((text) => actor.parse(JSON.parse(text))),
  cause: z.string(),
  data: z.string().transform((text): unknown => JSON.parse(text)),
});

/** Keys that an outbox has at once: leases, channels, collectors and the desk are fewer. */
const KEYS_MAX = 200;

/** An effect that waits in the outbox. */
export type OutboxRow = {
  readonly effect: Effect;
  /** Attempts begun, whatever became of them. */
  readonly attempts: number;
  /** When the last of them was begun; null before the first, and where a deploy before this one began it. */
  readonly begunAtMs: number | null;
  readonly dueAtMs: number;
};

export class IncidentRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage, nowMs: number) {
    this.#sql = sql;
    migrate(sql, MIGRATIONS, nowMs);
  }

  /** A page of rows after `afterSeq`, oldest first: at least one, if there is one. */
  journal(afterSeq: number): readonly JournalRow[] {
    const page: JournalRow[] = [];
    let characters = 0;
    for (const raw of this.#sql.exec<{ data: string } & Record<string, SqlStorageValue>>(
      "SELECT * FROM journal WHERE seq > ? ORDER BY seq LIMIT ?",
      afterSeq,
      JOURNAL_PAGE_MAX,
    )) {
      characters += raw.data.length;
      if (page.length > 0 && characters > JOURNAL_PAGE_CHARS_MAX) break;
      const { at_ms: atMs, ...row } = journalRow.parse(raw);
      page.push({ ...row, atMs });
    }
    return page;
  }

  append(row: JournalRow): void {
    this.#sql.exec(
      "INSERT INTO journal (seq, type, v, at_ms, actor, cause, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
      row.seq,
      row.type,
      row.v,
      row.atMs,
      JSON.stringify(row.actor),
      row.cause,
      JSON.stringify(row.data),
    );
  }

  enqueue(
    id: string,
    draft: EffectDraft,
    { position, dueAtMs }: { readonly position: number; readonly dueAtMs: number },
  ): void {
    this.#sql.exec(
      "INSERT INTO outbox (id, effect_key, effect, attempts, due_at_ms, position) VALUES (?, ?, ?, 0, ?, ?)",
      id,
      draft.key,
      JSON.stringify({ ...draft, id }),
      dueAtMs,
      position,
    );
  }

  /** Only the newest projection is worth sending. */
  dropKey(key: string): void {
    this.#sql.exec("DELETE FROM outbox WHERE effect_key = ?", key);
  }

  /** The first of each key, oldest first, when it is due: effects with one key are done in order. */
  due(nowMs: number): readonly OutboxRow[] {
    return this.#outbox(
      `SELECT * FROM outbox WHERE due_at_ms <= ? AND position IN
       (SELECT min(position) FROM outbox GROUP BY effect_key) ORDER BY position LIMIT ?`,
      nowMs,
      KEYS_MAX,
    );
  }

  /** When the next effect may be tried, null when there is none. */
  nextDueAtMs(): number | null {
    const [row] = this.#sql
      .exec<{ due: number | null }>(
        `SELECT min(due_at_ms) AS due FROM outbox WHERE position IN
         (SELECT min(position) FROM outbox GROUP BY effect_key)`,
      )
      .toArray();
    return row?.due ?? null;
  }

  /** One more attempt at an effect begins. */
  begin(id: string, nowMs: number): void {
    this.#sql.exec(
      "UPDATE outbox SET attempts = attempts + 1, begun_at_ms = ? WHERE id = ?",
      nowMs,
      id,
    );
  }

  postpone(id: string, dueAtMs: number): void {
    this.#sql.exec("UPDATE outbox SET due_at_ms = ? WHERE id = ?", dueAtMs, id);
  }

  done(id: string): void {
    this.#sql.exec("DELETE FROM outbox WHERE id = ?", id);
  }

  answer(id: string): CommandAnswer | null {
    const [row] = this.#sql
      .exec<{ answer: string }>("SELECT answer FROM answers WHERE id = ?", id)
      .toArray();
    return row === undefined ? null : (JSON.parse(row.answer) as CommandAnswer);
  }

  saveAnswer(id: string, answer: CommandAnswer, atMs: number): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO answers (id, at_ms, answer) VALUES (?, ?, ?)",
      id,
      atMs,
      JSON.stringify(answer),
    );
    this.#sql.exec(
      "DELETE FROM answers WHERE rowid <= (SELECT max(rowid) FROM answers) - ?",
      ANSWERS_MAX,
    );
  }

  #outbox(query: string, ...bindings: readonly (string | number)[]): readonly OutboxRow[] {
    return this.#sql
      .exec<{
        effect: string;
        attempts: number;
        begun_at_ms: number | null;
        due_at_ms: number;
      }>(query, ...bindings)
      .toArray()
      .map((row) => ({
        effect: JSON.parse(row.effect) as Effect,
        attempts: row.attempts,
        begunAtMs: row.begun_at_ms,
        dueAtMs: row.due_at_ms,
      }));
  }
}
