/** The program that `warden.ts` starts: `node warden-process.ts <mark> <directory>`. Its work begins when stdin ends. */
import { readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const GRACE_MS = 5_000;
const POLL_MS = 50;
const INPUT_CHARS_MAX = 64;

const [mark = "", directory = ""] = process.argv.slice(2);
if (mark === "" || directory === "") throw new Error("usage: warden-process.ts <mark> <directory>");

let input = "";
for await (const chunk of process.stdin) input = `${input}${chunk}`.slice(-INPUT_CHARS_MAX);
// "done" means that the stack has ended its own processes; other stacks of the same parent may still run.
if (!input.endsWith("done\n")) await endMarked();
rmSync(directory, { recursive: true, force: true, maxRetries: 5 });

/** Interrupts everything that carries the mark (Postgres then shuts down fast and tidily), and kills what stays. */
async function endMarked(): Promise<void> {
  signal(marked(), "SIGINT");
  for (let waitedMs = 0; waitedMs < GRACE_MS && marked().length > 0; waitedMs += POLL_MS) {
    await sleep(POLL_MS);
  }
  signal(marked(), "SIGKILL");
}

/** Servers that rename themselves overwrite their environment in /proc, but they all work in the folder. */
function marked(): readonly number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && (hasMark(pid) || worksInside(pid)));
}

function hasMark(pid: number): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return environment.includes(`FIREBREAK_STACK_MARK=${mark}`);
  } catch {
    return false; // The process has gone, or is not ours to read.
  }
}

function worksInside(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${directory}/`);
  } catch {
    return false; // As above.
  }
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It ended by itself between the listing and now.
    }
  }
}
