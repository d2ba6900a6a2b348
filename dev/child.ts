/** Server processes of the local stack: started in their own session, their output kept in a log file. */
import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";

const LOG_TAIL_CHARS = 2_000;

export type Command = {
  readonly path: string;
  readonly args: readonly string[];
  readonly logPath: string;
  readonly options?: SpawnOptions;
};

/** Starts a server. Its own session keeps the terminal's Ctrl-C away, so that the stack ends things in order. */
export function startServer({ path, args, logPath, options }: Command): ChildProcess {
  const log = openSync(logPath, "a");
  try {
    return spawn(path, args, { ...options, stdio: ["ignore", log, log], detached: true });
  } finally {
    closeSync(log);
  }
}

/** Runs a program to its end; a failure is thrown with the end of its output. */
export async function run(command: Command): Promise<void> {
  const child = startServer(command);
  const [code]: unknown[] = await once(child, "exit");
  if (code !== 0)
    throw new Error(`${command.path} failed (exit ${String(code)}):\n${logTail(command.logPath)}`);
}

export const isAlive = (child: ChildProcess | undefined): child is ChildProcess =>
  child?.pid !== undefined && child.exitCode === null && child.signalCode === null;

/** Signals a process and waits until it has gone; a process that has gone already is what was wanted. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!isAlive(child)) return;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}

export const logTail = (path: string): string => readFileSync(path, "utf8").slice(-LOG_TAIL_CHARS);
