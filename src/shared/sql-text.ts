/** SQL as it may be shown to people: without the values in it, which are customers' data, and without comments. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

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
export function withoutLiterals(sql: string): string {
  let shown = "";
  let at = 0;
  while (at < sql.length) {
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(sql)?.groups ?? {};
    if (groups["comment"] === "/*") {
      at = endOfComment(sql, at);
      shown += " ";
      continue;
    }
    at = TOKEN.lastIndex;
    if (groups["kept"] !== undefined) shown += groups["kept"];
    else if (groups["other"] !== undefined) shown += groups["other"];
    else if (groups["space"] !== undefined || groups["comment"] !== undefined) shown += " ";
    else shown += "?";
  }
  return shown.replace(/\s+/g, " ").trim().replace(LISTS, "(?)");
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
  bytesToHex(sha256(utf8ToBytes(withoutLiterals(sql).toLowerCase()))).slice(
    0,
    FINGERPRINT_CHARACTERS,
  );
