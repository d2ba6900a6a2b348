/** Writes a compiled table as bytes; the layout is blob.ts's. */
import {
  BLOB_BYTES_MAX,
  BLOB_FORMAT,
  BLOB_MAGIC,
  FORCED,
  HEADER,
  SHARE_PARTS,
  V4_KEY_BITS,
  V6_KEY_BITS,
  blobBytes,
  checksum,
  viewBlob,
  type BlobCounts,
  type Table,
  type TableCounts,
} from "../guard/ip/blob.ts";
import { blockedShare } from "./network-blocked-share.ts";
import type { Chains, NetworkRules } from "./network-chains.ts";

export type Tables = { readonly v4: Table; readonly v6: Table; readonly v6Long: Table };

/** Writes everything into one buffer; null when it would be larger than guards accept. */
export function writeBlob(
  tables: Tables,
  chains: Chains,
  rules: NetworkRules,
  { networks, isForced }: { readonly networks: number; readonly isForced: boolean },
): ArrayBuffer | null {
  const rulesJson = new TextEncoder().encode(
    JSON.stringify(rules.list.map(({ entryId, action }) => [entryId, action])),
  );
  const counts: BlobCounts = {
    networks,
    rulesBytes: rulesJson.length,
    chains: chains.next.length,
    v4: countsOf(tables.v4, V4_KEY_BITS),
    v6: countsOf(tables.v6, V6_KEY_BITS),
    v6Long: countsOf(tables.v6Long, V6_KEY_BITS),
  };
  const byteLength = blobBytes(counts);
  if (byteLength > BLOB_BYTES_MAX) return null;
  const blob = new ArrayBuffer(byteLength);
  const views = viewBlob(blob, counts);
  views.expiresAtMs.set(chains.expiresAtMs);
  views.next.set(chains.next);
  views.rules.set(chains.rules);
  views.rulesJson.set(rulesJson);
  copyTable(tables.v4, views.v4);
  copyTable(tables.v6, views.v6);
  copyTable(tables.v6Long, views.v6Long);
  writeHeader(views.header, counts, byteLength);
  views.header[HEADER.flags] = isForced ? FORCED : 0;
  const blocked = blockedShare(views, rules.list);
  views.header[HEADER.blockedV4] = Math.ceil(blocked.v4 * SHARE_PARTS);
  views.header[HEADER.blockedV6] = Math.ceil(blocked.v6 * SHARE_PARTS);
  views.header[HEADER.checksum] = checksum(blob);
  return blob;
}

const countsOf = ({ chains, index, shift }: Table, keyBits: number): TableCounts => ({
  rows: chains.length,
  indexBits: keyBits - shift,
  indexWords: index.length,
});

function copyTable(from: Table, to: Table): void {
  to.index.set(from.index);
  to.starts.set(from.starts);
  to.chains.set(from.chains);
  to.prefixes.set(from.prefixes);
}

function writeHeader(header: Uint32Array, counts: BlobCounts, byteLength: number): void {
  header[HEADER.magic] = BLOB_MAGIC;
  header[HEADER.format] = BLOB_FORMAT;
  header[HEADER.byteLength] = byteLength;
  header[HEADER.networks] = counts.networks;
  header[HEADER.rulesBytes] = counts.rulesBytes;
  header[HEADER.chains] = counts.chains;
  header[HEADER.v4Rows] = counts.v4.rows;
  header[HEADER.v4Bits] = counts.v4.indexBits;
  header[HEADER.v4Words] = counts.v4.indexWords;
  header[HEADER.v6Rows] = counts.v6.rows;
  header[HEADER.v6Bits] = counts.v6.indexBits;
  header[HEADER.v6Words] = counts.v6.indexWords;
  header[HEADER.v6LongRows] = counts.v6Long.rows;
  header[HEADER.v6LongBits] = counts.v6Long.indexBits;
  header[HEADER.v6LongWords] = counts.v6Long.indexWords;
}
