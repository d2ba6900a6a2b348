/** Writes a list as its reader reads it: how lists are stored, and how they are given back. */
import { formatCidr } from "../guard/ip/cidr.ts";
import type { ListedKey, ListedNetwork, NetworkList } from "./network-list.ts";

/** A stored row takes two megabytes; a UTF-16 unit is three bytes at most. */
export const PART_CHARS_MAX = 500_000;
/** Of a whole list: what one call to the policy's object carries. */
export const STORED_CHARS_MAX = 12 * 1024 * 1024;

/** The whole text in parts; each ends with a line. */
export function partsOf({ networks, keys }: Pick<NetworkList, "networks" | "keys">): string[] {
  const parts: string[] = [];
  let lines: string[] = [];
  let chars = 0;
  const flush = (): void => {
    if (lines.length > 0) parts.push(`${lines.join("\n")}\n`);
    lines = [];
    chars = 0;
  };
  const add = (line: string): void => {
    if (chars + line.length >= PART_CHARS_MAX) flush();
    lines.push(line);
    chars += line.length + 1;
  };
  for (const key of keys) add(keyLine(key));
  for (const network of networks) add(networkLine(network));
  flush();
  return parts;
}

/** The usual network says nothing more, and costs no more than its address. */
function networkLine({ network, reason, expiresAtMs }: ListedNetwork): string {
  const written = formatCidr(network);
  if (expiresAtMs !== null) return JSON.stringify({ network: written, reason, expiresAtMs });
  return reason === null ? written : `${written} # ${reason}`;
}

function keyLine({ kind, key, reason }: ListedKey): string {
  const written = kind === "asn" ? `AS${key}` : key;
  return reason === null ? written : `${written} # ${reason}`;
}
