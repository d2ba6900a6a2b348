/**
 * Whether the rows of a table are what a lookup takes them for: ascending, pointing at chains, and each in the bucket that
 * points at it. Checked on the control side for every table before it leaves the house.
 */
import { V6_KEY_BITS, WIDTH, v4Bucket, v6Bucket, type Table } from "../guard/ip/blob.ts";
import type { IpSet } from "../guard/ip/ip-set.ts";

export const isSound = ({ v4, v6, v6Long, next }: IpSet): boolean =>
  isTableSound(v4, WIDTH.v4, 0, 32, next.length) &&
  isTableSound(v6, WIDTH.v6, 0, 64, next.length) &&
  isTableSound(v6Long, WIDTH.v6Long, 65, 128, next.length) &&
  isIndexSound(v4, WIDTH.v4, 0, (first) => v4Bucket(v4, first)) &&
  isIndexSound(v6, WIDTH.v6, pagesOf(v6), (first) => v6Bucket(v6, first)) &&
  isIndexSound(v6Long, WIDTH.v6Long, pagesOf(v6Long), (first) => v6Bucket(v6Long, first));

const pagesOf = ({ shift }: Table): number => 1 << (V6_KEY_BITS - shift);

/** Rows ascend, have a prefix of their table and point at a chain. */
function isTableSound(
  { starts, chains, prefixes }: Table,
  width: number,
  prefixMin: number,
  prefixMax: number,
  chainCount: number,
): boolean {
  for (let row = 0; row < chains.length; row++) {
    const prefix = prefixes[row] ?? 0;
    const chain = chains[row] ?? 0;
    if (prefix < prefixMin || prefix > prefixMax || chain === 0 || chain >= chainCount) {
      return false;
    }
    if (row > 0 && !isAscending(starts, row * width, width)) return false;
  }
  return true;
}

/** Whether the row at `at` starts behind the one before it. */
function isAscending(starts: Uint32Array, at: number, width: number): boolean {
  for (let word = at; word < at + width; word++) {
    const difference = (starts[word] ?? 0) - (starts[word - width] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** The buckets ascend from 0 to the number of rows, and each row lies in the bucket that points at it. */
function isIndexSound(
  { index, starts, chains }: Table,
  width: number,
  firstBucket: number,
  bucketOf: (first: number) => number,
): boolean {
  if (index[firstBucket] !== 0 || index[index.length - 1] !== chains.length) return false;
  for (let bucket = firstBucket; bucket + 1 < index.length; bucket++) {
    const from = index[bucket] ?? 0;
    const to = index[bucket + 1] ?? 0;
    if (to < from || to > chains.length) return false;
    for (let row = from; row < to; row++) {
      if (bucketOf(starts[row * width] ?? 0) !== bucket) return false;
    }
  }
  return true;
}
