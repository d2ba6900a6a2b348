/**
 * A small process that outlives this one by a moment. However this process ends, even by SIGKILL, the warden ends what
 * was started under its mark and removes the folders that it was told about.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { accessSync, chmodSync, constants, mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Children inherit it, and the warden finds them by it; one value for the life of this process. */
export const MARK_VARIABLE = "FIREBREAK_STACK_MARK";
const mark = randomUUID();

export type Warden = AsyncDisposable & {
  /** A new folder that other users may pass through but not list; it is removed when the warden ends. */
  readonly directory: string;
};

/** Starts the warden of one stack. Disposing it removes the folder and waits until the warden has gone. */
export function startWarden(): Warden {
  process.env[MARK_VARIABLE] = mark;
  const directory = mkdtempSync(join(temporaryRoot(), "firebreak-"));
  chmodSync(directory, 0o711);
  const warden = spawn(
    process.execPath,
    [fileURLToPath(new URL("warden-process.ts", import.meta.url)), mark, directory],
    // Its own session: the terminal's Ctrl-C must not reach it. Its own environment: it must not end itself.
    { stdio: ["pipe", "ignore", "ignore"], detached: true, env: {} },
  );
  warden.unref();
  // A warden that died early is noticed at disposal; until then its closed pipe is no reason to fail.
  warden.stdin.on("error", () => {});
  const gone = once(warden, "exit");
  return {
    directory,
    async [Symbol.asyncDispose]() {
      warden.ref();
      warden.stdin.end("done\n");
      await gone;
    },
  };
}

/**
 * The first temporary folder that every user may pass through. As root, Postgres runs as another user, and `TMPDIR`
 * may well be private.
 */
function temporaryRoot(): string {
  if (process.getuid?.() !== 0) return tmpdir();
  const root = [tmpdir(), "/tmp", "/var/tmp", "/dev/shm"].find(isTraversableByAll);
  if (root === undefined) throw new Error("found no temporary folder that other users may enter");
  return root;
}

function isTraversableByAll(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    for (let at = path; ; at = dirname(at)) {
      if ((statSync(at).mode & 0o001) === 0) return false;
      if (at === dirname(at)) return true;
    }
  } catch {
    return false; // A folder that cannot be read is simply not a candidate.
  }
}
