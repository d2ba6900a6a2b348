/** Rows as text and back, exactly: what would not come back as it was is not kept. */
import { parseJson } from "../shared/json.ts";
import { anything, either, list, number, object, text, type Read } from "../shared/shape.ts";
import type { Row } from "./sql.ts";

/** A value as JSON, or a time. */
const cell = either(object({ t: number() }), object({ j: anything }));
type Cell = Read<typeof cell>;
const table = object({ columns: list(text()), rows: list(list(cell)) });

/** Null when some value is of a kind that JSON does not carry, such as bytes or an interval. */
export function encodeRows(rows: readonly Row[]): string | null {
  const columns = Object.keys(rows[0] ?? {});
  const cells: Cell[][] = [];
  for (const row of rows) {
    const encoded = columns.map((column) => encodeCell(row[column]));
    if (encoded.includes(null)) return null;
    cells.push(encoded.filter((one) => one !== null));
  }
  return JSON.stringify({ columns, rows: cells });
}

/** Null for what this version did not write. */
export function decodeRows(written: string): readonly Row[] | null {
  const read = table(parseJson(written));
  if (!read.ok) return null;
  const { columns, rows } = read.value;
  return rows.map((cells) =>
    Object.fromEntries(
      columns.map((column, index) => {
        const one = cells[index];
        return [column, one === undefined ? null : "t" in one ? new Date(one.t) : one.j];
      }),
    ),
  );
}

function encodeCell(value: unknown): Cell | null {
  if (value instanceof Date) {
    const t = value.getTime();
    return Number.isFinite(t) ? { t } : null;
  }
  return isJson(value) ? { j: value } : null;
}

const DEPTH_MAX = 32;

function isJson(value: unknown, depth = 0): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== "object" || depth >= DEPTH_MAX) return false;
  if (!Array.isArray(value) && !isPlainObject(value)) return false;
  return Object.values(value).every((item) => isJson(item, depth + 1));
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype && !Object.hasOwn(value, "__proto__");
}
