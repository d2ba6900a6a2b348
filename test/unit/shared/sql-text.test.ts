import fc from "fast-check";
import { describe, it } from "vitest";
import { fingerprintOf, plainSql, withoutLiterals } from "../../../src/shared/sql-text.ts";

describe("withoutLiterals", () => {
  it.for<readonly [string, string, string]>([
    [
      "a string",
      "SELECT * FROM t WHERE email = 'ada@example.com'",
      "SELECT * FROM t WHERE email = ?",
    ],
    ["a doubled quote", "SELECT 'it''s', x", "SELECT ?, x"],
    ["a backslash that is one", String.raw`SELECT 'C:\', secret`, "SELECT ?, secret"],
    ["a backslash that escapes", String.raw`SELECT E'it\'s', x`, "SELECT ?, x"],
    ["prefixed strings", "SELECT B'01', x'ff', N'n', U&'d\\0061'", "SELECT ?, ?, ?, ?"],
    ["a dollar quote", "SELECT $$it's$$, $fn$a $$ b$fn$, $1", "SELECT ?, ?, $1"],
    [
      "numbers",
      "SELECT 1, -2.5e3, .5, 0xff, t1.c_2 FROM t1 LIMIT 10",
      "SELECT ?, -?, ?, ?, t1.c_2 FROM t1 LIMIT ?",
    ],
    ["quoted names", `SELECT "a ""b'" FROM "t'2"`, `SELECT "a ""b'" FROM "t'2"`],
    ["comments", "SELECT 1 -- it's 5\n, /* a /* nested 'x */ secret */ b", "SELECT ? , b"],
    ["lists", "SELECT * FROM t WHERE id IN (1, 2,\n 3)", "SELECT * FROM t WHERE id IN (?)"],
    ["a string that was cut off", "SELECT 'the rest is mis", "SELECT ?"],
    ["a dollar quote that was cut off", "SELECT $a$the rest", "SELECT ?"],
    ["a comment that was cut off", "SELECT x /* the rest 'is", "SELECT x"],
    ["an escape that was cut off", "SELECT E'abc\\", "SELECT ?"],
    ["nothing", "", ""],
    ["what is not shown to us", "<insufficient privilege>", "<insufficient privilege>"],
  ])("%s", ([, sql, shown], { expect }) => {
    expect(withoutLiterals(sql)).toBe(shown);
  });

  it("never shows what is in a string, wherever the query is cut", ({ expect }) => {
    const value = fc.stringMatching(/^secret[a-z]{3}['\\$/*-]{0,3}$/);
    fc.assert(
      fc.property(value, value, fc.nat(200), (a, b, cut) => {
        const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
        const escaped = `E'${b.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
        const sql = `UPDATE users SET name = ${quote(a)}, note = ${escaped}, doc = $q$ ${a} $q$ WHERE id = 7`;
        expect(withoutLiterals(sql.slice(0, cut))).not.toMatch(/secret|7/);
      }),
    );
  });

  it("takes any text, in time that grows with its length", ({ expect }) => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        expect(withoutLiterals(withoutLiterals(text))).toBeTypeOf("string");
      }),
    );
    expect(withoutLiterals("$a".repeat(20_000)).length).toBeGreaterThan(0);
  });
});

describe("plainSql", () => {
  it("keeps values as they are, and nothing else that makes no difference", ({ expect }) => {
    expect(plainSql("SELECT  'a  b',\n\t1 -- why\n FROM /* x */ t ")).toBe(
      "SELECT 'a  b', 1 FROM t",
    );
    expect(plainSql("SELECT 1")).not.toBe(plainSql("SELECT 2"));
  });
});

describe("fingerprintOf", () => {
  it("is that of the query and not of its values, its case or its spaces", ({ expect }) => {
    const one = fingerprintOf("SELECT * FROM t WHERE id IN (1, 2)");
    expect(one).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprintOf("select *  from t /* x */ where id in (3)")).toBe(one);
    expect(fingerprintOf("select *\n from t where id in (3,4,5)")).toBe(one);
    expect(fingerprintOf("SELECT * FROM u WHERE id IN (1, 2)")).not.toBe(one);
  });
});
