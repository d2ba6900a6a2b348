/** A server of its own with the data that a running Postgres has now: what a backup becomes once it is restored beside production. */
import pg from "pg";
import { startStandby } from "./postgres-standby.ts";
import { SUPERUSER, type Postgres } from "./postgres.ts";

const PROMOTE_SECONDS_MAX = 20;

/** Resolves when it takes connections and follows nobody any more. */
export async function startCopy(primary: Postgres): Promise<Postgres> {
  const copy = await startStandby(primary);
  const client = new pg.Client({ connectionString: copy.url(SUPERUSER) });
  try {
    await client.connect();
    await client.query(`SELECT pg_promote(true, ${PROMOTE_SECONDS_MAX})`);
    return copy;
  } catch (error) {
    await copy[Symbol.asyncDispose]();
    throw error;
  } finally {
    await client.end();
  }
}
