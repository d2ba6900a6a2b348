/** The jobs beside production's processes: each measures how busy they keep the machine, and tells Firebreak. */
import { readdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Cluster } from "./postgres.ts";

export const TELL_EVERY_MS = 5_000;
const TELL_WITHIN_MS = 4_000;
/** Linux counts a process's time in hundredths of a second, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/** Whose CPU a job measures: the first process of a server, among those that run; null while it is down. */
type Find = (running: readonly Stat[]) => Promise<Stat | null>;

/** Postgres, by the note that it keeps beside its data. */
export const databaseServer =
  ({ data }: Pick<Cluster, "data">): Find =>
  async (running) => {
    const [first = ""] = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
    return running.find(({ pid }) => pid === Number(first)) ?? null;
  };

/** What runs the Workers: the storefront, and in one process with it everything before it, as an isolate would. */
export const workersRuntime: Find = async (running) =>
  running.find(({ parent, name }) => parent === process.pid && name === "workerd") ?? null;

/** Tells it until disposed. While the server is down it says nothing: who is silent is late. */
export function tellCpu(
  job: { /** As `playbooks/site.yaml` names it. */ readonly name: string; readonly find: Find },
  { url, token }: { readonly url: string; readonly token: string },
): Disposable {
  let before: Reading | null = null;
  const tell = async (): Promise<void> => {
    const now = await readCpu(job.find);
    const value = before === null || now === null ? null : usedBetween(before, now);
    before = now;
    if (value === null) return;
    await fetch(`${url}/_firebreak/heartbeats/${job.name}`, {
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

/** CPU seconds of the server and its children since it started; null when it is down, or where there is no `/proc`. */
export async function readCpu(find: Find): Promise<Reading | null> {
  try {
    const running = (await Promise.all((await pids()).map(readStat))).filter((one) => one !== null);
    const server = await find(running);
    if (server === null) return null;
    const living = running.filter(({ parent }) => parent === server.pid);
    const ticks = living.reduce((sum, one) => sum + one.ticks, server.ticks + server.endedTicks);
    return { server: server.pid, seconds: ticks / TICKS_PER_SECOND, atMs: Date.now() };
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
  readonly name: string;
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
  return {
    pid: Number(pid),
    parent: at(1),
    name: text.slice(text.indexOf("(") + 1, text.lastIndexOf(")")),
    ticks: at(11) + at(12),
    endedTicks: at(13) + at(14),
  };
}
