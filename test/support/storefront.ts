/** The storefront's database on a real Postgres, behind Neon's protocol, with clients that stay for one test. */
import { fileURLToPath } from "node:url";
import pg from "pg";
import { onTestFinished } from "vitest";
import {
  createStorefrontDatabase,
  type StorefrontDatabase,
} from "../../dev/storefront-database.ts";
import { createPostgres, type Postgres } from "../../src/platform/postgres.ts";
import { startPostgresBehindNeon, type PostgresBehindNeon } from "./servers.ts";

export const STOREFRONT_DIRECTORY = fileURLToPath(
  new URL("../../examples/storefront", import.meta.url),
);

export type Storefront = PostgresBehindNeon & {
  readonly database: StorefrontDatabase;
  /** Firebreak's own client, with the role that watches. */
  readonly watcher: Postgres;
};

export async function startStorefront(): Promise<Storefront> {
  const servers = await startPostgresBehindNeon();
  const database = await createStorefrontDatabase(servers.postgres, STOREFRONT_DIRECTORY);
  const watcher = createPostgres({
    connectionString: database.watcherUrl,
    fetchEndpoint: servers.fetchEndpoint,
  });
  return { ...servers, database, watcher };
}

/** A session of its own that ends with the test, however it is then; it shows under this application name. */
export async function aSession(url: string, applicationName = "shop"): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: applicationName,
    // The server notices that the test has gone, and ends the query with it.
    options: "-c client_connection_check_interval=50",
  });
  // Ended by the server is how some tests want it.
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** Starts a query that nobody waits for: it ends with its session. What became of it is its SQLSTATE, or null for well. */
export function running(client: pg.Client, text: string): Promise<string | null> {
  return client.query(text).then(
    () => null,
    (error: unknown) => (error instanceof pg.DatabaseError ? (error.code ?? "") : "connection"),
  );
}
