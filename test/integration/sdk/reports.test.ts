/** What goes wrong in a real Postgres, as production's SDK reports it: the kind, and nothing of the values. */
import { neon, neonConfig, Pool } from "@neondatabase/serverless";
import pg from "pg";
import { afterAll, beforeAll, describe, it } from "vitest";
import { WebSocket } from "ws";
import { Firebreak, type Sql } from "../../../src/sdk/index.ts";
import type { ReportFlush } from "../../../src/traffic/traffic-api.ts";
import { startPostgresWithReplica, type PostgresWithReplica } from "../../support/servers.ts";

const SECRET = 471_147;
/** Of the role below; with them taken the next one is refused. */
const CONNECTIONS = 2;

let servers: PostgresWithReplica;
let sql: Sql;
let narrowUrl: string;
beforeAll(async () => {
  servers = await startPostgresWithReplica();
  neonConfig.fetchEndpoint = servers.fetchEndpoint;
  neonConfig.webSocketConstructor = WebSocket;
  neonConfig.useSecureWebSocket = false;
  neonConfig.wsProxy = () => servers.wsProxy;
  sql = neon(servers.postgres.url("postgres"));
  await sql.query("CREATE TABLE users (id int PRIMARY KEY)");
  await sql.query("CREATE TABLE payments (user_id int REFERENCES users (id))");
  await sql.query(`CREATE ROLE narrow LOGIN PASSWORD 'narrow' CONNECTION LIMIT ${CONNECTIONS}`);
  const url = new URL(servers.postgres.url("postgres"));
  url.username = "narrow";
  url.password = "narrow";
  narrowUrl = url.href;
});
afterAll(async () => {
  await servers?.[Symbol.asyncDispose]();
});

function production(primary: Sql = sql) {
  const flushes: ReportFlush[] = [];
  const left: Promise<unknown>[] = [];
  const firebreak = new Firebreak({
    policy: () => null,
    traffic: () => ({ report: async (flush) => void flushes.push(flush) }),
  });
  const waitUntil = (promise: Promise<unknown>): void => void left.push(promise);
  const db = firebreak.database(
    { primary, replica: null, store: null, namespace: "test" },
    { session: { key: "ada", wroteAtMs: null }, waitUntil },
  );
  return {
    firebreak,
    db,
    waitUntil,
    /** What was reported, once all of it is out. */
    reported: async () => {
      while (left.length > 0) await left.shift();
      const counts: Record<string, number> = {};
      for (const [kind, by] of flushes.flatMap(({ seconds }) =>
        seconds.flatMap((second) => Object.entries(second.counts)),
      )) {
        counts[kind] = (counts[kind] ?? 0) + by;
      }
      return { counts, text: JSON.stringify(flushes) };
    },
  };
}

describe("a query that fails is reported as what it was", () => {
  it("a reference to nobody, in a query and in a transaction", async ({ expect }) => {
    const { db, reported } = production();
    const insert = "INSERT INTO payments VALUES ($1)";
    await expect(db.query(insert, [SECRET])).rejects.toMatchObject({ code: "23503" });
    await expect(db.transaction((tx) => [tx.query(insert, [SECRET])])).rejects.toMatchObject({
      code: "23503",
    });
    const { counts, text } = await reported();
    expect(counts).toEqual({ "query.failed": 2, "query.foreign_key": 2 });
    expect(text).not.toContain(String(SECRET));
  });

  it("a limit of time that the database had, and one that production had", async ({ expect }) => {
    const { db, reported } = production();
    await expect(
      db.transaction((tx) => [
        tx.query("SELECT set_config('statement_timeout', '50', true)"),
        tx.query("SELECT pg_sleep(5)"),
      ]),
    ).rejects.toMatchObject({ code: "57014" });
    const hasty = neon(servers.postgres.url("postgres"), {
      fetchOptions: { signal: AbortSignal.timeout(50) },
    });
    const other = production(hasty);
    await expect(other.db.query("SELECT pg_sleep(5)")).rejects.toThrow();
    expect((await reported()).counts).toEqual({ "query.failed": 1, "query.timed_out": 1 });
    expect((await other.reported()).counts).toEqual({ "query.failed": 1, "query.timed_out": 1 });
  });

  it("connections that are all taken, at the server and in a pool", async ({ expect }) => {
    const taken = await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        const client = new pg.Client({ connectionString: narrowUrl });
        await client.connect();
        return client;
      }),
    );
    const { firebreak, waitUntil, reported } = production();
    const refused = new Pool({ connectionString: narrowUrl, max: 1 });
    const error: unknown = await refused.query("SELECT 1").catch((fault: unknown) => fault);
    firebreak.reportFailure(error, waitUntil);
    await refused.end();
    await Promise.all(taken.map((client) => client.end()));

    const pool = new Pool({
      connectionString: servers.postgres.url("postgres"),
      max: 1,
      connectionTimeoutMillis: 100,
    });
    const held = await pool.connect();
    const late: unknown = await pool.query("SELECT 1").catch((fault: unknown) => fault);
    firebreak.reportFailure(late, waitUntil);
    held.release();
    await pool.end();
    expect((await reported()).counts).toEqual({
      "query.failed": 2,
      "pool.exhausted": 1,
      "pool.timed_out": 1,
    });
  });

  it("nothing, where all goes well: only that somebody is there", async ({ expect }) => {
    const { db, reported } = production();
    await db.query("SELECT 1 AS one");
    const { counts, text } = await reported();
    expect(counts).toEqual({});
    expect(JSON.parse(text)).toMatchObject([{ n: 1, seconds: [] }]);
  });
});
