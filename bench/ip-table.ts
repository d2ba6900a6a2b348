/** What a table costs: to parse its networks, to compile them, and for an isolate to take it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseCidr } from "../src/guard/ip/cidr.ts";
import { readIpSet } from "../src/guard/ip/read-ip-set.ts";
import { compileNetworks, type NetworkEntry } from "../src/policy/networks.ts";
import { spreadOf, wallMsOf, type Spread } from "./measure.ts";

export type TableCosts = {
  readonly networks: number;
  readonly bytes: number;
  readonly parseMs: Spread;
  readonly compileMs: Spread;
  /** In a process that has just started, as an object of the control side that was evicted. */
  readonly coldCompileMs: Spread;
  /** With the checksum. */
  readonly readMs: Spread;
  /** In a process that has just started and never read a table, as a fresh isolate. */
  readonly coldReadMs: Spread;
  /** The same where the sha256 has been compared, so that the checksum is not. */
  readonly coldReadKnownMs: Spread;
};

export function tableCosts(family: 4 | 6, networks: readonly string[], rounds: number): TableCosts {
  const blob = compiledTable(networks);
  const entries = entriesOf(networks);
  const cold = coldCosts(family, networks.length, rounds);
  const timed = (work: () => unknown): Spread =>
    spreadOf(Array.from({ length: rounds }, () => wallMsOf(work)));
  return {
    networks: networks.length,
    bytes: blob.byteLength,
    parseMs: timed(() => entriesOf(networks)),
    compileMs: timed(() => compileNetworks({ entries, nowMs: NOW_MS })),
    coldCompileMs: spreadOf(cold.map(({ compileMs }) => compileMs)),
    readMs: timed(() => readIpSet(blob)),
    coldReadMs: spreadOf(cold.map(({ readMs }) => readMs)),
    coldReadKnownMs: spreadOf(cold.map(({ readKnownMs }) => readKnownMs)),
  };
}

const NOW_MS = 1_000;

export const entriesOf = (
  networks: readonly string[],
  entryId = "lse_1",
): readonly NetworkEntry[] =>
  networks.map((text) => {
    const network = parseCidr(text);
    if (!network.ok) throw new Error(`${text} ${network.error}`);
    return { network: network.value, entryId, action: "block", expiresAtMs: 2 * NOW_MS };
  });

export function compiledTable(networks: readonly string[]): ArrayBuffer {
  return compiledEntries(entriesOf(networks));
}

export function compiledEntries(entries: readonly NetworkEntry[]): ArrayBuffer {
  const blob = compileNetworks({ entries, nowMs: NOW_MS });
  if (!blob.ok) throw new Error(blob.error);
  return blob.value;
}

type Cold = {
  readonly compileMs: number;
  readonly readMs: number;
  readonly readKnownMs: number;
};

function coldCosts(family: 4 | 6, count: number, starts: number): readonly Cold[] {
  const directory = mkdtempSync(join(tmpdir(), "firebreak-bench-"));
  const file = join(directory, "table");
  try {
    return Array.from({ length: starts }, () => ({
      compileMs: inFreshProcess("compile", String(family), String(count), file),
      readMs: inFreshProcess("read", file),
      readKnownMs: inFreshProcess("read-known", file),
    }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const COLD = fileURLToPath(new URL("ip-cold.ts", import.meta.url));

function inFreshProcess(...args: readonly string[]): number {
  const { stdout, stderr, status } = spawnSync(process.execPath, [COLD, ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${COLD}: ${stderr}`);
  return Number(stdout);
}
