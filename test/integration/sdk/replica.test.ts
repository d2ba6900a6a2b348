/** Reads that go to a real streaming replica while Firebreak asks for it, and come back when it cannot serve. */
import { neon, neonConfig, Pool } from "@neondatabase/serverless";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, it, vi } from "vitest";
import { WebSocket } from "ws";
import type { Sql } from "../../../src/sdk/index.ts";
import { anIsolate, anSdkEntry } from "../../support/sdk.ts";
import { startPostgresWithReplica, type PostgresWithReplica } from "../../support/servers.ts";

let servers: PostgresWithReplica;
let primary: Sql;
let replica: Sql;
let replicaAdmin: pg.Client;
beforeAll(async () => {
  servers = await startPostgresWithReplica();
  neonConfig.fetchEndpoint = servers.fetchEndpoint;
  neonConfig.webSocketConstructor = WebSocket;
  neonConfig.useSecureWebSocket = false;
  neonConfig.wsProxy = () => servers.wsProxy;
  primary = neon(servers.postgres.url("postgres"));
  replica = neon(servers.replica.url("postgres"));
  await primary.query("CREATE TABLE notes (id int PRIMARY KEY, text text)");
  await primary.query("INSERT INTO notes VALUES (1, 'first')");
  await primary.query(
    "CREATE FUNCTION sneaky() RETURNS int LANGUAGE sql AS 'INSERT INTO notes VALUES (99, ''x'') ON CONFLICT (id) DO UPDATE SET text = notes.text RETURNING id'",
  );
  replicaAdmin = new pg.Client({ connectionString: servers.replica.url("postgres") });
  replicaAdmin.on("error", () => {});
  await replicaAdmin.connect();
});
afterAll(async () => {
  await replicaAdmin?.end();
  await servers?.[Symbol.asyncDispose]();
});

const MAX_LAG_MS = 2_000;
const READS = anSdkEntry("replica-reads", { maxLagMs: MAX_LAG_MS, readYourWritesMs: 5_000 });
/** The servers' ports tell them apart. */
const WHERE = "SELECT current_setting('port')::int AS port";
const portOf = async (query: Promise<readonly Record<string, unknown>[]>) =>
  (await query)[0]?.["port"];

const connections = () => ({ primary, replica, store: null, namespace: "test" });
/** An isolate that knows that the replica keeps up. */
async function aRoutingIsolate() {
  const isolate = anIsolate(connections());
  await isolate.ask([READS]);
  await vi.waitFor(async () => {
    const db = await isolate.request();
    const port = await portOf(db.query(WHERE));
    await isolate.idle();
    if (port !== servers.replica.port) throw new Error("not yet measured");
  });
  return isolate;
}
const caughtUp = async () => {
  const [row] = await primary.query("SELECT pg_current_wal_lsn()::text AS lsn");
  await vi.waitFor(async () => {
    const answer = await replicaAdmin.query("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS ok", [
      row?.["lsn"],
    ]);
    if (answer.rows[0]?.ok !== true) throw new Error("not yet");
    // A replica whose primary was gone tries again every five seconds.
  }, 15_000);
};
beforeEach(caughtUp);

describe("the standby of the local stack", () => {
  it("follows the primary and refuses writes", async ({ expect }) => {
    await expect(replica.query("DELETE FROM notes")).rejects.toMatchObject({ code: "25006" });
    await primary.query("INSERT INTO notes VALUES (2, 'second')");
    await caughtUp();
    expect(await replica.query("SELECT text FROM notes WHERE id = 2")).toEqual([
      { text: "second" },
    ]);
  });
});

describe("while nothing is asked", () => {
  it("everything goes to the primary, and so does an isolate's first request", async ({
    expect,
  }) => {
    const isolate = anIsolate(connections());
    const db = await isolate.request();
    expect(await portOf(db.sql`SELECT current_setting('port')::int AS port`)).toBe(
      servers.postgres.port,
    );
    await isolate.ask([{ ...READS, mode: "shadow" }]);
    expect(await portOf((await isolate.request()).query(WHERE))).toBe(servers.postgres.port);
  });

  it("Firebreak may be dead, from the first request or later", async ({ expect }) => {
    const { Firebreak } = await import("../../../src/sdk/index.ts");
    for (const policy of [
      () => null,
      () => ({ read: () => Promise.reject(new Error("dead")) }),
      () => ({ read: () => new Promise<never>(() => {}) }),
      () => {
        throw new Error("no such binding");
      },
    ]) {
      const firebreak = new Firebreak({ policy });
      for (let request = 0; request < 3; request += 1) {
        const db = firebreak.database(connections(), {
          session: { key: "", wroteAtMs: null },
          waitUntil: () => {},
        });
        expect(await portOf(db.query(WHERE))).toBe(servers.postgres.port);
      }
    }
  });
});

