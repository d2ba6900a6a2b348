/** The way back from real damage: checks and comparisons on a branch that is a real server with the data of the last clean moment. */
import pg from "pg";
import { afterAll, beforeAll, describe, it, vi } from "vitest";
import { z } from "zod";
import { keepHistory, type PostgresHistory } from "../../../dev/postgres-history.ts";
import { onPort } from "../../../dev/storefront-database.ts";
import { integrityCheck } from "../../../src/integrity/check.ts";
import { pastBranchName } from "../../../src/platform/neon-kept.ts";
import { createPostgres } from "../../../src/platform/postgres.ts";
import type { KeptBranches } from "../../../src/signals/collectors/collector.ts";
import { collectEvidence } from "../../../src/signals/collectors/registry.ts";
import { aCollection, NOW_MS } from "../../support/signals.ts";
import { startStorefront, type Storefront } from "../../support/storefront.ts";
import { vendor } from "../mitigations/neon.ts";

const INCIDENT = { instance: "shop.test", incidentId: "inc_1" };
const CHECKS = [
  {
    kind: "orphans",
    id: "pitches-have-users",
    table: "pitches",
    columns: ["user_id"],
    references: { table: "users", columns: ["id"] },
  },
  { kind: "row-count", id: "payments-stay", table: "payments" },
  { kind: "replica", id: "prices-agree", sql: "SELECT id, price_cents FROM pitches" },
].map((check) => integrityCheck.parse(check));

let storefront: Storefront;
let history: PostgresHistory;
let owner: pg.Client;
let cleanMs: number;
beforeAll(async () => {
  storefront = await startStorefront();
  owner = new pg.Client({ connectionString: storefront.database.ownerUrl });
  await owner.connect();
  await owner.query(`
    INSERT INTO users (email, name, password_hash) SELECT 'lost-' || n || '@shop.test', 'Lost ' || n, 'none' FROM generate_series(1, 12) n;
    INSERT INTO pitches (user_id, title, summary, price_cents) SELECT id, name, 'x', 100 FROM users WHERE email LIKE 'lost-%'`);
  history = await keepHistory(storefront.postgres);
  await owner.query("UPDATE users SET name = name WHERE email LIKE 'lost-%'");
  cleanMs = Date.now();
  await owner.query(`
    ALTER TABLE pitches DROP CONSTRAINT pitches_user_id_fkey;
    DELETE FROM users WHERE email LIKE 'lost-%';
    UPDATE pitches SET price_cents = 1 WHERE title = 'Lost 3';
    INSERT INTO users (email, name, password_hash) VALUES ('new@shop.test', 'New', 'none');
    ALTER TABLE users ADD COLUMN nickname text DEFAULT 'none';
    ALTER TABLE payments ADD COLUMN note text`);
});
afterAll(async () => {
  await owner?.end();
  await history?.[Symbol.asyncDispose]();
  await storefront?.[Symbol.asyncDispose]();
});

/** A Neon whose branches are real, and how Firebreak asks for what it kept there. */
async function aNeon() {
  const neon = await vendor({
    runCompute: async ({ host, atMs }) => {
      const { port } = await history.at(atMs);
      storefront.computes.set(host, port);
      return { url: () => onPort(storefront.database.ownerUrl, port) };
    },
  });
  const kept: KeptBranches = {
    api: neon.client(),
    incident: INCIDENT,
    open(host) {
      const url = new URL(storefront.database.watcherUrl);
      url.host = host;
      url.port = "";
      return createPostgres({
        connectionString: url.href,
        fetchEndpoint: storefront.fetchEndpoint,
      });
    },
  };
  const keep = async (atMs: number): Promise<void> => {
    const made = await neon.ask("/branches", {
      method: "POST",
      body: {
        branch: {
          name: pastBranchName(INCIDENT, atMs),
          parent_id: "br-main",
          parent_timestamp: new Date(atMs).toISOString(),
        },
        endpoints: [{ type: "read_only" }],
      },
    });
    if (!made.ok) throw new Error(await made.text());
  };
  return { kept, keep };
}

const collect = (kept: KeptBranches | null) =>
  collectEvidence(
    "recovery-plan",
    aCollection({
      atMs: NOW_MS,
      onsetAtMs: NOW_MS,
      postgres: storefront.watcher,
      integrityChecks: CHECKS,
      kept,
    }),
  );

/** As the engine asks: again for as long as it may be tried again. */
const plan = (kept: KeptBranches) =>
  vi.waitFor(
    async () => {
      const evidence = await collect(kept);
      if (!evidence.ok) throw new Error(evidence.error.detail);
      return evidence.value;
    },
    { timeout: 30_000, interval: 500 },
  );

describe("the way back", () => {
  it(
    "is worked out on the branch of the last clean moment, once that is there",
    { timeout: 60_000 },
    async ({ expect }) => {
      const { kept, keep } = await aNeon();
      expect(await collect(kept)).toMatchObject({ ok: false, error: { class: "retry" } });
      await keep(cleanMs);
      const { summary, facts } = await plan(kept);
      expect(facts).toMatchObject({
        branch: { name: pastBranchName(INCIDENT, cleanMs), atMs: cleanMs },
        verified: [
          { check: "pitches-have-users", brokenRows: 0, problem: null },
          { check: "payments-stay", problem: null },
        ],
        tables: expect.arrayContaining([
          {
            table: "users",
            missing: 12,
            changed: 0,
            added: 1,
            isAtLeast: false,
            apart: { added: ["nickname"], dropped: [] },
          },
          {
            table: "pitches",
            missing: 0,
            changed: 1,
            added: 0,
            isAtLeast: false,
            apart: { added: [], dropped: [] },
          },
          {
            table: "payments",
            missing: 0,
            changed: 0,
            added: 0,
            isAtLeast: false,
            apart: { added: ["note"], dropped: [] },
          },
        ]),
        notCompared: [],
        plan: { way: "recover-rows", because: "rows_are_missing_and_changed" },
      });
      expect(summary).toContain("every check that judges by itself holds; live against it: ");
      expect(summary).toContain("users 12 missing, 0 changed, with new column nickname");
      expect(JSON.stringify(facts)).not.toContain("lost-");
    },
  );

  it(
    "is a person's to find where the branch is damaged as well",
    { timeout: 60_000 },
    async ({ expect }) => {
      const { kept, keep } = await aNeon();
      await owner.query("SELECT pg_current_xact_id()");
      await keep(Date.now());
      const { facts } = await plan(kept);
      expect(z.looseObject({ plan: z.unknown() }).parse(facts).plan).toMatchObject({
        way: "by-hand",
        because: "branch_is_damaged",
      });
    },
  );

  it("says what is not configured", async ({ expect }) => {
    expect(await collect(null)).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("NEON_API_KEY") },
    });
  });
});
