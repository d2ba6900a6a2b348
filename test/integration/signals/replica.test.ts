/** What is said of a read replica, from a real one that lags, dies, outlives its primary, or is none. */
import pg from "pg";
import { afterAll, beforeAll, it } from "vitest";
import { createPostgres, type Postgres } from "../../../src/platform/postgres.ts";
import { collect } from "../../../src/signals/collect.ts";
import { replica as source } from "../../../src/signals/sources/replica.ts";
import { startPostgresWithReplica, type PostgresWithReplica } from "../../support/servers.ts";
import { aReach, NOW_MS } from "../../support/signals.ts";

let servers: PostgresWithReplica;
let primary: Postgres;
let replica: Postgres;
beforeAll(async () => {
  servers = await startPostgresWithReplica();
  const at = (connectionString: string) =>
    createPostgres({ connectionString, fetchEndpoint: servers.fetchEndpoint });
  primary = at(servers.postgres.url("postgres"));
  replica = at(servers.replica.url("postgres"));
});
afterAll(() => servers?.[Symbol.asyncDispose]());

const asked = async (reach: Parameters<typeof aReach>[0]) => {
  const { signals } = await collect(source, aReach(reach), {
    atMs: NOW_MS,
    freshMs: 60_000,
    kept: null,
    recordsWithinMs: 120_000,
  });
  return Object.fromEntries(signals.map((signal) => [signal.name, signal]));
};
const [REACHABLE, LAG] = ["postgres.replica_reachable_ratio", "postgres.replica_lag_seconds"];

async function run(server: PostgresWithReplica["postgres"], text: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.url("postgres") });
  await client.connect();
  await client.query(text).finally(() => client.end());
}

it("is not configured without a connection string", async ({ expect }) => {
  const said = await asked({ postgres: primary });
  for (const name of [REACHABLE, LAG]) {
    expect(said[name]).toMatchObject({ unknown: "not_configured" });
  }
});

it("lags by the age of its last change, once the primary has more", async ({ expect }) => {
  await run(servers.replica, "SELECT pg_wal_replay_pause()");
  await run(servers.postgres, "CREATE TABLE more (id int)");
  const said = await asked({ postgres: primary, replica });
  expect(said[REACHABLE]).toMatchObject({ value: 1 });
  // Paused before it replayed any change of its own, it cannot say how old the last one was.
  expect(said[LAG]).toMatchObject({ unknown: "no_data" });
  await run(servers.replica, "SELECT pg_wal_replay_resume()");
  await expect
    .poll(async () => (await asked({ postgres: primary, replica }))[LAG])
    .toMatchObject({
      value: 0,
    });
});

it("outlives its primary, and says the most it can be behind", async ({ expect }) => {
  await servers.postgres.stop();
  const said = await asked({ postgres: primary, replica });
  expect(said[REACHABLE]).toMatchObject({ value: 1 });
  expect(said[LAG]).toMatchObject({
    value: expect.toSatisfy((lag: number) => lag > 0 && lag < 60),
  });
  await servers.postgres.start();
});

it("is no replica when it is the primary", async ({ expect }) => {
  const said = await asked({ postgres: primary, replica: primary });
  expect(said[LAG]).toMatchObject({ unknown: "refused" });
});

it("is unreachable when it is gone, and then nothing is known of its lag", async ({ expect }) => {
  await servers.replica.stop();
  const said = await asked({ postgres: primary, replica });
  expect(said[REACHABLE]).toMatchObject({ value: 0 });
  expect(said[LAG]).toMatchObject({ unknown: "no_data" });
  await servers.replica.start();
});