describe("while a replica that was just added is read from", () => {
  const PRIMARY_URL = "postgresql://shop:secret@ep-main.eu-central-1.aws.neon.tech/shop";
  const HOST = "ep-more.eu-central-1.aws.neon.tech";
  const added = (host: string) =>
    anSdkEntry("added-replica", { host, maxLagMs: MAX_LAG_MS, readYourWritesMs: 5_000 });
  /** Production has no replica of its own; the sibling's name leads to the real one. */
  const production = () => {
    const connected: string[] = [];
    const connect = (url: string): Sql => {
      connected.push(url);
      return replica;
    };
    const has = { ...connections(), replica: null, beside: { url: PRIMARY_URL, connect } };
    return { isolate: anIsolate(has), connected };
  };
  const portIn = async (isolate: ReturnType<typeof anIsolate>, session = {}) => {
    const port = await portOf((await isolate.request(session)).query(WHERE));
    await isolate.idle();
    return port;
  };

  it("reads go there once it is known to keep up, writes and who wrote do not", async ({
    expect,
  }) => {
    const { isolate, connected } = production();
    await isolate.ask([added(HOST)]);
    await vi.waitFor(async () => expect(await portIn(isolate)).toBe(servers.replica.port));
    expect(new Set(connected)).toEqual(
      new Set(["postgresql://shop:secret@ep-more.eu-central-1.aws.neon.tech/shop"]),
    );
    expect(await portIn(isolate, { wroteAtMs: Date.now() })).toBe(servers.postgres.port);
    await (await isolate.request()).query("UPDATE notes SET text = 'changed' WHERE id = 1");
    await isolate.ask([]);
    expect(await portIn(isolate)).toBe(servers.postgres.port);
  });

  it("no connection is made to a host that is not the primary's neighbour", async ({ expect }) => {
    const { isolate, connected } = production();
    await isolate.ask([added("ep-more.eu-central-1.aws.neon.example")]);
    for (let n = 0; n < 3; n += 1) expect(await portIn(isolate)).toBe(servers.postgres.port);
    expect(connected).toEqual([]);
  });

  it("one that is gone is left at once, and reads are answered by the primary", async ({
    expect,
  }) => {
    const gone = neon("postgresql://postgres:none@ep-gone.eu-central-1.aws.neon.tech/postgres");
    let there: Sql = replica;
    const isolate = anIsolate({
      ...connections(),
      replica: null,
      beside: { url: PRIMARY_URL, connect: () => there },
    });
    await isolate.ask([added(HOST)]);
    await vi.waitFor(async () => expect(await portIn(isolate)).toBe(servers.replica.port));
    there = gone;
    expect(await portIn(isolate)).toBe(servers.postgres.port);
    expect(await portIn(isolate)).toBe(servers.postgres.port);
  });
});

