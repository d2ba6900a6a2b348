/** Schema changes of a Durable Object's SQLite: a list that only ever grows, and a table that says how far this object is. */

/** Runs the migrations that this object has not seen. Call it before the first read, inside `blockConcurrencyWhile` or the constructor. */
export function migrate(sql: SqlStorage, migrations: readonly string[], nowMs: number): void {
  sql.exec(
    "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, applied_at_ms INTEGER NOT NULL)",
  );
  const { done } = sql.exec<{ done: number }>("SELECT count(*) AS done FROM migrations").one();
  for (const [index, statements] of migrations.entries()) {
    if (index < done) continue;
    sql.exec(statements);
    sql.exec("INSERT INTO migrations VALUES (?, ?)", index + 1, nowMs);
  }
}
