/**
 * Compiles networks into the table that guards look addresses up in. An allowed network wins over every other; otherwise the
 * most specific one is asked first, and those around it where it has ended or does not apply. The same networks give the same
 * bytes, in whatever order they come, so that a table can be named by its sha256.
 */
import { BLOB_BYTES_MAX, BLOCKED_SHARE_MAX, NETWORKS_MAX, WIDTH } from "../guard/ip/blob.ts";
import type { Cidr } from "../guard/ip/cidr.ts";
import { lookupV6 } from "../guard/ip/ip-set.ts";
import { readIpSet } from "../guard/ip/read-ip-set.ts";
import { assert } from "../shared/assert.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { writeBlob, type Tables } from "./network-blob.ts";
import {
  CHAIN_LENGTH_MAX,
  Chains,
  numberRules,
  type NetworkRules,
  type NetworkTerm,
} from "./network-chains.ts";
import { indexedV4, indexedV6 } from "./network-index.ts";
import { disjointRanges, type NetworkColumns } from "./network-ranges.ts";
import { isSound } from "./network-soundness.ts";

/** A network and the policy entry that it belongs to. Owner and reason stand in that entry, and never leave the control side. */
export type NetworkEntry = NetworkTerm & { readonly network: Cidr };

/** For what a person must take back, such as the site's allowlist: the last moment that a `Date` knows. */
export const NEVER_ENDS_AT_MS = 8.64e15;

export type NetworksInput = {
  readonly entries: readonly NetworkEntry[];
  /** What has ended by then is left out. */
  readonly nowMs: number;
  /** A person insists on blocking more than `BLOCKED_SHARE_MAX` of the internet. */
  readonly force?: boolean;
};

/** The table as bytes (see blob.ts). A refusal says what is wrong with the networks; the last good table then stays. */
export function compileNetworks(input: NetworksInput): Result<ArrayBuffer, string> {
  const entries = input.entries.filter(({ expiresAtMs }) => expiresAtMs > input.nowMs);
  if (entries.length > NETWORKS_MAX) {
    return err(`${entries.length} networks are more than the ${NETWORKS_MAX} a guard holds`);
  }
  const rules = numberRules(entries);
  if (!rules.ok) return rules;

  const chains = new Chains(rules.value);
  const tables = tablesOf(entries, rules.value, chains);
  if (chains.lengthMax > CHAIN_LENGTH_MAX) {
    return err(
      `one address is in ${chains.lengthMax} networks, more than the ${CHAIN_LENGTH_MAX} a guard asks`,
    );
  }
  const blob = writeBlob(tables, chains, rules.value, {
    networks: entries.length,
    isForced: input.force ?? false,
  });
  if (blob === null) {
    return err(`the networks do not fit into the ${BLOB_BYTES_MAX} bytes of a table`);
  }
  return checked(blob);
}

/** What guards would say to the table, and what they have no time to look at. */
function checked(blob: ArrayBuffer): Result<ArrayBuffer, string> {
  const read = readIpSet(blob);
  if (!read.ok && read.error === "blocks_too_much") {
    const percent = BLOCKED_SHARE_MAX * 100;
    return err(
      `the networks block more than ${percent} % of the internet; force it if that is meant`,
    );
  }
  assert(read.ok, "a compiled table is one that guards accept");
  assert(isSound(read.value), "a compiled table is in order");
  return ok(blob);
}

/** Networks longer than this are in the table of whole addresses. */
const UPPER_HALF_BITS = 64;

function tablesOf(entries: readonly NetworkEntry[], rules: NetworkRules, chains: Chains): Tables {
  const columnsOf = (width: number, isHere: (network: Cidr) => boolean): NetworkColumns =>
    columns(
      width,
      entries.filter(({ network }) => isHere(network)),
      rules,
    );
  const v4 = columnsOf(WIDTH.v4, ({ family }) => family === 4);
  const v6 = columnsOf(WIDTH.v6, ({ family, prefix }) => family === 6 && prefix <= UPPER_HALF_BITS);
  const v6Long = columnsOf(
    WIDTH.v6Long,
    ({ family, prefix }) => family === 6 && prefix > UPPER_HALF_BITS,
  );
  const v6Table = indexedV6(disjointRanges(v6, chains, () => 0));
  return {
    v4: indexedV4(disjointRanges(v4, chains, () => 0)),
    v6: v6Table,
    v6Long: indexedV6(
      disjointRanges(v6Long, chains, (starts, at) =>
        lookupV6(v6Table, starts[at] ?? 0, starts[at + 1] ?? 0),
      ),
    ),
  };
}

function columns(
  width: number,
  entries: readonly NetworkEntry[],
  rules: NetworkRules,
): NetworkColumns {
  const count = entries.length;
  const made = {
    width,
    count,
    starts: new Uint32Array(count * width),
    prefixes: new Uint8Array(count),
    rules: new Uint16Array(count),
    expiresAtMs: new Float64Array(count),
  };
  entries.forEach((entry, place) => {
    for (let word = 0; word < width; word++) {
      made.starts[place * width + word] = entry.network.words[word] ?? 0;
    }
    made.prefixes[place] = entry.network.prefix;
    made.rules[place] = rules.numberOf(entry);
    made.expiresAtMs[place] = entry.expiresAtMs;
  });
  return made;
}
