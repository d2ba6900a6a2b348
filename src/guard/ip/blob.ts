/**
 * The network table as bytes: made once by the control side, laid under typed arrays by every isolate without a copy. The
 * format is a contract: a change of what stands here needs a new `BLOB_FORMAT` and a reader for the old.
 *
 * Twenty header words, then columns in order of alignment: 8-byte expiries, 4-byte words, 2-byte ids, bytes, and last the
 * rules as JSON, `[[entryId, action], …]`. Everything is little-endian, like every machine that runs it; on another the magic
 * does not match.
 *
 * A table maps disjoint ranges to chains. A range starts at its row's address and ends before the next row or with the
 * network of `prefix` bits around its start, whichever comes first. A chain is what holds there, first choice first: a rule,
 * when it ends, and the next chain (always a smaller number; 0 ends it).
 */

/** What becomes of a request from a network. `allow` wins over both others, however specific they are. */
export const NETWORK_ACTIONS = ["allow", "block", "challenge"] as const;
export type NetworkAction = (typeof NETWORK_ACTIONS)[number];

/** "FBIP", read as one little-endian word. */
export const BLOB_MAGIC = 0x5049_4246;
export const BLOB_FORMAT = 1;
export const HEADER_BYTES = 80;

/** A guard swaps one table for the next while holding both. */
export const BLOB_BYTES_MAX = 24 * 1024 * 1024;
export const NETWORKS_MAX = 1_000_000;
/** A rule's number has two bytes. */
export const RULES_MAX = 65_535;

/** Header words by their place. */
export const HEADER = {
  magic: 0,
  format: 1,
  byteLength: 2,
  checksum: 3,
  flags: 4,
  networks: 5,
  rulesBytes: 6,
  chains: 7,
  v4Rows: 8,
  v4Bits: 9,
  v4Words: 10,
  v6Rows: 11,
  v6Bits: 12,
  v6Words: 13,
  v6LongRows: 14,
  v6LongBits: 15,
  v6LongWords: 16,
  blockedV4: 17,
  blockedV6: 18,
} as const;

/** Flag: a person insisted on blocking more than `BLOCKED_SHARE_MAX`. */
export const FORCED = 1;

/** Of all IPv4, or of the global IPv6 addresses. The lists of addresses that nobody may use come to a seventh of IPv4. */
export const BLOCKED_SHARE_MAX = 0.25;
/** The header counts shares in this many parts. */
export const SHARE_PARTS = 0x1_0000;

/** Everything that the places of the columns follow from. */
export type BlobCounts = {
  readonly networks: number;
  readonly rulesBytes: number;
  /** Chain 0, which is none, included. */
  readonly chains: number;
  readonly v4: TableCounts;
  readonly v6: TableCounts;
  readonly v6Long: TableCounts;
};

/** `indexBits` is the binary logarithm of the number of buckets (IPv4) or pages (IPv6), `indexWords` the index's length. */
export type TableCounts = {
  readonly rows: number;
  readonly indexBits: number;
  readonly indexWords: number;
};

export type Table = {
  /** How far the first word is shifted to get the bucket (IPv4) or the page (IPv6). */
  readonly shift: number;
  /**
   * Buckets in order of address: the first row that starts in it or behind it; and one more, the number of rows. In front of
   * those of IPv6 is a word for each page: its first bucket's place times 32, plus how many bits tell its buckets apart. Most
   * IPv6 addresses of a list are in a few pages, so these have many buckets and the others one.
   */
  readonly index: Uint32Array;
  /** The words of each row's first address, row after row. */
  readonly starts: Uint32Array;
  readonly chains: Uint16Array | Uint32Array;
  readonly prefixes: Uint8Array;
};

export type BlobViews = {
  readonly header: Uint32Array;
  readonly v4: Table;
  /** Networks up to /64, by the upper half of the address. */
  readonly v6: Table;
  /** Longer networks, by the whole address. */
  readonly v6Long: Table;
  readonly expiresAtMs: Float64Array;
  readonly next: Uint32Array;
  readonly rules: Uint16Array;
  readonly rulesJson: Uint8Array;
};

/** Words of an address that a table compares. */
export const WIDTH = { v4: 1, v6: 2, v6Long: 4 } as const;

/** Bits that an index may use: all of an IPv4 address; of IPv6 those behind `2000::/3`, the global addresses. Others share an end. */
export const V4_KEY_BITS = 32;
export const V6_KEY_BITS = 29;

