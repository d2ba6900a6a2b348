import { neon, neonConfig, NeonDbError, Pool } from "@neondatabase/serverless";
import { afterAll, beforeAll, describe, it } from "vitest";
import { WebSocket } from "ws";
import { startPostgresBehindNeon, type PostgresBehindNeon } from "../../support/servers.ts";

let servers: PostgresBehindNeon;
beforeAll(async () => {
  servers = await startPostgresBehindNeon();
  neonConfig.fetchEndpoint = servers.fetchEndpoint;
  neonConfig.webSocketConstructor = WebSocket;
  neonConfig.useSecureWebSocket = false;
  neonConfig.wsProxy = () => servers.wsProxy;
});
afterAll(async () => servers?.[Symbol.asyncDispose]());

const connection = () => servers.postgres.url("postgres");
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("the Neon driver over HTTP", () => {
  it("reads every type as it does from Neon", async ({ expect }) => {
    const sql = neon(connection());
    const [row] = await sql`
      SELECT ${1}::int AS int, ${"9007199254740993"}::bigint AS bigint, ${"1.50"}::numeric AS numeric,
        ${true}::bool AS bool, ${null}::text AS nothing, ${"naïve 🔥"} AS text, ${[1, 2]}::int[] AS list,
        ${JSON.stringify({ a: [1] })}::jsonb AS json, '2026-11-23T06:40:00Z'::timestamptz AS at,
        ${Buffer.from([0, 255])}::bytea AS bytes`;
    expect(row).toEqual({
      int: 1,
      bigint: "9007199254740993",
      numeric: "1.50",
      bool: true,
      nothing: null,
      text: "naïve 🔥",
      list: [1, 2],
      json: { a: [1] },
      at: new Date("2026-11-23T06:40:00Z"),
      bytes: Buffer.from([0, 255]),
    });
  });

  it("reaches a compute by its host name, from when it runs until it is gone", async ({
    expect,
  }) => {
    const host = "ep-branch.eu-central-1.aws.neon.tech";
    const url = new URL(connection());
    url.host = host;
    url.port = "";
    const sql = neon(url.href);
    await expect(sql`SELECT 1 AS up`).rejects.toThrow(/endpoint could not be found/);
    servers.computes.set(host, servers.postgres.port);
    await expect(sql`SELECT 1 AS up`).resolves.toEqual([{ up: 1 }]);
    servers.computes.delete(host);
    await expect(sql`SELECT 1 AS up`).rejects.toThrow(/endpoint could not be found/);
  });

  it("gives command, count and fields when the full result is asked for", async ({ expect }) => {
    const sql = neon(connection(), { fullResults: true });
    await sql`CREATE TABLE IF NOT EXISTS counted (id int)`;
    const result = await sql`INSERT INTO counted VALUES (1), (2) RETURNING id`;
    expect(result).toMatchObject({
      command: "INSERT",
      rowCount: 2,
      rows: [{ id: 1 }, { id: 2 }],
      fields: [{ name: "id", dataTypeID: 23 }],
    });
  });

  it("passes on every field of an error", async ({ expect }) => {
    const sql = neon(connection());
    await sql`CREATE TABLE IF NOT EXISTS named (name text CONSTRAINT is_named UNIQUE)`;
    await sql`INSERT INTO named VALUES ('a') ON CONFLICT DO NOTHING`;
    const error = await failureOf(sql`INSERT INTO named VALUES ('a')`.then());
    expect(error).toBeInstanceOf(NeonDbError);
    expect(error).toMatchObject({
      code: "23505",
      severity: "ERROR",
      detail: "Key (name)=(a) already exists.",
      schema: "public",
      table: "named",
      constraint: "is_named",
    });
  });

  it("points at the place of a syntax error", async ({ expect }) => {
    const error = await failureOf(neon(connection()).query("SELECT * FORM t"));
    expect(error).toMatchObject({ code: "42601", position: "10", routine: "scanner_yyerror" });
  });

  it("refuses two statements in one text, as Neon does", async ({ expect }) => {
    const error = await failureOf(neon(connection()).query("SELECT 1; SELECT 2"));
    expect(error).toMatchObject({ code: "42601" });
  });

  it("commits a transaction as a whole or not at all", async ({ expect }) => {
    const sql = neon(connection());
    await sql`CREATE TABLE IF NOT EXISTS balanced (n int CHECK (n > 0))`;
    const [, second] = await sql.transaction([
      sql`INSERT INTO balanced VALUES (1)`,
      sql`SELECT count(*)::int AS n FROM balanced`,
    ]);
    expect(second).toEqual([{ n: 1 }]);

    const failed = sql.transaction([
      sql`INSERT INTO balanced VALUES (2)`,
      sql`INSERT INTO balanced VALUES (-1)`,
    ]);
    expect(await failureOf(failed)).toMatchObject({ code: "23514" });
    expect(await sql`SELECT n FROM balanced`).toEqual([{ n: 1 }]);
  });

  it("cancels the query of a caller that hangs up", async ({ expect }) => {
    const sql = neon(connection());
    const isRunning = async () => {
      const rows = await sql`SELECT 1 FROM pg_stat_activity
        WHERE query = 'SELECT pg_sleep(59)' AND state = 'active'`;
      return rows.length === 1;
    };
    const hangUp = new AbortController();
    const impatient = neon(connection(), { fetchOptions: { signal: hangUp.signal } });
    const failure = failureOf(impatient`SELECT pg_sleep(59)`.then());
    await expect.poll(isRunning).toBe(true);
    hangUp.abort();
    expect(await failure).toBeInstanceOf(NeonDbError);
    await expect.poll(isRunning).toBe(false);
  });

  it("begins the transaction as its options say", async ({ expect }) => {
    const sql = neon(connection());
    const options = { isolationLevel: "Serializable", readOnly: true, deferrable: true } as const;
    const results = await sql.transaction(
      [
        sql`SELECT current_setting('transaction_isolation') AS isolation,
          current_setting('transaction_read_only') AS read_only,
          current_setting('transaction_deferrable') AS deferrable`,
      ],
      options,
    );
    expect(results).toEqual([[{ isolation: "serializable", read_only: "on", deferrable: "on" }]]);
    const write = sql.transaction([sql`CREATE TABLE never (id int)`], options);
    expect(await failureOf(write)).toMatchObject({ code: "25006" });
  });
});

