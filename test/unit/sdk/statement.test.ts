import { describe, it } from "vitest";
import { statementOf } from "../../../src/sdk/statement.ts";

describe("statementOf", () => {
  it.for([
    ["SELECT * FROM pitches", "read"],
    ["  select updated_at, created_by, deleted FROM t WHERE note = 'DELETE FROM t'", "read"],
    ["WITH x AS (SELECT 1) SELECT * FROM x;", "read"],
    ["(SELECT 1) UNION (SELECT 2)", "read"],
    ["VALUES (1), (2)", "read"],
    ["TABLE pitches", "read"],
    ["/* INSERT */ -- UPDATE\nSELECT 1", "read"],
    [`SELECT "update" FROM "insert into"`, "read"],
    ["SELECT current_user", "personal"],
    ["SELECT * FROM t WHERE owner = current_setting('app.user')", "personal"],
    ["SELECT random()", "personal"],
    ["WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", "write"],
    ["SELECT * FROM t FOR UPDATE", "write"],
    ["SELECT * FROM t FOR KEY SHARE", "write"],
    ["SELECT * INTO copy FROM t", "write"],
    ["SELECT nextval('s')", "write"],
    ["SELECT pg_advisory_lock(1)", "write"],
    ["SELECT pg_try_advisory_xact_lock(1)", "write"],
    ["SELECT set_config('a', 'b', false)", "write"],
    ["SELECT pg_notify('c', '')", "write"],
    ["SELECT pg_terminate_backend(1)", "write"],
    ["SELECT 1; SELECT 2", "write"],
    ["INSERT INTO t VALUES (1)", "write"],
    ["update t set x = 1", "write"],
    ["MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", "write"],
    ["VACUUM t", "utility"],
    ["EXPLAIN ANALYZE DELETE FROM t", "utility"],
    ["CREATE INDEX CONCURRENTLY ON t (x)", "utility"],
    ["", "utility"],
    ["BEGIN", "utility"],
    ["SELECT 'an unclosed string; DELETE", "read"],
  ] as const)("%s: %s", ([sql, statement], { expect }) => {
    expect(statementOf(sql)).toBe(statement);
  });
});
