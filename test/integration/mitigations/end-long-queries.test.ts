/** Long queries in a real database, ended; and those that must not be, not. */
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, it, vi } from "vitest";
import type { Reach } from "../../../src/mitigations/actuator.ts";
import type { StoredAct } from "../../../src/mitigations/opaque.ts";
import { acts } from "../../../src/mitigations/registry.ts";
import { createPostgres, type Postgres } from "../../../src/platform/postgres.ts";
import { err } from "../../../src/shared/result.ts";
import { actContract } from "../../contract/act.ts";
import { startNeonWire } from "../../support/neon-wire.ts";
import { aSession, running, startStorefront, type Storefront } from "../../support/storefront.ts";

const act = acts["end-long-queries"];
if (act === undefined) throw new Error("there is such an act");

let storefront: Storefront;
beforeAll(async () => {
  storefront = await startStorefront();
});
afterAll(() => storefront?.[Symbol.asyncDispose]());

const nobody = async () => err({ class: "refuse", detail: "not needed here" } as const);
const QUERY_CANCELED = "57014";
/** What a client hears of its query's end is under way a little longer than the server sees it. */
const HEARD_MS = 200;
const reach = (postgres: Postgres | null = storefront.watcher): Reach => ({
  instance: "shop.test",
  policy: { put: nobody, get: nobody, remove: nobody },
  cloudflare: null,
  neon: null,
  credentials: null,
  sessions: null,
  canSign: false,
  postgres,
});
const anAct = (options: object = {}): StoredAct => ({
  id: "act_1",
  incidentId: "inc_1",
  options: { older_than: "1s", grace: "2s", ...options },
  reason: "database",
  onsetAtMs: 0,
});
const owner = (name?: string) => aSession(storefront.database.ownerUrl, name);

/** Waits until the act would end this many, and says what it judged. */
const judgedOn = (count: number, given: StoredAct) =>
  vi.waitFor(
    async () => {
      const answer = await act.judge(given, reach());
      if (!answer.ok) throw new Error(answer.error.detail);
      if (!answer.value.says.startsWith(`end ${count} queries`)) throw new Error(answer.value.says);
      return answer.value;
    },
    { timeout: 10_000, interval: 100 },
  );
/** The server may take a moment to notice that the test before has gone. */
const noneLeft = () =>
  vi.waitFor(
    async () => {
      const answer = await act.judge(anAct(), reach());
      if (answer.ok) throw new Error(answer.value.says);
    },
    { timeout: 10_000 },
  );
const isAlive = async (client: pg.Client): Promise<boolean> =>
  client.query("SELECT 1").then(
    () => true,
    () => false,
  );

let wire: Awaited<ReturnType<typeof startNeonWire>>;
let stopped: Promise<unknown> = Promise.resolve();
beforeAll(async () => {
  wire = await startNeonWire(storefront.fetchEndpoint, {
    isChange: ({ body }) => body.includes("pg_cancel_backend(a.pid)"),
    settled: () => stopped.then(() => {}),
  });
});
afterAll(() => wire?.close());