describe("while reads are routed to the replica", () => {
  it("reads go there, writes and transactions do not", async ({ expect }) => {
    const isolate = await aRoutingIsolate();
    const db = await isolate.request();
    expect(await portOf(db.query(WHERE))).toBe(servers.replica.port);
    expect(await portOf(db.query(WHERE, [], { replica: false }))).toBe(servers.postgres.port);
    const [results] = await db.transaction((sql) => [sql.query(WHERE)]);
    expect(results?.[0]?.["port"]).toBe(servers.postgres.port);
    const other = await isolate.request();
    await other.sql`UPDATE notes SET text = ${"changed"} WHERE id = ${1}`;
    expect(await primary.query("SELECT text FROM notes WHERE id = 1")).toEqual([
      { text: "changed" },
    ]);
  });

  it("the replica's own counters show that it is read", async ({ expect }) => {
    const read = async () => {
      await replicaAdmin.query("SELECT pg_stat_force_next_flush()");
      const answer = await replicaAdmin.query(
        "SELECT tup_returned::int AS n FROM pg_stat_database WHERE datname = 'postgres'",
      );
      return Number(answer.rows[0]?.n);
    };
    const isolate = await aRoutingIsolate();
    const before = await read();
    const db = await isolate.request();
    await vi.waitFor(
      async () => {
        await db.query("SELECT count(*) FROM pg_proc");
        expect(await read()).toBeGreaterThan(before + 5_000);
      },
      { timeout: 10_000 },
    );
  });

  it("a session reads what it wrote, others may read from the replica", async ({ expect }) => {
    const isolate = await aRoutingIsolate();
    const db = await isolate.request();
    await db.query("INSERT INTO notes VALUES (10, 'mine')");
    expect(await portOf(db.query(WHERE))).toBe(servers.postgres.port);
    // The next request of this session, in this isolate or another, by its cookie.
    const next = await isolate.request({ wroteAtMs: db.wroteAtMs });
    expect(await portOf(next.query(WHERE))).toBe(servers.postgres.port);
    const later = await isolate.request({ wroteAtMs: Date.now() - 5_001 });
    expect(await portOf(later.query(WHERE))).toBe(servers.replica.port);
    expect(await portOf((await isolate.request()).query(WHERE))).toBe(servers.replica.port);
  });

  it("a function that writes is refused by the replica, and done once, on the primary", async ({
    expect,
  }) => {
    const isolate = await aRoutingIsolate();
    const db = await isolate.request();
    expect(await db.query("SELECT sneaky() AS id")).toEqual([{ id: 99 }]);
    expect(db.wroteAtMs).not.toBeNull();
    expect(await primary.query("SELECT count(*)::int AS n FROM notes WHERE id = 99")).toEqual([
      { n: 1 },
    ]);
  });

  it("a replica that lags is not read from, until it has caught up", async ({ expect }) => {
    const isolate = await aRoutingIsolate();
    await replicaAdmin.query("SELECT pg_wal_replay_pause()");
    await primary.query("UPDATE notes SET text = 'newer' WHERE id = 1");
    const until = (port: number) =>
      vi.waitFor(
        async () => {
          const db = await isolate.request();
          const found = await portOf(db.query(WHERE));
          await isolate.idle();
          expect(found).toBe(port);
        },
        { timeout: 15_000, interval: 100 },
      );
    await until(servers.postgres.port);
    await replicaAdmin.query("SELECT pg_wal_replay_resume()");
    await until(servers.replica.port);
  });

  it("what a visitor did wrong is his error, and is not asked twice", async ({ expect }) => {
    const isolate = await aRoutingIsolate();
    const db = await isolate.request();
    await expect(db.query("SELECT 1 / 0")).rejects.toMatchObject({ code: "22012" });
    expect(await portOf(db.query(WHERE))).toBe(servers.replica.port);
  });

  it("with a statement timeout, both servers end what takes longer", async ({ expect }) => {
    const isolate = await aRoutingIsolate();
    await isolate.ask([READS, anSdkEntry("statement-timeout", { timeoutMs: 100 })]);
    const db = await isolate.request();
    const startedAtMs = Date.now();
    await expect(db.query("SELECT pg_sleep(20)")).rejects.toMatchObject({ code: "57014" });
    await expect(db.transaction((sql) => [sql.query("SELECT pg_sleep(20)")])).rejects.toMatchObject(
      { code: "57014" },
    );
    expect(Date.now() - startedAtMs).toBeLessThan(5_000);
    expect(await db.query("SELECT current_setting('statement_timeout') AS t")).toEqual([
      { t: "100ms" },
    ]);
    // What may not stand in a transaction is left as it is.
    expect(await db.query("VACUUM notes")).toEqual([]);
  });

  it("a shorter limit of the role's own stands", async ({ expect }) => {
    await primary.query("CREATE ROLE hasty SUPERUSER LOGIN PASSWORD 'hasty'");
    await primary.query("ALTER ROLE hasty SET statement_timeout = '50ms'");
    const url = new URL(servers.postgres.url("postgres"));
    url.username = "hasty";
    url.password = "hasty";
    const isolate = anIsolate({ ...connections(), primary: neon(url.href) });
    await isolate.ask([anSdkEntry("statement-timeout", { timeoutMs: 5_000 })]);
    const db = await isolate.request();
    expect(await db.query("SELECT current_setting('statement_timeout') AS t")).toEqual([
      { t: "50ms" },
    ]);
  });

  it("a replica that dies costs no read, and is used again when it lives", async ({ expect }) => {
    const isolate = await aRoutingIsolate();
    await servers.replica.stop();
    const ports = await Promise.all(
      Array.from({ length: 20 }, async () => portOf((await isolate.request()).query(WHERE))),
    );
    expect(new Set(ports)).toEqual(new Set([servers.postgres.port]));
    await isolate.idle();
    await servers.replica.start();
    replicaAdmin = new pg.Client({ connectionString: servers.replica.url("postgres") });
    await replicaAdmin.connect();
    await vi.waitFor(
      async () => {
        const db = await isolate.request();
        const port = await portOf(db.query(WHERE));
        await isolate.idle();
        if (port !== servers.replica.port) throw new Error("not yet");
      },
      { timeout: 15_000, interval: 100 },
    );
  });
});

