/** The evidence that collectors find in a real database in real trouble, and in a real Redis. */
import { afterAll, beforeAll, describe, it, vi } from "vitest";
import type { CollectorContext, Evidence } from "../../../src/signals/collectors/collector.ts";
import { collectEvidence } from "../../../src/signals/collectors/registry.ts";
import { createPostgres } from "../../../src/platform/postgres.ts";
import { aSession, running, startStorefront, type Storefront } from "../../support/storefront.ts";
import { aCollection } from "../../support/signals.ts";

let storefront: Storefront;
beforeAll(async () => {
  storefront = await startStorefront();
});
afterAll(() => storefront?.[Symbol.asyncDispose]());

async function collected(id: string, context: Partial<CollectorContext> = {}): Promise<Evidence> {
  const answer = await collectEvidence(
    id,
    aCollection({
      postgres: storefront.watcher,
      ...context,
    }),
  );
  if (!answer.ok) throw new Error(answer.error.detail);
  return answer.value;
}
const owner = (name?: string) => aSession(storefront.database.ownerUrl, name);

describe("postgres-long-queries", () => {
  it("lists who is at it, longest first, without the values in their queries", async ({
    expect,
  }) => {
    const [holder, reporter] = [await owner("shop"), await owner("reports")];
    await holder.query("BEGIN");
    await holder.query("SELECT 'hunter2' FROM pitches WHERE id = 424242");
    void running(reporter, "SELECT pg_sleep(60), 'hunter2'");
    const { summary, facts } = await vi.waitFor(async () => {
      const evidence = await collected("postgres-long-queries");
      if (JSON.stringify(evidence).includes("pg_sleep")) return evidence;
      throw new Error("not yet");
    });
    expect(facts).toMatchObject({
      longCount: 0,
      queries: [
        {
          application: "shop",
          role: "storefront",
          state: "idle in transaction",
          query: "SELECT ? FROM pitches WHERE id = ?",
          fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
        },
        { application: "reports", state: "active", query: "SELECT pg_sleep(?), ?" },
      ],
    });
    expect(summary).toContain("shop as storefront");
    expect(JSON.stringify({ summary, facts })).not.toMatch(/hunter2|424242|firebreak/);
  });

  it("says that there is nobody", async ({ expect }) => {
    await vi.waitFor(async () =>
      expect(await collected("postgres-long-queries")).toMatchObject({ facts: { queries: [] } }),
    );
  });
});

describe("postgres-blocking-chains", () => {
  it("names who stands at the head of a chain", async ({ expect }) => {
    const clients = [await owner("first"), await owner("second"), await owner("third")];
    const [first, second, third] = clients;
    await first?.query("BEGIN");
    await first?.query("UPDATE pitches SET title = title WHERE id = 1");
    await second?.query("BEGIN");
    await second?.query("UPDATE pitches SET title = title WHERE id = 2");
    if (second === undefined || third === undefined) throw new Error("three sessions");
    void running(second, "UPDATE pitches SET title = 'hunter2' WHERE id = 1");
    void running(third, "UPDATE pitches SET title = 'hunter2' WHERE id = 2");
    const evidence = await vi.waitFor(async () => {
      const found = await collected("postgres-blocking-chains");
      if (found.summary.startsWith("2 sessions")) return found;
      throw new Error("not yet");
    });
    expect(evidence.summary).toContain("2 of them behind pid");
    expect(evidence.summary).toContain("first as storefront, idle in transaction");
    expect(evidence.facts).toMatchObject({
      waiting: 2,
      heads: [{ waiting: 2 }],
      sessions: [
        { application: "first", blocked_by: [] },
        {
          application: "second",
          waits_for: expect.stringContaining("transactionid"),
          query: "UPDATE pitches SET title = ? WHERE id = ?",
        },
        { application: "third" },
      ],
    });
    expect(JSON.stringify(evidence)).not.toContain("hunter2");
  });
});

describe("postgres-connections", () => {
  it("groups them, and knows the limit", async ({ expect }) => {
    for (let n = 0; n < 3; n += 1) await owner("leaky");
    const { summary, facts } = await collected("postgres-connections");
    expect(facts).toMatchObject({ limit: 297 });
    expect(facts).toMatchObject({
      groups: expect.arrayContaining([
        expect.objectContaining({
          application: "leaky",
          role: "storefront",
          state: "idle",
          count: 3,
        }),
      ]),
    });
    expect(summary).toContain("of 297 connections are taken");
  });
});

describe("postgres-statistics", () => {
  it("is what the database counts of itself", async ({ expect }) => {
    const { summary, facts } = await collected("postgres-statistics");
    expect(facts).toMatchObject({ database: "storefront", deadlocks: expect.any(Number) });
    expect(summary).toMatch(/\d+ commits, \d+ rollbacks/);
  });
});

describe("postgres-table-sizes", () => {
  it("measures bloat, and estimates it where it cannot", async ({ expect }) => {
    const client = await owner();
    await client.query(
      "CREATE TABLE bloated (id int, filler text) WITH (autovacuum_enabled = off)",
    );
    await client.query(
      "INSERT INTO bloated SELECT n, repeat('x', 200) FROM generate_series(1, 20000) n",
    );
    await client.query("DELETE FROM bloated WHERE id % 4 > 0");
    await client.query("SELECT pg_stat_force_next_flush()");
    const { summary, facts } = await collected("postgres-table-sizes");
    expect(facts).toMatchObject({ isMeasured: true });
    expect(facts).toHaveProperty("tables.0.name", "bloated");
    expect(summary).toMatch(/most bloated: bloated, [67]\d % dead or free \(measured\)/);

    const admin = await aSession(storefront.postgres.url("storefront"));
    await admin.query("DROP EXTENSION pgstattuple");
    const estimated = await collected("postgres-table-sizes");
    expect(estimated.facts).toMatchObject({ isMeasured: false });
    expect(estimated.summary).toContain("most bloated: bloated, 75 % of its rows dead (estimated)");
    await admin.query("CREATE EXTENSION pgstattuple");
  });

  it("waits for nobody who holds a table", async ({ expect }) => {
    const migration = await owner("migration");
    await migration.query("BEGIN");
    await migration.query("LOCK TABLE pitches IN ACCESS EXCLUSIVE MODE");
    const { summary, facts } = await collected("postgres-table-sizes");
    expect(facts).toMatchObject({ locked: 1 });
    expect(JSON.stringify(facts)).not.toContain('"pitches"');
    expect(summary).toContain("1 tables are locked whole");
  });
});

it("without a database, or with one that is gone, there is no evidence and it is said why", async ({
  expect,
}) => {
  await expect(collected("postgres-statistics", { postgres: null })).rejects.toThrow(
    "POSTGRES_URL is not set",
  );
  const gone = createPostgres({
    connectionString: storefront.postgres.url("nowhere"),
    fetchEndpoint: storefront.fetchEndpoint,
  });
  await expect(collected("postgres-statistics", { postgres: gone })).rejects.toThrow(
    /^the database did not help: /,
  );
});
