/**
 * Takes a blob for a table, or says why not: once, before the table is swapped in. What is damaged is refused, and whatever
 * made the blob, a lookup ends and stays inside its columns. That the rows are in order, the control side has checked before
 * it let the blob out; reading them all again would cost a fresh isolate more than everything else. Never throws.
 */
import { err, ok, type Result } from "../../shared/result.ts";
import {
  BLOB_BYTES_MAX,
  BLOB_FORMAT,
  BLOB_MAGIC,
  BLOCKED_SHARE_MAX,
  FORCED,
  HEADER,
  HEADER_BYTES,
  NETWORK_ACTIONS,
  NETWORKS_MAX,
  RULES_MAX,
  SHARE_PARTS,
  blobBytes,
  checksum,
  viewBlob,
  type BlobCounts,
  type BlobViews,
  type TableCounts,
} from "./blob.ts";
import type { IpSet, NetworkRule } from "./ip-set.ts";

/** Why a blob is left alone: keep the last good one. `unknown_format` is a newer control side's, the others are damage. */
export type BlobRefusal =
  | "too_large"
  | "not_a_blob"
  | "unknown_format"
  | "wrong_length"
  | "wrong_checksum"
  | "malformed"
  | "blocks_too_much";

/**
 * `known` when the caller has compared the blob's sha256 with its name. That says more than the checksum, and the platform
 * computes it natively, while the checksum takes a fresh isolate milliseconds before the compiler has seen its loop.
 */
export type Integrity = "known" | "unknown";

/** The table keeps `blob` and reads it in place: nobody may write to it any more. */
export function readIpSet(
  blob: ArrayBuffer,
  integrity: Integrity = "unknown",
): Result<IpSet, BlobRefusal> {
  const damage = damageOf(blob, integrity);
  if (damage !== null) return err(damage);
  const header = new Uint32Array(blob, 0, HEADER_BYTES / 4);
  const counts = countsOf(header);
  if (!isPossible(counts) || blobBytes(counts) !== blob.byteLength) return err("malformed");
  const views = viewBlob(blob, counts);
  const ruleList = readRules(views.rulesJson);
  if (ruleList === null || !areChainsSound(views, ruleList.length)) return err("malformed");
  if (blocksTooMuch(header)) return err("blocks_too_much");
  const { v4, v6, v6Long, expiresAtMs, next, rules } = views;
  return ok({ networks: counts.networks, v4, v6, v6Long, expiresAtMs, next, rules, ruleList });
}

/** What is wrong before anything in it can be believed. */
function damageOf(blob: ArrayBuffer, integrity: Integrity): BlobRefusal | null {
  if (blob.byteLength > BLOB_BYTES_MAX) return "too_large";
  if (blob.byteLength < HEADER_BYTES || blob.byteLength % 4 !== 0) return "wrong_length";
  const header = new Uint32Array(blob, 0, HEADER_BYTES / 4);
  if (header[HEADER.magic] !== BLOB_MAGIC) return "not_a_blob";
  if (header[HEADER.format] !== BLOB_FORMAT) return "unknown_format";
  if (header[HEADER.byteLength] !== blob.byteLength) return "wrong_length";
  if (integrity === "known") return null;
  return header[HEADER.checksum] === checksum(blob) ? null : "wrong_checksum";
}

function blocksTooMuch(header: Uint32Array): boolean {
  const isForced = ((header[HEADER.flags] ?? 0) & FORCED) !== 0;
  const parts = Math.max(header[HEADER.blockedV4] ?? 0, header[HEADER.blockedV6] ?? 0);
  return !isForced && parts > BLOCKED_SHARE_MAX * SHARE_PARTS;
}

const countsOf = (header: Uint32Array): BlobCounts => {
  const table = (rows: number, bits: number, words: number): TableCounts => ({
    rows: header[rows] ?? 0,
    indexBits: header[bits] ?? 0,
    indexWords: header[words] ?? 0,
  });
  return {
    networks: header[HEADER.networks] ?? 0,
    rulesBytes: header[HEADER.rulesBytes] ?? 0,
    chains: header[HEADER.chains] ?? 0,
    v4: table(HEADER.v4Rows, HEADER.v4Bits, HEADER.v4Words),
    v6: table(HEADER.v6Rows, HEADER.v6Bits, HEADER.v6Words),
    v6Long: table(HEADER.v6LongRows, HEADER.v6LongBits, HEADER.v6LongWords),
  };
};

const INDEX_BITS_MAX = 16;

/** Whether the numbers can be true, before anything is multiplied with them. */
const isPossible = ({ networks, chains, v4, v6, v6Long, rulesBytes }: BlobCounts): boolean =>
  networks <= NETWORKS_MAX &&
  chains >= 1 &&
  chains <= BLOB_BYTES_MAX &&
  rulesBytes <= BLOB_BYTES_MAX &&
  [v4, v6, v6Long].every(
    ({ rows, indexBits, indexWords }) =>
      rows <= 2 * NETWORKS_MAX &&
      indexBits >= 1 &&
      indexBits <= INDEX_BITS_MAX &&
      indexWords > 1 << indexBits &&
      indexWords <= BLOB_BYTES_MAX,
  );

/** The rules by number, or null. */
function readRules(bytes: Uint8Array): readonly NetworkRule[] | null {
  const parsed = parseJson(bytes);
  if (!Array.isArray(parsed) || parsed.length > RULES_MAX) return null;
  const rules: NetworkRule[] = [];
  for (const pair of parsed) {
    if (!Array.isArray(pair) || typeof pair[0] !== "string") return null;
    const action = NETWORK_ACTIONS.find((known) => known === pair[1]) ?? null;
    rules.push({ entryId: pair[0], action });
  }
  return rules;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    // Not JSON, or not text: no list of rules either way.
    return null;
  }
}

/** Every chain leads down to 0, and names a rule that exists and a time. */
function areChainsSound({ expiresAtMs, next, rules }: BlobViews, ruleCount: number): boolean {
  for (let chain = 1; chain < next.length; chain++) {
    if ((next[chain] ?? 0) >= chain || (rules[chain] ?? 0) >= ruleCount) return false;
    if (!Number.isFinite(expiresAtMs[chain])) return false;
  }
  return true;
}
