/** What the database's statistics say about real trouble in a real database. */
import { afterAll, beforeAll, describe, it, vi } from "vitest";
import type pg from "pg";
import { createPostgres, type Postgres } from "../../../src/platform/postgres.ts";
import type { Answers } from "../../../src/signals/source.ts";
import { database } from "../../../src/signals/sources/database.ts";
import { aPoll } from "../../support/signals.ts";
import { aSession, running, startStorefront, type Storefront } from "../../support/storefront.ts";

let storefront: Storefront;
beforeAll(async () => {
  storefront = await startStorefront();
});
afterAll(() => storefront?.[Symbol.asyncDispose]());

/** Polls in a row that hand on what they keep, as the monitor makes them. */
function aMonitor(postgres: Postgres | null) {
  let kept: unknown = null;
  return async (): Promise<Answers<"database">> =>
    database.poll(
      aPoll({
        postgres,
        kept: JSON.parse(JSON.stringify(kept)),
        keep: (note) => {
          kept = note;
        },
      }),
    );
}
const owner = (name?: string) => aSession(storefront.database.ownerUrl, name);
const valueOf = (answer: Answers<"database">[keyof Answers<"database">]): unknown =>
  "value" in answer ? answer.value : answer.unknown;
const untilActive = (count: number) =>
  vi.waitFor(async () => {
    const answers = await aMonitor(storefront.watcher)();
    if (valueOf(answers["postgres.active_count"]) !== count) throw new Error("not yet");
    return answers;
  });

describe("sessions", () => {
  it("of a database at rest are none, and our own is not among them", async ({ expect }) => {
    const answers = await aMonitor(storefront.watcher)();
    expect(answers).toMatchObject({
      "postgres.longest_query_seconds": { value: 0 },
      "postgres.active_count": { value: 0 },
      "postgres.idle_in_transaction_count": { value: 0 },
      "postgres.lock_waiting_count": { value: 0 },
      "postgres.connections_ratio": { value: 0 },
    });
  });

  it("are counted by what they do, and against the limit", async ({ expect }) => {
    const [holder, waiter, sleeper, idler] = [
      await owner(),
      await owner(),
      await owner(),
      await owner(),
    ];
    await holder.query("BEGIN");
    await holder.query("UPDATE pitches SET title = title WHERE id = 1");
    void running(waiter, "UPDATE pitches SET title = title WHERE id = 1");
    void running(sleeper, "SELECT pg_sleep(60)");
    await idler.query("SELECT 1");
    const answers = await untilActive(2);
    expect(answers).toMatchObject({
      "postgres.idle_in_transaction_count": { value: 1 },
      "postgres.lock_waiting_count": { value: 1 },
      // 300 less the 3 that superusers keep.
      "postgres.connections_ratio": { value: 4 / 297 },
    });
    expect(valueOf(answers["postgres.longest_query_seconds"])).toBeGreaterThan(0);
  });

  it("that are long because they should be do not count as long", async ({ expect }) => {
    const [backup, vacuum] = [await owner("pg_dump"), await owner()];
    await vacuum.query(
      "CREATE FUNCTION slowly(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n FROM pg_sleep(60)'",
    );
    void running(backup, "SELECT pg_sleep(60)");
    void running(vacuum, "/* nightly */ CREATE INDEX ON pitches (slowly(price_cents))");
    // What a session before this one still ran has ended by then.
    await vi.waitFor(async () => {
      const answers = await untilActive(2);
      expect(answers["postgres.longest_query_seconds"]).toEqual({ value: 0 });
    }, 5_000);
  });

  it("of others are unknown to a role that may not see them, and it is told what to do", async ({
    expect,
  }) => {
    const admin = await aSession(storefront.postgres.url("storefront"));
    await admin.query("CREATE ROLE outsider LOGIN PASSWORD 'outside'");
    const url = new URL(storefront.database.watcherUrl);
    url.username = "outsider";
    url.password = "outside";
    const poll = aMonitor(
      createPostgres({ connectionString: url.href, fetchEndpoint: storefront.fetchEndpoint }),
    );
    const answers = await poll();
    expect(answers["postgres.longest_query_seconds"]).toMatchObject({
      unknown: "refused",
      detail: expect.stringContaining("GRANT pg_monitor"),
    });
    // Counters are for everybody.
    await poll();
    expect((await poll())["postgres.deadlocks_per_minute"]).toEqual({ value: 0 });
  });
});

