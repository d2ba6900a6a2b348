import { it } from "vitest";
import { integrityCheck, queryOf } from "../../../src/integrity/check.ts";

const orphans = {
  kind: "orphans",
  id: "payments-have-users",
  table: "payments",
  columns: ["user_id"],
  references: { table: "users", columns: ["id"] },
};

it.for([
  ["a quote in a table", { ...orphans, table: 'payments" WHERE true --' }],
  ["a quote in a column", { ...orphans, columns: ['user_id"'] }],
  ["fewer columns than refer to them", { ...orphans, columns: ["user_id", "tenant"] }],
  ["no column", { kind: "duplicates", id: "x", table: "users", columns: [] }],
  ["two statements", { kind: "invariant", id: "x", sql: "SELECT 1; DROP TABLE users" }],
  ["a statement that writes", { kind: "invariant", id: "x", sql: "DELETE FROM users" }],
  ["a comparison that writes", { kind: "replica", id: "x", sql: "UPDATE users SET id = 1" }],
  ["a share that is none", { kind: "row-count", id: "x", table: "users", drop_max: 5 }],
  ["a window that is none", { kind: "checksum", id: "x", table: "users", within: "soon" }],
  ["a kind that is none", { kind: "vibes", id: "x", table: "users" }],
] as const)("refuses %s", ([, check], { expect }) => {
  expect(integrityCheck.safeParse(check).success).toBe(false);
});

it("quotes every name, whatever word it is", ({ expect }) => {
  const check = integrityCheck.parse({ ...orphans, table: "public.order", columns: ["user"] });
  expect(check.kind === "orphans" && queryOf(check)).toContain(
    'FROM "public"."order" AS child WHERE child."user" IS NOT NULL',
  );
});
