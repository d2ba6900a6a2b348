/** A real streaming replica beside a running Postgres, made from a base backup of it. It serves reads and refuses writes. */
import { cp, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import pg from "pg";
import { z } from "zod";
import { choosePort, LOOPBACK } from "./loopback.ts";
import { giveToServer, runServer, SUPERUSER, type Cluster, type Postgres } from "./postgres.ts";

const labelRow = z.object({ labelfile: z.string() });

/** Copies the primary while it runs, and follows it from there; resolves when it serves reads. */
export async function startStandby(
  primary: Postgres,
  options: { readonly port?: number | undefined } = {},
): Promise<Postgres> {
  const port = await choosePort(options.port);
  const { cluster, password } = primary;
  const copy: Cluster = {
    ...cluster,
    data: join(cluster.directory, `standby-${port}`),
    logPath: join(cluster.directory, `standby-${port}.log`),
  };
  await backUp(primary, copy.data);
  await writeFile(join(copy.data, "standby.signal"), "");
  await giveToServer(copy.data, cluster.spawn);
  const source = `host=${LOOPBACK} port=${primary.port} user=${SUPERUSER} password=${password}`;
  return runServer({ cluster: copy, port, password, settings: { primary_conninfo: source } });
}

/** They say that a server runs on this folder. */
const NOT_COPIED = new Set(["postmaster.pid", "postmaster.opts"]);

/** The low-level backup: the server is told before and after, and what it says then goes beside the copy. */
export async function backUp(primary: Postgres, directory: string): Promise<void> {
  const client = new pg.Client({ connectionString: primary.url(SUPERUSER) });
  await client.connect();
  try {
    await client.query("SELECT pg_backup_start('copy', true)");
    await cp(primary.cluster.data, directory, {
      recursive: true,
      filter: (path) => !NOT_COPIED.has(basename(path)),
    });
    const stopped = await client.query("SELECT labelfile FROM pg_backup_stop(false)");
    const { labelfile } = labelRow.parse(stopped.rows[0]);
    await writeFile(join(directory, "backup_label"), labelfile);
  } finally {
    await client.end();
  }
}
