/** What two tables differ by is what comparing them whole would say, and never more than that where not all is compared. */
import fc from "fast-check";
import { describe, it } from "vitest";
import {
  compareBuckets,
  compareRows,
  ROWS_COMPARED_MAX,
  sharedBy,
  type Bucket,
  type Difference,
  type HashedRow,
} from "../../../src/integrity/difference.ts";

/** Values by key; the bucket of a key is its remainder. */
type Table = Readonly<Record<number, number>>;
const IN_TEST = 7;
const rowsOf = (table: Table): readonly (readonly [key: number, value: number])[] =>
  Object.entries(table).map(([key, value]) => [Number(key), value]);

function bucketsOf(table: Table): readonly Bucket[] {
  const buckets = new Map<number, number[]>();
  for (const [key, value] of rowsOf(table)) {
    const bucket = buckets.get(key % IN_TEST) ?? [];
    bucket.push(key * 1_000 + value);
    buckets.set(key % IN_TEST, bucket);
  }
  return [...buckets].map(([bucket, hashes]) => ({
    bucket,
    rows: hashes.length,
    digest: hashes.toSorted((a, b) => a - b).join(),
  }));
}

const rowsIn = (table: Table, look: readonly number[]): readonly HashedRow[] =>
  rowsOf(table)
    .filter(([key]) => look.includes(key % IN_TEST))
    .map(([key, value]) => ({ key: String(key), row: String(value) }));

function compared(live: Table, branch: Table): Difference {
  const { look, rest } = compareBuckets(bucketsOf(live), bucketsOf(branch));
  return compareRows(rowsIn(live, look), rowsIn(branch, look), rest);
}

const aTable = fc.dictionary(fc.nat(40).map(String), fc.nat(2)) as fc.Arbitrary<Table>;

describe("two tables", () => {
  it("differ by what is missing, changed and added", ({ expect }) => {
    fc.assert(
      fc.property(aTable, aTable, (live, branch) => {
        const keys = [...new Set([...rowsOf(live), ...rowsOf(branch)].map(([key]) => key))];
        const many = (is: (key: number) => boolean): number => keys.filter(is).length;
        expect(compared(live, branch)).toEqual({
          missing: many((key) => !(key in live)),
          changed: many((key) => key in live && key in branch && live[key] !== branch[key]),
          added: many((key) => !(key in branch)),
          isAtLeast: false,
        });
      }),
    );
  });

  it("are read no further than there is room, and the rest is counted at least", ({ expect }) => {
    const bucket = (n: number, rows: number, digest: string): Bucket => ({
      bucket: n,
      rows,
      digest,
    });
    const { look, rest } = compareBuckets(
      [bucket(1, 10, "a"), bucket(2, 5, "b"), bucket(3, 9, "same"), bucket(4, 7, "c")],
      [
        bucket(1, ROWS_COMPARED_MAX, "A"),
        bucket(2, 9, "B"),
        bucket(3, 9, "same"),
        bucket(4, 7, "C"),
      ],
    );
    expect(look).toEqual([1]);
    expect(rest).toEqual({ missing: 4, changed: 1, added: 0, isAtLeast: true });
  });
});

describe("a table whose columns changed since", () => {
  const table = (...columns: string[]) => ({
    schema: "public",
    name: "users",
    columns,
    key: ["id"],
  });

  it("is compared by the columns of both, and the others are named", ({ expect }) => {
    expect(sharedBy(table("id", "name", "nickname"), table("age", "id", "name"))).toEqual({
      shared: table("id", "name"),
      apart: { added: ["nickname"], dropped: ["age"] },
    });
  });

  it("cannot be compared without the key, or the table", ({ expect }) => {
    expect(sharedBy(table("id", "name"), table("name"))).toBeNull();
    expect(sharedBy(table("id"), undefined)).toBeNull();
    expect(sharedBy({ ...table("id"), key: [] }, table("id"))).toBeNull();
  });
});
