/** The storefront's database: its schema and demo data, its owner, and the read-only role that watches it. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import pg from "pg";
import type { Postgres } from "./postgres.ts";

const DATABASE = "storefront";
/** Exactly what the statements of `playbooks/site.yaml` change, and read to find whom. */
const ACTS_MAY = [
  "SELECT, INSERT ON firebreak_acts",
  "SELECT (created_at, email, ip_address, success) ON auth_logs",
  "SELECT (id, email), UPDATE (force_password_reset) ON users",
  "SELECT (user_id, expires_at), UPDATE (expires_at) ON api_keys",
];

export type StorefrontDatabase = {
  /** The storefront's own role, which owns its tables. */
  readonly ownerUrl: string;
  /** Firebreak's role: reads statistics and tables, changes nothing. */
  readonly watcherUrl: string;
  /** Firebreak's role for what people agree to: what `site.yaml` declares, and nothing else. */
  readonly actsUrl: string;
};

/** Makes database and roles and loads `schema.sql` and `seed.sql` from `directory`. */
export async function createStorefrontDatabase(
  postgres: Postgres,
  directory: string,
): Promise<StorefrontDatabase> {
  const [ownerPassword, watcherPassword, actsPassword] = [1, 2, 3].map(newPassword);
  await withClient(postgres.url("postgres"), async (client) => {
    // Base64url passwords need no quoting, and CREATE takes no parameters.
    await client.query(`CREATE ROLE storefront LOGIN PASSWORD '${ownerPassword}'`);
    await client.query(`CREATE ROLE firebreak LOGIN PASSWORD '${watcherPassword}'`);
    await client.query(`CREATE ROLE firebreak_acts LOGIN PASSWORD '${actsPassword}'`);
    await client.query("ALTER ROLE firebreak SET default_transaction_read_only = on");
    await client.query("GRANT pg_monitor, pg_read_all_data, pg_signal_backend TO firebreak");
    await client.query(`CREATE DATABASE ${DATABASE} OWNER storefront`);
  });
  await withClient(postgres.url(DATABASE), async (client) => {
    // Trusted or not, their functions are for who has pg_monitor.
    await client.query("CREATE EXTENSION pg_stat_statements");
    await client.query("CREATE EXTENSION pgstattuple");
    // What recovery scripts read a branch by.
    await client.query("CREATE EXTENSION postgres_fdw");
    await client.query("GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO storefront");
  });
  const at = (user: string, password = "") =>
    `postgresql://${user}:${password}@localhost:${postgres.port}/${DATABASE}`;
  const ownerUrl = at("storefront", ownerPassword);
  await withClient(ownerUrl, async (client) => {
    for (const file of ["schema.sql", "seed.sql"]) {
      await client.query(await readFile(`${directory}/${file}`, "utf8"));
    }
  });
  await withClient(ownerUrl, async (client) => {
    for (const grant of ACTS_MAY) await client.query(`GRANT ${grant} TO firebreak_acts`);
  });
  return {
    ownerUrl,
    watcherUrl: at("firebreak", watcherPassword),
    actsUrl: at("firebreak_acts", actsPassword),
  };
}

/** The same role and database on another server. */
export function onPort(connectionString: string, port: number): string {
  const url = new URL(connectionString);
  url.port = String(port);
  return url.href;
}

/** The same role and database where Neon's proxy finds a server by its host. */
export function onHost(connectionString: string, host: string): string {
  const url = new URL(connectionString);
  url.host = host;
  url.port = "";
  return url.href;
}

const newPassword = (): string => randomBytes(18).toString("base64url");

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