describe("what Neon refuses", () => {
  const post = (headers: Record<string, string>, body: string) =>
    fetch(servers.fetchEndpoint, {
      method: "POST",
      body,
      headers: {
        "Neon-Connection-String": connection(),
        "Neon-Raw-Text-Output": "true",
        "Neon-Array-Mode": "true",
        ...headers,
      },
    });
  const select = JSON.stringify({ query: "SELECT 1", params: [] });

  const refusals: readonly [what: string, Record<string, string>, string, number, RegExp][] = [
    ["no connection string", { "Neon-Connection-String": "" }, select, 400, /connection string/],
    [
      "an address instead of a host name",
      { "Neon-Connection-String": "postgres://u:p@127.0.0.1/db" },
      select,
      400,
      /missing hostname/,
    ],
    [
      "another endpoint",
      { "Neon-Connection-String": "postgres://u:p@ep-other.neon.tech/db" },
      select,
      400,
      /endpoint could not be found/,
    ],
    [
      "no password",
      { "Neon-Connection-String": "postgres://u@localhost/db" },
      select,
      400,
      /required password/,
    ],
    ["another output format", { "Neon-Raw-Text-Output": "false" }, select, 400, /invalid header/],
    ["an unknown isolation level", { "Neon-Batch-Isolation-Level": "Chaos" }, select, 400, /isol/],
    ["a body that is not JSON", {}, "SELECT 1", 400, /could not parse/],
    ["a parameter that is no text", {}, '{"query":"SELECT $1","params":[{}]}', 400, /could not/],
    ["a body without bounds", {}, "x".repeat(11 * 1024 * 1024), 413, /too large/],
  ];
  for (const [what, headers, body, status, message] of refusals) {
    it(`refuses ${what}`, async ({ expect }) => {
      const response = await post(headers, body);
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ message: expect.stringMatching(message) });
    });
  }

  it("refuses a wrong password with Postgres's words", async ({ expect }) => {
    const url = new URL(connection());
    url.password = "wrong";
    const error = await failureOf(neon(url.href)`SELECT 1`.then());
    expect(error).toMatchObject({
      message: 'password authentication failed for user "postgres"',
    });
  });

  it("answers 507 to a result that is too large, and works on", async ({ expect }) => {
    const sql = neon(connection());
    const error = await failureOf(sql`SELECT repeat('x', 11000000)`.then());
    expect(error).toMatchObject({ message: expect.stringContaining("HTTP status 507") });
    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }]);
  });
});

describe("the Neon driver's Pool over WebSocket", () => {
  it("holds one session through a transaction", async ({ expect }) => {
    const pool = new Pool({ connectionString: connection() });
    const client = await pool.connect();
    await client.query("BEGIN");
    await client.query("CREATE TEMPORARY TABLE mine (n int) ON COMMIT DROP");
    await client.query("INSERT INTO mine SELECT generate_series(1, $1::int)", [20_000]);
    const { rows } = await client.query("SELECT count(*)::int AS n, sum(n)::int AS sum FROM mine");
    await client.query("COMMIT");
    client.release();
    await pool.end();
    expect(rows).toEqual([{ n: 20_000, sum: 200_010_000 }]);
  });

  it("serves nothing beside /v2", async ({ expect }) => {
    const socket = new WebSocket(`ws://${servers.wsProxy.replace("/v2", "/v1")}`);
    const error = await new Promise((resolve) => socket.once("error", resolve));
    expect(String(error)).toContain("404");
  });
});

// Last, as it stops the server that the others use.
describe("a Postgres that is stopped", () => {
  it("answers at once as an unreachable compute, and is whole after the start", async ({
    expect,
  }) => {
    const sql = neon(connection());
    await sql`CREATE TABLE kept (n int)`;
    await sql`INSERT INTO kept VALUES (1)`;
    const sleeping = failureOf(sql`SELECT pg_sleep(60)`.then());
    const isAsleep = async () => {
      const rows = await sql`SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'`;
      return rows.length === 1;
    };
    await expect.poll(isAsleep).toBe(true);

    await servers.postgres.stop();
    expect(servers.postgres.isRunning).toBe(false);
    // What was under way was lost with the connection.
    expect(await sleeping).toBeInstanceOf(NeonDbError);
    const overHttp = await failureOf(sql`SELECT 1`.then());
    expect(overHttp).toMatchObject({
      message: expect.stringMatching(/HTTP status 500.*Couldn't connect to compute node/),
    });
    const pool = new Pool({ connectionString: connection() });
    const overWebSocket = await failureOf(pool.query("SELECT 1"));
    expect(overWebSocket).toMatchObject({ message: "Couldn't connect to compute node" });
    await pool.end();

    await servers.postgres.start();
    expect(await sql`SELECT n FROM kept`).toEqual([{ n: 1 }]);
  });
});
