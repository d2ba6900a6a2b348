/** What a `Traffic` object keeps in its storage: until when it was told anything, and suspicious requests. All else is in memory. */
import { migrate } from "../platform/sqlite.ts";

const MIGRATIONS = [
  `CREATE TABLE heard (only INTEGER PRIMARY KEY CHECK (only = 1), until_ms INTEGER NOT NULL);
   INSERT INTO heard (only, until_ms) VALUES (1, 0);`,
  `CREATE TABLE logged (
     isolate TEXT NOT NULL,
     n INTEGER NOT NULL,
     at_ms INTEGER NOT NULL,
     report TEXT NOT NULL,
     PRIMARY KEY (isolate, n)
   );
   CREATE INDEX logged_at_ms ON logged (at_ms);`,
] as const;

export const prepareRows = (sql: SqlStorage, nowMs: number): void =>
  migrate(sql, MIGRATIONS, nowMs);
