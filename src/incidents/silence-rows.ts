/** The rows of silences, in the desk's storage; their migration stands with the desk's. */
import { z } from "zod";
import { EXPIRED_KEEP_MS, EXPIRED_MAX, type Silence } from "../alerts/silences.ts";

export const SILENCES_MIGRATION = `CREATE TABLE silences (
     id TEXT PRIMARY KEY,
     ends_at_ms INTEGER NOT NULL,
     body TEXT NOT NULL
   );
   CREATE INDEX silences_by_end ON silences (ends_at_ms);`;

const silence = z.looseObject({
  id: z.string(),
  matchers: z.array(z.string()),
  startsAtMs: z.int(),
  endsAtMs: z.int(),
  author: z.string(),
  comment: z.string(),
  revision: z.int(),
  changes: z.array(
    z.looseObject({
      atMs: z.int(),
      by: z.string(),
      did: z.enum(["created", "replaced", "expired"]),
    }),
  ),
});

export class SilenceRows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  all(): readonly Silence[] {
    return this.#sql
      .exec<{ body: string }>("SELECT body FROM silences ORDER BY ends_at_ms DESC, id")
      .toArray()
      .map(({ body }) => silence.parse(JSON.parse(body)));
  }

  /** Those that ended long ago, and the oldest of too many, go. */
  save(saved: Silence, atMs: number): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO silences (id, ends_at_ms, body) VALUES (?, ?, ?)",
      saved.id,
      saved.endsAtMs,
      JSON.stringify(saved),
    );
    this.#sql.exec(
      `DELETE FROM silences WHERE ends_at_ms <= ? OR id IN
       (SELECT id FROM silences WHERE ends_at_ms <= ? ORDER BY ends_at_ms DESC LIMIT -1 OFFSET ?)`,
      atMs - EXPIRED_KEEP_MS,
      atMs,
      EXPIRED_MAX,
    );
  }
}
