/** SQL as it may be shown to people: without the values in it, which are customers' data, and without comments. */
import { sha256Hex } from "./ids.ts";

const FINGERPRINT_CHARACTERS = 16;

/**
 * One token from where it is asked. What is cut off, as `pg_stat_activity` cuts queries, runs to the end: a literal that never
 * closes is still a literal. Words come before numbers, so that `t1` stays; quoted names are names.
 */
const TOKEN = new RegExp(
  [
    String.raw`(?<comment>--[^\n]*|/\*)`,
    String.raw`(?<literal>\$(?<tag>[A-Za-z_]\w*)?\$[^]*?(?:\$\k<tag>\$|$)|[eE]'(?:\\[^]|''|[^'\\])*(?:'|\\?$)|(?:[bBxXnN]|[uU]&)?'(?:''|[^'])*(?:'|$))`,
    String.raw`(?<kept>"(?:""|[^"])*(?:"|$)|\$\d+|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`,
    String.raw`(?<number>\.?\d[\w.]*)`,
    String.raw`(?<space>\s+)`,
    String.raw`(?<other>[^])`,
  ].join("|"),
  "y",
);
/** `(?, ?, ?)` is the same query as `(?)`. */
const LISTS = /\(\s*\?(?:\s*,\s*\?)+\s*\)/g;

/** The query with `?` for each literal, comments left out and white space made plain. Never fails, whatever the text is. */
export const withoutLiterals = (sql: string): string => plain(sql, () => "?").replace(LISTS, "(?)");

/** The query with its values, without comments, white space made plain outside of them: equal for what is surely the same query. */
export const plainSql = (sql: string): string => plain(sql, (literal) => literal);

function plain(sql: string, shownAs: (literal: string) => string): string {
  const shown: string[] = [];
  const space = (): void => {
    if (shown.length > 0 && shown.at(-1) !== " ") shown.push(" ");
  };
  let at = 0;
  while (at < sql.length) {
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(sql)?.groups ?? {};
    const literal = groups["literal"] ?? groups["number"];
    if (groups["comment"] === "/*") {
      at = endOfComment(sql, at);
      space();
      continue;
    }
    at = TOKEN.lastIndex;
    if (groups["space"] !== undefined || groups["comment"] !== undefined) space();
    else if (literal !== undefined) shown.push(shownAs(literal));
    else shown.push(groups["kept"] ?? groups["other"] ?? "");
  }
  return shown.join("").trimEnd();
}

/** Comments nest in SQL. */
function endOfComment(sql: string, start: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(sql); mark !== null; mark = marks.exec(sql)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return sql.length;
}

/** The same for queries that differ in their values only; 16 hexadecimal digits. */
export const fingerprintOf = (sql: string): string =>
  sha256Hex(withoutLiterals(sql).toLowerCase()).slice(0, FINGERPRINT_CHARACTERS);
