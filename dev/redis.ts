/** The Redis of the local stack: the machine's own `redis-server`, or, where there is none, a stand-in in memory. */
import type { ChildProcess } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis as RedisClient } from "ioredis";
import { endProcess, isAlive, logTail, startServer } from "./child.ts";
import { choosePort, LOOPBACK } from "./loopback.ts";
import { RedisUnreachable, toReply, type Reply } from "./redis-reply.ts";
import { startRedisStandIn } from "./redis-stand-in.ts";

const READY_WITHIN_MS = 10_000;
const READY_POLL_MS = 20;
const RECONNECT_MS = 50;
const COMMAND_TIMEOUT_MS = 5_000;

export type CommandLine = readonly [name: string, ...args: string[]];
/** What became of one command of several; an `Error` is the reply `-ERR …`. */
export type Outcome = Reply | Error;

export type Redis = AsyncDisposable & {
  readonly kind: "redis-server" | "stand-in";
  /** Where `redis-cli` finds it; the stand-in has no port. */
  readonly url?: string;
  readonly isRunning: boolean;
  /** Runs one command. @throws {RedisUnreachable}, or {Error} with what Redis answered. */
  readonly command: (line: CommandLine) => Promise<Reply>;
  /** Runs commands as MULTI … EXEC. @throws the same, for the transaction as a whole. */
  readonly transaction: (lines: readonly CommandLine[]) => Promise<readonly Outcome[]>;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

export type RedisOptions = {
  readonly directory: string;
  readonly port?: number | undefined;
  /** Told, in capitals, when the stand-in takes the place of a real server. */
  readonly warn: (message: string) => void;
};

/** Starts the machine's `redis-server` if it is on PATH, else the stand-in, loudly. */
export async function startRedis(options: RedisOptions): Promise<Redis> {
  const program = findOnPath("redis-server");
  if (program !== undefined) return startRedisServer(program, options);
  options.warn(
    "NO redis-server ON THIS MACHINE: an in-memory stand-in takes its place. It knows common commands only.",
  );
  return startRedisStandIn();
}

/** The full path of a program on PATH, or undefined. */
export function findOnPath(program: string): string | undefined {
  const candidates = (process.env["PATH"] ?? "").split(delimiter).map((dir) => join(dir, program));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function startRedisServer(program: string, options: RedisOptions): Promise<Redis> {
  const port = await choosePort(options.port);
  const directory = join(options.directory, "redis");
  await mkdir(directory, { mode: 0o700 });
  const logPath = join(directory, "redis.log");
  const client = new RedisClient({
    host: LOOPBACK,
    port,
    lazyConnect: true,
    // A command that meets a dead server fails at once; the client reconnects by itself when it is back.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: () => RECONNECT_MS,
  });
  client.on("error", () => {}); // Every command reports it to whom it concerns.
  let server: ChildProcess | undefined;
  const start = async () => {
    if (isAlive(server)) return;
    server = startServer({
      path: program,
      args: serverArgs(port, directory),
      logPath,
      options: { cwd: directory },
    });
    await untilReady(client, logPath);
  };
  const redis: Redis = {
    kind: "redis-server",
    url: `redis://${LOOPBACK}:${port}`,
    get isRunning() {
      return isAlive(server);
    },
    command: async ([name, ...args]) =>
      toReply(await asRedis(() => client.callBuffer(name, ...args))),
    transaction: (lines) => runTransaction(client, lines),
    start,
    async stop() {
      if (server === undefined) return;
      await endProcess(server, "SIGKILL");
      // The next start asks the client whether it is connected, so it must have noticed.
      while (client.status === "ready") await sleep(READY_POLL_MS);
    },
    async [Symbol.asyncDispose]() {
      client.disconnect();
      if (server !== undefined) await endProcess(server, "SIGTERM");
    },
  };
  try {
    await start();
  } catch (error) {
    await redis[Symbol.asyncDispose]();
    throw error;
  }
  return redis;
}

/** An append-only file, so that what was acknowledged survives a stop, as it does at Upstash. */
const serverArgs = (port: number, directory: string): readonly string[] =>
  `--port ${port} --bind ${LOOPBACK} --appendonly yes --appendfsync always`
    .split(" ")
    .concat("--save", "", "--dir", directory);

/** Tells Redis's own refusals from everything that happens when there is no server to refuse. */
async function asRedis<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && error.name === "ReplyError") throw error;
    throw new RedisUnreachable();
  }
}

async function runTransaction(
  client: RedisClient,
  lines: readonly CommandLine[],
): Promise<readonly Outcome[]> {
  const chain = client.multi();
  for (const [name, ...args] of lines) chain.callBuffer(name, ...args);
  const outcomes = await asRedis(() => chain.exec());
  if (outcomes === null) throw new Error("EXECABORT Transaction discarded");
  return outcomes.map(([error, reply]) => error ?? toReply(reply));
}

/** The client's own reconnecting finds the server; this waits for it. */
async function untilReady(client: RedisClient, logPath: string): Promise<void> {
  if (client.status === "wait") client.connect().catch(() => {});
  const deadlineMs = Date.now() + READY_WITHIN_MS;
  while (client.status !== "ready") {
    if (Date.now() > deadlineMs) {
      throw new Error(`redis-server did not answer:\n${logTail(logPath)}`);
    }
    await sleep(READY_POLL_MS);
  }
}