actContract({
  act,
  options: { older_than: "1s", grace: "2s" },
  badOptions: [
    { options: { older_than: "10ms" }, field: "older_than" },
    { options: { pids: [1] }, field: "pids" },
  ],
  onsetAtMs: 0,
  get secret() {
    return new URL(storefront.database.watcherUrl).password;
  },
  nature: {
    // A query that ended by itself is ended, and nobody can tell afterwards how.
    whenChanged: "finds_nothing",
    remembers: "that_it_is_done",
    steady: (judgement) =>
      JSON.parse(
        JSON.stringify(judgement)
          .replaceAll(/"seconds":\d+/g, '"seconds":0')
          .replaceAll(/, \d+ s, /g, ", 0 s, "),
      ),
  },
  async ground() {
    await noneLeft();
    const client = await owner("long");
    const admin = await aSession(storefront.postgres.url("storefront"), "person");
    let timesDone = 0;
    // Whose query was ended goes on to the next, which is nobody's to end.
    const begin = (): void => {
      stopped = running(client, "SELECT pg_sleep(60)").then((code) => {
        if (code !== QUERY_CANCELED) return;
        timesDone += 1;
        next = running(client, "SELECT pg_sleep(60)").then((again) => {
          if (again === QUERY_CANCELED) timesDone += 1;
        });
      });
    };
    let next: Promise<void> = Promise.resolve();
    begin();
    await judgedOn(1, anAct());
    // The driver has one endpoint for all: who was made last says where.
    const at = (connectionString: string): Reach =>
      reach(createPostgres({ connectionString, fetchEndpoint: wire.url }));
    return {
      unreachable: at("postgresql://nobody:hunter3@nowhere.invalid:1/x"),
      reach: at(storefront.database.watcherUrl),
      timesDone: async () => {
        const heard = new Promise<void>((resolve) => setTimeout(resolve, HEARD_MS));
        await Promise.race([stopped.then(() => next), heard]);
        return timesDone;
      },
      version: async () => {
        const atWork =
          "SELECT pid, query_start::text FROM pg_stat_activity WHERE application_name = 'long' AND state = 'active'";
        return vi.waitFor(async () => {
          const { rows } = await admin.query(atWork);
          if (rows.length === 0) throw new Error("it is between two queries");
          return rows;
        });
      },
      interfere: async () => {
        await admin.query(
          "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'long'",
        );
        await stopped;
        timesDone = 0;
        await judgedOn(1, anAct());
      },
      failNextChange: async (fault) => wire.failNextChange(fault),
    };
  },
});