describe("while it is failed over", () => {
  it("everything is asked of the replica, which refuses writes; the primary may be gone", async ({
    expect,
  }) => {
    const isolate = anIsolate(connections());
    await isolate.ask([anSdkEntry("failover", {})]);
    await servers.postgres.stop();
    const justWrote = { wroteAtMs: Date.now() };
    const db = await isolate.request(justWrote);
    expect(await portOf(db.query(WHERE, [], { replica: false }))).toBe(servers.replica.port);
    const [results] = await db.transaction((sql) => [sql.query(WHERE)]);
    expect(results?.[0]?.["port"]).toBe(servers.replica.port);
    const refused = { code: "25006" };
    await expect(db.query("DELETE FROM notes")).rejects.toMatchObject(refused);
    await expect(db.query("SELECT sneaky()")).rejects.toMatchObject(refused);
    await expect(db.transaction((sql) => [sql.query("DELETE FROM notes")])).rejects.toMatchObject(
      refused,
    );
    await servers.postgres.start();
    await isolate.ask([]);
    const back = await isolate.request();
    expect(await portOf(back.query(WHERE))).toBe(servers.postgres.port);
    await back.query("UPDATE notes SET text = 'back' WHERE id = 1");
  });

  it("without a replica nothing changes", async ({ expect }) => {
    const isolate = anIsolate({ ...connections(), replica: null });
    await isolate.ask([anSdkEntry("failover", {})]);
    expect(await portOf((await isolate.request()).query(WHERE))).toBe(servers.postgres.port);
  });
});

describe("while pools may grow", () => {
  const WORK = "SELECT pg_sleep(2)";
  const own = { max: 20, idleTimeoutMillis: 1_000, connectionTimeoutMillis: 10_000 };
  const asking = (max: number, reserve: number) =>
    anSdkEntry("pool-size", {
      max,
      idleTimeoutMs: 60_000,
      connectionTimeoutMs: 10_000,
      reserve,
    });

  /** How many connections the pool held, look by look, from its first query until none of `queries` is left. */
  async function connectedWhile(settings: typeof own, queries: number): Promise<number[]> {
    const pool = new Pool({ ...settings, connectionString: servers.postgres.url("postgres") });
    const counts: number[] = [];
    try {
      let isOver = false;
      const work = Promise.all(Array.from({ length: queries }, () => pool.query(WORK))).finally(
        () => {
          isOver = true;
        },
      );
      while (!isOver) {
        const [row] = await primary.query(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE query = '${WORK}'`,
        );
        counts.push(Number(row?.["n"]));
      }
      await work;
      return counts;
    } finally {
      await pool.end();
    }
  }

  /** Where the server's room is known: it is asked for in the background, and until then production's own stand. */
  async function settingsFor(entry: ReturnType<typeof asking>): Promise<typeof own> {
    const isolate = anIsolate(connections());
    await isolate.ask([entry]);
    (await isolate.request()).pool(own);
    await isolate.idle();
    return (await isolate.request()).pool(own);
  }

  it("one grows as far as is asked for, seen in its connections", async ({ expect }) => {
    const untouched = (await anIsolate(connections()).request()).pool(own);
    expect(Math.max(...(await connectedWhile(untouched, 40)))).toBe(20);
    const settings = await settingsFor(asking(100, 10));
    expect(Math.max(...(await connectedWhile(settings, 120)))).toBe(100);
  });

  it("one that may have more connections than there are rises to what the reserve leaves, and no further", async ({
    expect,
  }) => {
    const [row] = await primary.query(
      `SELECT current_setting('max_connections')::int AS most,
        current_setting('superuser_reserved_connections')::int AS kept`,
    );
    const reserve = 200;
    const clamp = Number(row?.["most"]) - Number(row?.["kept"]) - reserve;
    expect(clamp).toBeGreaterThan(own.max);
    // Twice as many as may be served at once, under a lease that asks for ten times that.
    const counts = await connectedWhile(await settingsFor(asking(1_000, reserve)), 2 * clamp);
    const peakAt = counts.indexOf(Math.max(...counts));
    const rising = counts.slice(0, peakAt + 1);
    expect(counts[peakAt]).toBe(clamp);
    expect(new Set(rising).size).toBeGreaterThan(1);
    expect(rising).toEqual(rising.toSorted((a, b) => a - b));
  });

  it("one stays as large as production made it where the reserve leaves less", async ({
    expect,
  }) => {
    const settings = await settingsFor(asking(1_000, 290));
    expect(Math.max(...(await connectedWhile(settings, 40)))).toBe(20);
  });
});