describe("rates", () => {
  it("need an earlier reading", async ({ expect }) => {
    const answers = await aMonitor(storefront.watcher)();
    expect(valueOf(answers["postgres.deadlocks_per_minute"])).toBe("no_data");
    expect(valueOf(answers["postgres.query_p95_ms"])).toBe("no_data");
  });

  it("see a deadlock", async ({ expect }) => {
    const poll = aMonitor(storefront.watcher);
    await poll();
    const [a, b] = [await owner(), await owner()];
    await Promise.all([a.query("BEGIN"), b.query("BEGIN")]);
    await a.query("UPDATE pitches SET title = title WHERE id = 1");
    await b.query("UPDATE pitches SET title = title WHERE id = 2");
    const outcomes = await Promise.all([
      running(a, "UPDATE pitches SET title = title WHERE id = 2"),
      running(b, "UPDATE pitches SET title = title WHERE id = 1"),
    ]);
    expect(outcomes.filter((code) => code === "40P01")).toHaveLength(1);
    await Promise.all([a, b].map((client) => client.query("ROLLBACK")));
    await Promise.all([a, b].map((client) => client.query("SELECT pg_stat_force_next_flush()")));
    expect(valueOf((await poll())["postgres.deadlocks_per_minute"])).toBeGreaterThan(0);
  });

  it("see how much the cache serves", async ({ expect }) => {
    const poll = aMonitor(storefront.watcher);
    const client = await owner();
    const work = async () => {
      await client.query("SELECT count(*) FROM pg_proc a, generate_series(1, 10)");
      await client.query("SELECT pg_stat_force_next_flush()");
    };
    await work();
    await poll();
    await work();
    const ratio = valueOf((await poll())["postgres.cache_hit_ratio"]);
    expect(ratio).toBeTypeOf("number");
    expect(ratio).toBeGreaterThan(0.9);
  });

  it("time the queries that ended", async ({ expect }) => {
    const poll = aMonitor(storefront.watcher);
    const client = await owner();
    await client.query("SELECT 1");
    await poll();
    await timed(client);
    const answers = await poll();
    expect(valueOf(answers["postgres.queries_per_second"])).toBeGreaterThan(0);
    // 18 quick ones and 2 of 100 ms: the mean is about 10, and the 95th percentile is a slow one.
    expect(valueOf(answers["postgres.query_mean_ms"])).toBeGreaterThan(9);
    expect(valueOf(answers["postgres.query_mean_ms"])).toBeLessThan(60);
    expect(valueOf(answers["postgres.query_p95_ms"])).toBeGreaterThanOrEqual(100);
  });

  it("begin anew with the server", async ({ expect }) => {
    const poll = aMonitor(storefront.watcher);
    await poll();
    await storefront.postgres.stop();
    expect(valueOf((await poll())["postgres.cache_hit_ratio"])).toBe("no_data");
    await storefront.postgres.start();
    expect((await poll())["postgres.deadlocks_per_minute"]).toMatchObject({
      unknown: "no_data",
      detail: expect.stringContaining("just begun"),
    });
    expect((await poll())["postgres.deadlocks_per_minute"]).toEqual({ value: 0 });
  });
});

async function timed(client: pg.Client): Promise<void> {
  for (let n = 0; n < 18; n += 1) await client.query("SELECT $1::int", [n]);
  for (let n = 0; n < 2; n += 1) await client.query("SELECT pg_sleep($1)", [0.1]);
}

describe("what is missing", () => {
  it("is said: the database, and the extension", async ({ expect }) => {
    expect(valueOf((await aMonitor(null)())["postgres.active_count"])).toBe("not_configured");
    const elsewhere = createPostgres({
      connectionString: storefront.postgres.url("postgres"),
      fetchEndpoint: storefront.fetchEndpoint,
    });
    expect((await aMonitor(elsewhere)())["postgres.query_mean_ms"]).toMatchObject({
      unknown: "not_configured",
      detail: expect.stringContaining("pg_stat_statements"),
    });
  });
});
