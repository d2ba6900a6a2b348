/** The same query on a real primary and its real replica: what is behind is no inconsistency, what is different is one. */
import pg from "pg";
import { afterAll, beforeAll, it, onTestFinished, vi } from "vitest";
import { integrityCheck } from "../../../src/integrity/check.ts";
import { createPostgres, type Postgres } from "../../../src/platform/postgres.ts";
import { runCheck, type Databases } from "../../../src/signals/run-check.ts";
import { integrity } from "../../../src/signals/sources/integrity.ts";
import { startPostgresWithReplica, type PostgresWithReplica } from "../../support/servers.ts";
import { aPoll } from "../../support/signals.ts";

let servers: PostgresWithReplica;
let primary: pg.Client;
let standby: pg.Client;
let databases: Databases & { readonly replica: Postgres };
beforeAll(async () => {
  servers = await startPostgresWithReplica();
  const [here, there] = [servers.postgres.url("postgres"), servers.replica.url("postgres")];
  primary = new pg.Client({ connectionString: here });
  standby = new pg.Client({ connectionString: there });
  await Promise.all([primary.connect(), standby.connect()]);
  await primary.query("CREATE TABLE prices (id int PRIMARY KEY, cents int, lasts interval)");
  await primary.query(
    "INSERT INTO prices SELECT n, n * 100, '1 day 2 hours' FROM generate_series(1, 50) n",
  );
  const { fetchEndpoint } = servers;
  databases = {
    postgres: createPostgres({ connectionString: here, fetchEndpoint }),
    replica: createPostgres({ connectionString: there, fetchEndpoint }),
  };
});
afterAll(async () => {
  await primary?.end();
  await standby?.end();
  await servers?.[Symbol.asyncDispose]();
});

const CHECK = integrityCheck.parse({
  kind: "replica",
  id: "prices-agree",
  sql: "SELECT * FROM prices",
});
const run = (over: Partial<Databases> = {}, check = CHECK) =>
  runCheck(check, { ...databases, ...over }, AbortSignal.timeout(10_000));

/** Resolves when the replica has replayed what the primary has written. */
async function replayed(): Promise<void> {
  const { rows } = await primary.query<{ lsn: string }>("SELECT pg_current_wal_lsn()::text AS lsn");
  for (;;) {
    const there = await standby.query<{ done: boolean }>(
      "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS done",
      [rows[0]?.lsn],
    );
    if (there.rows[0]?.done === true) return;
  }
}

it("agrees when both say the same, in whatever order", async ({ expect }) => {
  await replayed();
  expect(await run()).toMatchObject({ ok: true, value: { broken: 0 } });
});

it("says nothing of a replica that is behind, and agrees when it has caught up", async ({
  expect,
}) => {
  await standby.query("SELECT pg_wal_replay_pause()");
  await primary.query("UPDATE prices SET cents = 1 WHERE id = 7");
  expect(await run()).toEqual({ ok: false, error: "prices-agree: the replica is behind" });
  await standby.query("SELECT pg_wal_replay_resume()");
  await replayed();
  expect(await run()).toMatchObject({ ok: true, value: { broken: 0 } });
});

it("waits for a primary that does not show yet what its replica has, however long that takes", async ({
  expect,
}) => {
  const admin = new pg.Client({ connectionString: servers.postgres.url("postgres") });
  await admin.connect();
  onTestFinished(() => admin.end());
  const standbys = async (names: string): Promise<void> => {
    await admin.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
    await admin.query("SELECT pg_reload_conf()");
  };
  onTestFinished(() => standbys(""));
  const priceOn = async (server: pg.Client): Promise<unknown> =>
    (await server.query("SELECT cents FROM prices WHERE id = 7")).rows[0];
  const before = await priceOn(admin);
  // Nobody of that name will ever say that it has it, so the commit is in the log, and on the replica, and not over.
  await standbys("nobody");
  await vi.waitFor(async () => {
    const { rows } = await admin.query("SHOW synchronous_standby_names");
    expect(rows).toEqual([{ synchronous_standby_names: "nobody" }]);
  });
  const writing = primary.query("UPDATE prices SET cents = cents + 1 WHERE id = 7");
  await vi.waitFor(async () => expect(await priceOn(standby)).not.toEqual(before), 5_000);
  expect(await priceOn(admin)).toEqual(before);
  expect(await run()).toEqual({
    ok: false,
    error: "prices-agree: the primary does not show yet what it has",
  });
  await standbys("");
  await writing;
  await replayed();
  expect(await run()).toMatchObject({ ok: true, value: { broken: 0 } });
});

it("never calls a table that is written to all the time inconsistent", async ({ expect }) => {
  const ending = new AbortController();
  onTestFinished(async () => {
    ending.abort();
    await writing;
  });
  const writing = (async () => {
    while (!ending.signal.aborted) await primary.query("UPDATE prices SET cents = cents + 1");
  })();
  for (let look = 0; look < 40; look += 1) {
    const found = await run();
    if (found.ok) expect(found.value.broken).toBe(0);
    else expect(found.error).toMatch(/behind|too fast|does not show yet/);
  }
});

it("finds a replica that answers otherwise, and the signal counts it", async ({ expect }) => {
  // A replica that is set up otherwise: the same rows, and not the same answer.
  await standby.query("ALTER SYSTEM SET intervalstyle = 'sql_standard'");
  await standby.query("SELECT pg_reload_conf()");
  // Its sessions take the setting over one by one.
  await vi.waitFor(async () => {
    expect(await run()).toMatchObject({ value: { broken: 1 } });
    const answers = await integrity.poll(aPoll({ ...databases, integrityChecks: [CHECK] }));
    expect(answers).toMatchObject({
      "integrity.failed_checks_count": { value: 1 },
      "integrity.broken_rows_count": { value: 1 },
    });
  }, 10_000);
});

it.for([
  ["no replica", { replica: null }, "POSTGRES_REPLICA_URL is not set"],
  ["a second primary", "primary", "POSTGRES_REPLICA_URL does not lead to a replica"],
] as const)("with %s says that it cannot say", async ([, over, why], { expect }) => {
  const found = await run(over === "primary" ? { replica: databases.postgres } : over);
  // Both say the same: of one server that proves nothing.
  expect(found).toEqual({ ok: false, error: expect.stringContaining(why) as string });
});
