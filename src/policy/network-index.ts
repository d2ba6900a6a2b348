/** Puts an index before ranges: from the first bits of an address to the few ranges that may hold it. */
import { V4_KEY_BITS, V6_KEY_BITS, WIDTH, v6Bucket, type Table } from "../guard/ip/blob.ts";
import type { Ranges } from "./network-ranges.ts";

/** 65 536 buckets are a quarter of a megabyte, and one list of 100 000 networks leaves one or two ranges in each. */
const INDEX_BITS_MAX = 16;
/** Whole IPv6 addresses take four words each, so this index saves room: 16 384 buckets. */
const LONG_INDEX_BITS_MAX = 14;

export const indexedV4 = (ranges: Ranges): Table =>
  indexed(
    ranges,
    V4_KEY_BITS - bitsFor(ranges, INDEX_BITS_MAX),
    V4_KEY_BITS,
    (table, first) => first >>> table.shift,
  );

export const indexedV6 = (ranges: Ranges): Table => {
  const bitsMax = ranges.width === WIDTH.v6 ? INDEX_BITS_MAX : LONG_INDEX_BITS_MAX;
  return indexed(ranges, V6_KEY_BITS - bitsFor(ranges, bitsMax), V6_KEY_BITS, v6Bucket);
};

/** As many buckets as ranges, so that the table of a few addresses is small. */
const bitsFor = ({ rows }: Ranges, bitsMax: number): number =>
  Math.min(bitsMax, Math.max(1, Math.ceil(Math.log2(rows + 1))));

function indexed(
  { rows, width, starts, chains, prefixes }: Ranges,
  shift: number,
  keyBits: number,
  bucketOf: (table: Pick<Table, "shift" | "index">, first: number) => number,
): Table {
  const index = new Uint32Array((1 << (keyBits - shift)) + 1);
  const table = {
    shift,
    index,
    starts: starts.subarray(0, rows * width),
    chains: chains.subarray(0, rows),
    prefixes: prefixes.subarray(0, rows),
  };
  for (let row = 0; row < rows; row++) {
    const after = bucketOf(table, starts[row * width] ?? 0) + 1;
    index[after] = (index[after] ?? 0) + 1;
  }
  for (let bucket = 1; bucket < index.length; bucket++) {
    index[bucket] = (index[bucket] ?? 0) + (index[bucket - 1] ?? 0);
  }
  return table;
}
