/** Notices that whoever started this program has gone without ending it. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 500;

/**
 * Resolves when the parent has ended, or, under `npm start`, npm itself, which stands behind a shell. A program that
 * leads its own session was detached on purpose and never sees it. Ends quietly with the signal.
 */
export async function parentGone(signal: AbortSignal): Promise<void> {
  if (sessionOf(process.pid) === process.pid) return new Promise(() => {});
  const before = ancestors();
  while (ancestors() === before) {
    await sleep(POLL_MS, undefined, { signal, ref: false }).catch(() => {});
    if (signal.aborted) return;
  }
}

function ancestors(): string {
  const parent = process.ppid;
  const isUnderNpm = process.env["npm_lifecycle_event"] !== undefined;
  return isUnderNpm ? `${parent} ${statOf(parent)?.ppid}` : String(parent);
}

const sessionOf = (pid: number): number | undefined => statOf(pid)?.session;

/** From `/proc/<pid>/stat`: after the name in parentheses come state, parent, group and session. */
function statOf(pid: number): { ppid: number; session: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { ppid: Number(fields[1]), session: Number(fields[3]) };
  } catch {
    return undefined; // It has gone.
  }
}