describe("end-long-queries", () => {
  beforeEach(noneLeft);

  it("cancels a long query, leaves its session, and tells whom it hit without their values", async ({
    expect,
  }) => {
    const client = await owner("reports");
    const outcome = running(client, "SELECT pg_sleep(60), 'hunter2'");
    const { judged, says } = await judgedOn(1, anAct());
    expect(says).toMatch(/pid \d+ \(reports as storefront, \d+ s, [0-9a-f]{16}\)/);
    expect(JSON.stringify({ judged, says })).not.toContain("hunter2");
    const given = { ...anAct(), judged };
    expect(await act.confirm(given, reach())).toEqual({ ok: true, value: { done: false } });
    const done = await act.perform(given, reach());
    expect(done).toMatchObject({
      ok: true,
      value: {
        says: "1 queries cancelled, 0 sessions ended, 0 had gone by themselves",
        receipt: {
          victims: [
            {
              role: "storefront",
              application: "reports",
              seconds: expect.any(Number),
              end: "query cancelled",
            },
          ],
        },
      },
    });
    expect(await outcome).toBe("57014");
    expect(await isAlive(client)).toBe(true);
    expect(await act.confirm(given, reach())).toMatchObject({ value: { done: true } });
    // Done again, it hits nobody.
    await client.query("SELECT 2");
    expect(await act.perform(given, reach())).toMatchObject({
      value: { says: "0 queries cancelled, 0 sessions ended, 1 had gone by themselves" },
    });
    expect(await isAlive(client)).toBe(true);
  });

  it("ends none within a minute of those before, and says so", async ({ expect }) => {
    const client = await owner("reports");
    const outcome = running(client, "SELECT pg_sleep(60)");
    const { judged } = await judgedOn(1, anAct());
    const soon = { ...anAct(), judged, lastDoneMsAgo: 59_999 };
    const refusal = { class: "refuse", detail: "queries were ended less than a minute ago" };
    expect(await act.judge(soon, reach())).toMatchObject({ ok: false, error: refusal });
    expect(await act.perform(soon, reach())).toMatchObject({ ok: false, error: refusal });
    expect(await act.judge(anAct(), reach())).toMatchObject({ ok: true });
    const later = { ...soon, lastDoneMsAgo: 60_000 };
    expect(await act.perform(later, reach())).toMatchObject({ ok: true });
    expect(await outcome).toBe("57014");
  });

  it("ends the session of a query that does not stop", async ({ expect }) => {
    const admin = await aSession(storefront.postgres.url("storefront"));
    await admin.query(`CREATE FUNCTION deaf() RETURNS void LANGUAGE plpgsql AS $$
      BEGIN
        LOOP
          BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END;
        END LOOP;
      END $$`);
    const client = await owner("deaf");
    const outcome = running(client, "SELECT deaf()");
    const { judged } = await judgedOn(1, anAct());
    expect(await act.perform({ ...anAct({ grace: "300ms" }), judged }, reach())).toMatchObject({
      value: {
        says: "0 queries cancelled, 1 sessions ended, 0 had gone by themselves",
        receipt: { victims: [{ end: "session ended" }] },
      },
    });
    expect(await outcome).toBe("57P01");
  });

  it("ends a transaction that does nothing, and whoever waits for it goes on", async ({
    expect,
  }) => {
    const [holder, waiter] = [await owner("holder"), await owner("waiter")];
    await holder.query("BEGIN");
    await holder.query("UPDATE pitches SET title = title WHERE id = 1");
    const outcome = running(waiter, "UPDATE pitches SET title = title WHERE id = 1");
    const given = anAct({ idle_in_transaction: true, excluded_applications: ["waiter"] });
    const { judged } = await judgedOn(1, given);
    expect(await act.perform({ ...given, judged }, reach())).toMatchObject({
      value: { receipt: { victims: [{ application: "holder", end: "session ended" }] } },
    });
    expect(await outcome).toBeNull();
  });

  it("spares maintenance, backups, migrations, whom it is told to, and young queries", async ({
    expect,
  }) => {
    const spared = [await owner("pg_dump"), await owner("flyway"), await owner("nightly")];
    for (const client of spared) void running(client, "SELECT pg_sleep(60)");
    const admin = await aSession(storefront.postgres.url("storefront"), "person");
    void running(admin, "SELECT pg_sleep(60)");
    const given = anAct({ excluded_applications: ["nightly"] });
    const detail = await vi.waitFor(
      async () => {
        const answer = await act.judge(given, reach());
        if (answer.ok) throw new Error(answer.value.says);
        expect(answer.error.detail).toContain("4 are spared");
        return answer.error.detail;
      },
      { timeout: 10_000, interval: 100 },
    );
    expect(detail).toContain("no query older than 1s may be ended");
    for (const why of ["backup", "migration tool", "nightly is excluded", "pg_signal_backend"]) {
      expect(detail).toContain(why);
    }
    expect(await act.judge(anAct({ older_than: "1h" }), reach())).toMatchObject({
      ok: false,
      error: { class: "refuse", detail: "no query older than 1h may be ended" },
    });
  });

  it("hits nobody who has gone on to another query since it was judged", async ({ expect }) => {
    const client = await owner("quick");
    const first = running(client, "SELECT pg_sleep(1.5)");
    const { judged } = await judgedOn(1, anAct());
    expect(await first).toBeNull();
    const second = running(client, "SELECT pg_sleep(0.5)");
    expect(await act.perform({ ...anAct(), judged }, reach())).toMatchObject({
      value: { says: "0 queries cancelled, 0 sessions ended, 1 had gone by themselves" },
    });
    expect(await second).toBeNull();
  });

  it("that nobody needs is not applicable; where some are spared it is for people", async ({
    expect,
  }) => {
    await noneLeft();
    expect(await act.judge(anAct(), reach())).toMatchObject({
      error: { class: "refuse", notApplicable: true },
    });
    void running(await owner("pg_dump"), "SELECT pg_sleep(60)");
    await vi.waitFor(
      async () => {
        const answer = await act.judge(anAct(), reach());
        expect(answer).toMatchObject({
          error: { detail: expect.stringContaining("1 are spared") },
        });
        expect(answer).not.toMatchObject({ error: { notApplicable: true } });
      },
      { timeout: 10_000, interval: 100 },
    );
  });

  it("says what is missing, and what it may not do", async ({ expect }) => {
    expect(act.missing(reach(null))).toBe("POSTGRES_URL is not set");
    expect(await act.judge(anAct(), reach(null))).toMatchObject({
      error: { class: "refuse", detail: "POSTGRES_URL is not set" },
    });
    const gone = createPostgres({
      connectionString: storefront.postgres.url("nowhere"),
      fetchEndpoint: storefront.fetchEndpoint,
    });
    expect(await act.judge(anAct(), reach(gone))).toMatchObject({ ok: false });
    expect(act.words.problemsWith({ older_than: "10ms" }).join()).toContain("older_than");
    expect(act.words.problemsWith({ max: 21 }).join()).toContain("max");
    expect(act.words.problemsWith({ grace: "5s", excluded_roles: ["billing"] })).toEqual([]);
  });
});