export const blobBytes = (counts: BlobCounts): number => {
  const { chains, rulesBytes, v4, v6, v6Long } = counts;
  const tables = [
    tableBytes(v4, WIDTH.v4, chains),
    tableBytes(v6, WIDTH.v6, chains),
    tableBytes(v6Long, WIDTH.v6Long, chains),
  ];
  const bytes = HEADER_BYTES + chains * (8 + 4 + 2) + rulesBytes;
  return Math.ceil(tables.reduce((sum, one) => sum + one, bytes) / 4) * 4;
};

const tableBytes = ({ rows, indexWords }: TableCounts, width: number, chains: number): number =>
  indexWords * 4 + rows * (width * 4 + chainIdBytes(chains) + 1);

const chainIdBytes = (chains: number): 2 | 4 => (chains <= 0x1_0000 ? 2 : 4);

/** Lays the columns over `blob`, which holds at least `blobBytes(counts)`. */
export function viewBlob(blob: ArrayBuffer, counts: BlobCounts): BlobViews {
  let at = HEADER_BYTES;
  const take = (bytes: number): number => {
    const from = at;
    at += bytes;
    return from;
  };
  const words = (length: number): Uint32Array => new Uint32Array(blob, take(length * 4), length);
  const halves = (length: number): Uint16Array => new Uint16Array(blob, take(length * 2), length);
  const bytes = (length: number): Uint8Array => new Uint8Array(blob, take(length), length);
  const { chains, v4, v6, v6Long } = counts;
  const chainIds = chainIdBytes(chains) === 2 ? halves : words;
  const wordColumns = (counted: TableCounts, width: number, keyBits: number) => ({
    shift: keyBits - counted.indexBits,
    index: words(counted.indexWords),
    starts: words(counted.rows * width),
  });

  const expiresAtMs = new Float64Array(blob, take(chains * 8), chains);
  const next = words(chains);
  const v4Words = wordColumns(v4, WIDTH.v4, V4_KEY_BITS);
  const v6Words = wordColumns(v6, WIDTH.v6, V6_KEY_BITS);
  const v6LongWords = wordColumns(v6Long, WIDTH.v6Long, V6_KEY_BITS);
  const [v4Chains, v6Chains, v6LongChains] = [
    chainIds(v4.rows),
    chainIds(v6.rows),
    chainIds(v6Long.rows),
  ];
  const rules = halves(chains);
  return {
    header: new Uint32Array(blob, 0, HEADER_BYTES / 4),
    expiresAtMs,
    next,
    rules,
    v4: { ...v4Words, chains: v4Chains, prefixes: bytes(v4.rows) },
    v6: { ...v6Words, chains: v6Chains, prefixes: bytes(v6.rows) },
    v6Long: { ...v6LongWords, chains: v6LongChains, prefixes: bytes(v6Long.rows) },
    rulesJson: bytes(counts.rulesBytes),
  };
}

/** `2000::/3`, by the first word. */
const V6_GLOBAL_START = 0x2000_0000;
const V6_GLOBAL_LAST = 0x3fff_ffff;

/** The place in the index of an IPv4 address's bucket. */
export const v4Bucket = ({ shift }: Pick<Table, "shift">, first: number): number => first >>> shift;

/** The same of an IPv6 address, by its first word. Never decreases with the address, which is all that an index needs. */
export function v6Bucket({ shift, index }: Pick<Table, "shift" | "index">, first: number): number {
  const key = v6Key(first);
  const page = key >>> shift;
  const { firstBucket, bits } = readPage(index[page] ?? 0);
  return firstBucket + ((key - page * 2 ** shift) >>> (shift - bits));
}

/** The bits behind `2000::/3`; of any other address, those of the end that it is nearer to. */
export function v6Key(first: number): number {
  if (first < V6_GLOBAL_START) return 0;
  return first > V6_GLOBAL_LAST ? V6_GLOBAL_LAST - V6_GLOBAL_START : first - V6_GLOBAL_START;
}

const PAGE_PARTS = 32;

export const writePage = (firstBucket: number, bits: number): number =>
  firstBucket * PAGE_PARTS + bits;

const readPage = (page: number): { readonly firstBucket: number; readonly bits: number } => ({
  firstBucket: page >>> 5,
  bits: page & (PAGE_PARTS - 1),
});

/**
 * MurmurHash3 of every word but the first four, which are checked one by one. Each step can be undone, so no change of a
 * single word goes unseen; that nobody forged the blob is for its sha256 to say.
 */
export function checksum(blob: ArrayBuffer): number {
  const words = new Uint32Array(blob);
  let hash = 0;
  for (let at = HEADER.checksum + 1; at < words.length; at++) {
    let word = Math.imul(words[at] ?? 0, 0xcc9e_2d51);
    word = Math.imul((word << 15) | (word >>> 17), 0x1b87_3593);
    hash ^= word;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe654_6b64) | 0;
  }
  hash ^= words.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
