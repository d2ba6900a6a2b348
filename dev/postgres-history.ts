/** The past of a running Postgres: real servers with its data as of a moment, from a base backup and the log that it keeps. */
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { choosePort } from "./loopback.ts";
import { backUp } from "./postgres-standby.ts";
import { giveToServer, runServer, SUPERUSER, type Cluster, type Postgres } from "./postgres.ts";

/** Servers that one history may run at a time: each is a copy of the data and a process tree. */
const SERVERS_MAX = 4;

export type PostgresHistory = AsyncDisposable & {
  /** A server of its own with the data as of then; null is now. It can be written to, and nobody else sees that. */
  readonly at: (ms: number | null) => Promise<Postgres>;
};

/** Begins with a backup; earlier than that, and longer ago than the server keeps its log (`wal_keep_size`), there is nothing. */
export async function keepHistory(primary: Postgres): Promise<PostgresHistory> {
  const { cluster, password } = primary;
  const base = join(cluster.directory, "history");
  await backUp(primary, base);
  const beganAtMs = Date.now();
  await using starting = new AsyncDisposableStack();
  const servers = starting.move();
  let started = 0;
  return {
    async at(ms) {
      if (ms !== null && ms < beganAtMs) throw new Error("that was before this history began");
      if (started === SERVERS_MAX) throw new Error(`a history runs ${SERVERS_MAX} servers at most`);
      started += 1;
      await closeTheMoment(primary);
      const port = await choosePort();
      const copy: Cluster = {
        ...cluster,
        data: join(cluster.directory, `history-${port}`),
        logPath: join(cluster.directory, `history-${port}.log`),
      };
      await cp(base, copy.data, { recursive: true });
      await writeFile(join(copy.data, "recovery.signal"), "");
      await giveToServer(copy.data, cluster.spawn);
      const settings = {
        restore_command: `cp "${join(cluster.data, "pg_wal")}/%f" "%p"`,
        ...(ms === null
          ? {}
          : {
              // A zone by its name is not known yet when this is read.
              recovery_target_time: new Date(ms).toISOString().replace("Z", "+00"),
              recovery_target_action: "promote",
            }),
        // Nobody is let in before it is where it should be.
        hot_standby: "off",
      };
      return servers.use(await runServer({ cluster: copy, port, password, settings }));
    },
    [Symbol.asyncDispose]: () => servers.disposeAsync(),
  };
}

/** Recovery stops at the first commit after the moment: there must be one. */
async function closeTheMoment(primary: Postgres): Promise<void> {
  const client = new pg.Client({ connectionString: primary.url(SUPERUSER) });
  await client.connect();
  try {
    await client.query("SELECT pg_current_xact_id()");
  } finally {
    await client.end();
  }
}
