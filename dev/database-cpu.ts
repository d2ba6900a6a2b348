/** The job that a database has beside it: measures how busy its processes keep the machine, and tells Firebreak. */
import { readdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Cluster } from "./postgres.ts";

export const TELL_EVERY_MS = 5_000;
const TELL_WITHIN_MS = 4_000;
/** Linux counts a process's time in hundredths of a second, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/** As `playbooks/site.yaml` names it. */
const NAME = "database-cpu";

/** Tells it until disposed. While the server is down it says nothing: who is silent is late. */
export function tellDatabaseCpu(
  cluster: Pick<Cluster, "data">,
  { url, token }: { readonly url: string; readonly token: string },
): Disposable {
  let before: Reading | null = null;
  const tell = async (): Promise<void> => {
    const now = await readCpu(cluster);
    const value = before === null || now === null ? null : usedBetween(before, now);
    before = now;
    if (value === null) return;
    await fetch(`${url}/_firebreak/heartbeats/${NAME}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ value }),
      signal: AbortSignal.timeout(TELL_WITHIN_MS),
    });
  };
  const timer = setInterval(() => {
    tell().catch(() => {}); // The next one says it again; until then Firebreak waits.
  }, TELL_EVERY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

export type Reading = { readonly server: number; readonly seconds: number; readonly atMs: number };

/** CPU seconds of the server since it started; null when it is down, or where there is no `/proc`. */
export async function readCpu({ data }: Pick<Cluster, "data">): Promise<Reading | null> {
  try {
    const [first = ""] = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
    const server = Number(first);
    const stats = (await Promise.all((await pids()).map(readStat))).filter((stat) => stat !== null);
    const own = stats.find(({ pid }) => pid === server);
    if (own === undefined) return null;
    const living = stats.filter(({ parent }) => parent === server);
    const ticks = living.reduce((sum, stat) => sum + stat.ticks, own.ticks + own.endedTicks);
    return { server, seconds: ticks / TICKS_PER_SECOND, atMs: Date.now() };
  } catch {
    return null;
  }
}

/** Share of the machine's CPU between two readings of one server; null when it was started anew, or in no time at all. */
export function usedBetween(before: Reading, now: Reading): number | null {
  const elapsedSeconds = (now.atMs - before.atMs) / 1_000;
  if (before.server !== now.server || elapsedSeconds <= 0) return null;
  const share = (now.seconds - before.seconds) / elapsedSeconds / availableParallelism();
  return Math.min(1, Math.max(0, share));
}

const pids = async (): Promise<readonly string[]> =>
  (await readdir("/proc")).filter((name) => /^\d+$/.test(name));

type Stat = {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
  /** Of its children that have ended. */
  readonly endedTicks: number;
};

async function readStat(pid: string): Promise<Stat | null> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null); // It has just ended.
  if (text === null) return null;
  // The name may hold anything; what follows its last parenthesis is numbers: state, parent, …, utime, stime, cutime, cstime.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const at = (index: number): number => Number(fields[index] ?? 0);
  return { pid: Number(pid), parent: at(1), ticks: at(11) + at(12), endedTicks: at(13) + at(14) };
}
