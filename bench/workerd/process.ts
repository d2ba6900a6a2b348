/** One bare workerd: started from a configuration, pinned to a core where one is named, its CPU time read from /proc. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { z } from "zod";
import { endProcess } from "../../dev/child.ts";
import { assert } from "../../src/shared/assert.ts";
import { configText, STORAGE, type Extension, type Service, type Socket } from "./config.ts";

export type Workerd = AsyncDisposable & {
  /** By the socket's name. */
  readonly port: (socket: string) => number;
  /** Where its inspector listens. */
  readonly inspectorPort: number;
  /** Of all its threads since it began, microseconds. */
  readonly cpuUs: () => number;
  /** Resident set, bytes. */
  readonly memoryBytes: () => number;
};

export type WorkerdOptions = {
  readonly name: string;
  /** Where bundles are; the configuration and storage go there too. */
  readonly directory: string;
  readonly services: readonly Service[];
  readonly sockets: readonly Socket[];
  readonly extensions?: readonly Extension[];
  /** Null: wherever the machine puts it. */
  readonly core: number | null;
};

const PROGRAM = createRequire(import.meta.url).resolve("workerd/bin/workerd");
const READY_MS_MAX = 30_000;
/** Where it says which ports it has. */
const CONTROL_FD = 3;
const SAID_CHARS_MAX = 4_000;

/** Starts it and waits until all its sockets listen. @throws {Error} with what it wrote. */
export async function startWorkerd(options: WorkerdOptions): Promise<Workerd> {
  const { name, directory, services, sockets, core, extensions = [] } = options;
  const storage = join(directory, name);
  mkdirSync(storage, { recursive: true });
  const config = join(directory, `${name}.capnp`);
  writeFileSync(config, configText(services, sockets, extensions));
  const [path, ...args] = [
    ...(core === null ? [] : ["taskset", "-c", String(core)]),
    PROGRAM,
    "serve",
    ...(services.some(isExperimental) ? ["--experimental"] : []),
    `--control-fd=${CONTROL_FD}`,
    "--inspector-addr=127.0.0.1:0",
    `--directory-path=${STORAGE}=${storage}`,
    config,
  ];
  const child = spawn(path, args, { cwd: directory, stdio: ["ignore", "ignore", "pipe", "pipe"] });
  // However this process ends, short of SIGKILL: nothing of ours stays.
  const end = (): boolean => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.removeListener("exit", end));
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-SAID_CHARS_MAX);
  });
  try {
    const ports = await listening(child, sockets.length);
    const { pid = 0 } = child;
    return {
      port: (socket) => ports.get(socket) ?? 0,
      inspectorPort: ports.get(INSPECTOR) ?? 0,
      cpuUs: () => cpuUsOf(pid),
      memoryBytes: () => memoryBytesOf(pid),
      [Symbol.asyncDispose]: () => endProcess(child, "SIGKILL"),
    };
  } catch (fault) {
    await endProcess(child, "SIGKILL");
    throw new Error(`workerd ${name} did not start: ${said}`, { cause: fault });
  }
}

const isExperimental = ({ of }: Service): boolean =>
  of.kind === "worker" && (of.flags ?? []).length > 0;

const INSPECTOR = "(inspector)";
const listened = z.object({ socket: z.string().default(INSPECTOR), port: z.int() });

async function listening(child: ChildProcess, count: number): Promise<ReadonlyMap<string, number>> {
  const ports = new Map<string, number>();
  const control = child.stdio[CONTROL_FD];
  assert(control instanceof Readable, "the control pipe is read");
  const timer = setTimeout(() => control.destroy(), READY_MS_MAX);
  for await (const line of createInterface({ input: control })) {
    const { socket, port } = listened.parse(JSON.parse(line));
    ports.set(socket, port);
    if (ports.size === count + 1) break;
  }
  clearTimeout(timer);
  assert(ports.size === count + 1, `${ports.size} of ${count + 1} sockets listen`);
  return ports;
}

/** In nanoseconds per thread, where `/proc/<pid>/stat` has hundredths of a second. */
function cpuUsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const ns = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
  );
  return ns.reduce((sum, one) => sum + one, 0) / 1_000;
}

function memoryBytesOf(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1]) * 1_024;
}
