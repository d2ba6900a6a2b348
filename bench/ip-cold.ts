/**
 * Does one thing once in a process that has just started, and prints the milliseconds: `compile <family> <count> <file>` writes
 * the table, `read <file>` takes it, and `read-known <file>` takes it without the checksum.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { readIpSet } from "../src/guard/ip/read-ip-set.ts";
import { compiledEntries, entriesOf } from "./ip-table.ts";
import { wallMsOf } from "./measure.ts";
import { networksAndProbes } from "./networks.ts";

const [what = "", ...args] = process.argv.slice(2);

if (what === "compile") {
  const [family, count, file = ""] = args;
  const { networks } = networksAndProbes(family === "4" ? 4 : 6, Number(count));
  const entries = entriesOf(networks);
  let blob = new ArrayBuffer(0);
  console.log(wallMsOf(() => (blob = compiledEntries(entries))));
  writeFileSync(file, new Uint8Array(blob));
} else {
  const [file = ""] = args;
  // The table in a buffer of its own, as it comes from a cache.
  const blob = new Uint8Array(readFileSync(file)).buffer;
  console.log(
    wallMsOf(() => {
      const read = readIpSet(blob, what === "read-known" ? "known" : "unknown");
      if (!read.ok) throw new Error(read.error);
    }),
  );
}
