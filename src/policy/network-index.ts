/** Puts an index before ranges: from the first word of an address to the few ranges that may hold it. See blob.ts. */
import {
  V4_KEY_BITS,
  V6_KEY_BITS,
  v4Bucket,
  v6Bucket,
  v6Key,
  writePage,
  type Table,
} from "../guard/ip/blob.ts";
import type { Ranges } from "./network-ranges.ts";

/** 65 536 buckets are a quarter of a megabyte, and 100 000 networks leave one or two ranges in each. */
const BUCKET_BITS_MAX = 16;
/** 4 096 pages: one for each /15 of the global addresses. */
const PAGE_BITS_MAX = 12;

export function indexedV4(ranges: Ranges): Table {
  const bits = Math.min(BUCKET_BITS_MAX, Math.max(1, bitLength(ranges.rows)));
  const table = tableOf(ranges, V4_KEY_BITS - bits, new Uint32Array((1 << bits) + 1));
  fillBuckets(ranges, table.index, 0, (first) => v4Bucket(table, first));
  return table;
}

export function indexedV6(ranges: Ranges): Table {
  const { rows, width, starts } = ranges;
  const bits = Math.min(PAGE_BITS_MAX, Math.max(1, bitLength(rows)));
  const shift = V6_KEY_BITS - bits;
  const rowsOfPages = new Uint32Array(1 << bits);
  for (let row = 0; row < rows; row++) {
    const page = v6Key(starts[row * width] ?? 0) >>> shift;
    rowsOfPages[page] = (rowsOfPages[page] ?? 0) + 1;
  }
  const table = tableOf(ranges, shift, pagesFor(rowsOfPages, shift));
  fillBuckets(ranges, table.index, rowsOfPages.length, (first) => v6Bucket(table, first));
  return table;
}

const tableOf = (
  { rows, width, starts, chains, prefixes }: Ranges,
  shift: number,
  index: Uint32Array,
): Table => ({
  shift,
  index,
  starts: starts.subarray(0, rows * width),
  chains: chains.subarray(0, rows),
  prefixes: prefixes.subarray(0, rows),
});

/** The pages, with room behind them for about as many buckets as there are rows in each. */
function pagesFor(rowsOfPages: Uint32Array, shift: number): Uint32Array {
  const bits = rowsOfPages.map((rows) => Math.min(shift, Math.max(0, bitLength(rows) - 1)));
  const buckets = bits.reduce((sum, one) => sum + (1 << one), 0);
  const index = new Uint32Array(rowsOfPages.length + buckets + 1);
  let bucket = rowsOfPages.length;
  bits.forEach((one, page) => {
    index[page] = writePage(bucket, one);
    bucket += 1 << one;
  });
  return index;
}

/** Counts the rows of each bucket into the one behind it, and then those of all before. */
function fillBuckets(
  { rows, width, starts }: Ranges,
  index: Uint32Array,
  firstBucket: number,
  bucketOf: (first: number) => number,
): void {
  for (let row = 0; row < rows; row++) {
    const after = bucketOf(starts[row * width] ?? 0) + 1;
    index[after] = (index[after] ?? 0) + 1;
  }
  for (let bucket = firstBucket + 1; bucket < index.length; bucket++) {
    index[bucket] = (index[bucket] ?? 0) + (index[bucket - 1] ?? 0);
  }
}

const bitLength = (value: number): number => 32 - Math.clz32(value);
