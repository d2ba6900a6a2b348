/** What the integrity checks see of real damage in a real database. */
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Acceptance } from "../../../src/integrity/accepted.ts";
import { integrityCheck, type IntegrityCheck } from "../../../src/integrity/check.ts";
import { createPostgres, type Postgres } from "../../../src/platform/postgres.ts";
import { collectEvidence } from "../../../src/signals/collectors/registry.ts";
import { measured } from "../../../src/signals/signal.ts";
import type { Answers } from "../../../src/signals/source.ts";
import { integrity } from "../../../src/signals/sources/integrity.ts";
import { aCollection, aPoll, aReach, NOW_MS } from "../../support/signals.ts";
import { aSession, startStorefront, type Storefront } from "../../support/storefront.ts";

let storefront: Storefront;
beforeAll(async () => {
  storefront = await startStorefront();
});
afterAll(() => storefront?.[Symbol.asyncDispose]());

const owner = () => aSession(storefront.database.ownerUrl);
const checks = (...given: readonly object[]): readonly IntegrityCheck[] =>
  given.map((one) => integrityCheck.parse(one));
const PITCHES_HAVE_USERS = {
  kind: "orphans",
  id: "pitches-have-users",
  table: "pitches",
  columns: ["user_id"],
  references: { table: "users", columns: ["id"] },
};

/** What the scope of damage does not need. */
const NO_CONTEXT = aCollection({
  atMs: NOW_MS,
  onsetAtMs: NOW_MS,
});

/** Polls in a row that hand on what they keep. */
function aMonitor(
  integrityChecks: readonly IntegrityCheck[],
  postgres?: Postgres | null,
  accepted: () => Promise<readonly Acceptance[]> = async () => [],
) {
  let kept: unknown = null;
  return (atMs = NOW_MS): Promise<Answers<"integrity">> =>
    integrity.poll(
      aPoll({
        told: { ...aReach().told, accepted },
        postgres: postgres === undefined ? storefront.watcher : postgres,
        integrityChecks,
        atMs,
        kept: JSON.parse(JSON.stringify(kept)),
        keep: (note) => {
          kept = note;
        },
      }),
    );
}

describe("a sound database", () => {
  it("breaks none of the checks, and lacks no constraint", async ({ expect }) => {
    const poll = aMonitor(
      checks(PITCHES_HAVE_USERS, {
        kind: "duplicates",
        id: "emails",
        table: "public.users",
        columns: ["email"],
      }),
    );
    await poll(NOW_MS);
    expect(await poll(NOW_MS + 30_000)).toEqual({
      "integrity.failed_checks_count": { value: 0 },
      "integrity.broken_rows_count": { value: 0 },
      "integrity.row_drop_ratio": expect.objectContaining({ unknown: "not_configured" }),
      "integrity.invalid_constraints_count": { value: 0 },
      "integrity.missing_constraints_count": { value: 0 },
      "integrity.clean_age_seconds": { value: 0 },
    });
  });
});

describe("damage", () => {
  it("by a constraint that was dropped and parents that were deleted is counted, and dated", async ({
    expect,
  }) => {
    const client = await owner();
    await client.query("CREATE TABLE parents (id int PRIMARY KEY)");
    await client.query(
      "CREATE TABLE children (id int PRIMARY KEY, parent_id int CONSTRAINT of_parent REFERENCES parents)",
    );
    await client.query("INSERT INTO parents SELECT generate_series(1, 100)");
    await client.query("INSERT INTO children SELECT n, n FROM generate_series(1, 100) n");
    await client.query("INSERT INTO children VALUES (101, NULL)");
    await client.query("GRANT SELECT ON parents, children TO PUBLIC");
    const declared = checks({
      ...PITCHES_HAVE_USERS,
      id: "children-have-parents",
      table: "children",
      columns: ["parent_id"],
      references: { table: "parents", columns: ["id"] },
    });
    const poll = aMonitor(declared);
    expect(await poll(NOW_MS)).toMatchObject({
      "integrity.failed_checks_count": { value: 0 },
      "integrity.missing_constraints_count": { value: 0 },
    });

    await client.query("ALTER TABLE children DROP CONSTRAINT of_parent");
    expect(await poll(NOW_MS + 10_000)).toMatchObject({
      "integrity.failed_checks_count": { value: 0 },
      "integrity.missing_constraints_count": { value: 1 },
    });
    await client.query("DELETE FROM parents WHERE id <= 30");
    expect(await poll(NOW_MS + 20_000)).toMatchObject({
      "integrity.failed_checks_count": { value: 1 },
      "integrity.broken_rows_count": { value: 30 },
      "integrity.clean_age_seconds": { value: 10 },
    });

    const scope = await collectEvidence("integrity-scope", {
      ...NO_CONTEXT,
      history: async (name) => [measured(name, 30, { atMs: NOW_MS + 20_000, freshMs: 1_000 })],
      postgres: storefront.watcher,
      integrityChecks: declared,
    });
    expect(scope).toMatchObject({
      ok: true,
      value: {
        summary: expect.stringMatching(
          /^30 broken rows in children, first seen 2026-11-23T12:00:20/,
        ),
        facts: { findings: [{ check: "children-have-parents", brokenRows: 30 }] },
      },
    });
    expect(scope).toHaveProperty("value.facts.findings.0.missing.0", "(1)");

    // Constrained again, but not proven: the database itself says so.
    await client.query(
      "ALTER TABLE children ADD CONSTRAINT of_parent FOREIGN KEY (parent_id) REFERENCES parents NOT VALID",
    );
    expect(await poll(NOW_MS + 30_000)).toMatchObject({
      "integrity.invalid_constraints_count": { value: 1 },
      "integrity.missing_constraints_count": { value: 1 },
    });
    await client.query("INSERT INTO parents SELECT generate_series(1, 30)");
    await client.query("ALTER TABLE children VALIDATE CONSTRAINT of_parent");
    expect(await poll(NOW_MS + 40_000)).toMatchObject({
      "integrity.failed_checks_count": { value: 0 },
      "integrity.invalid_constraints_count": { value: 0 },
      "integrity.missing_constraints_count": { value: 0 },
      "integrity.clean_age_seconds": { value: 0 },
    });
  });

  it("by keys, invariants, lost rows and changed ones is each seen", async ({ expect }) => {
    const client = await owner();
    await client.query("CREATE TABLE plans (name text, price int)");
    await client.query("INSERT INTO plans SELECT 'plan ' || n, n FROM generate_series(1, 50) n");
    await client.query("GRANT SELECT ON plans TO PUBLIC");
    const poll = aMonitor(
      checks(
        { kind: "duplicates", id: "names", table: "plans", columns: ["name"] },
        { kind: "invariant", id: "paid", sql: "SELECT 1 FROM plans WHERE price < 0" },
        { kind: "row-count", id: "rows", table: "plans", drop_max: 0.1 },
        { kind: "checksum", id: "same", table: "plans", columns: ["name", "price"] },
      ),
    );
    await poll(NOW_MS);
    await client.query("UPDATE plans SET price = -price WHERE price <= 2");
    expect(await poll(NOW_MS + 10_000)).toMatchObject({
      // The invariant, and the table that should stay as it is.
      "integrity.failed_checks_count": { value: 2 },
      "integrity.broken_rows_count": { value: 2 },
    });
    await client.query("DELETE FROM plans WHERE price > 40");
    await client.query("INSERT INTO plans VALUES ('plan 3', 3)");
    expect(await poll(NOW_MS + 20_000)).toMatchObject({
      "integrity.failed_checks_count": { value: 4 },
      "integrity.broken_rows_count": { value: 3 },
      "integrity.row_drop_ratio": { value: expect.closeTo(9 / 50, 5) as number },
    });
  });

  it("by lost rows lasts until they are back or a person accepts it, and costs no question before", async ({
    expect,
  }) => {
    const client = await owner();
    await client.query("CREATE TABLE members (id int)");
    await client.query("INSERT INTO members SELECT generate_series(1, 100)");
    await client.query("GRANT SELECT ON members TO PUBLIC");
    const words: Acceptance[] = [];
    let asked = 0;
    const poll = aMonitor(
      checks({ kind: "row-count", id: "members-stay", table: "members", within: "1m" }),
      undefined,
      async () => {
        asked += 1;
        return words;
      },
    );
    const failedAt = async (atMs: number) => (await poll(atMs))["integrity.failed_checks_count"];
    // Long accepted, when nothing was wrong: it says nothing of what comes.
    words.push({ check: "members-stay", atMs: NOW_MS - 1, by: "ada", why: "they left" });
    expect(await failedAt(NOW_MS)).toEqual({ value: 0 });
    await client.query("DELETE FROM members WHERE id > 50");
    expect(await failedAt(NOW_MS + 10_000)).toEqual({ value: 1 });
    expect(asked).toBe(0);
    expect(await failedAt(NOW_MS + 3_600_000)).toEqual({ value: 1 });
    expect(asked).toBe(1);
    words.splice(0, 1, { check: "members-stay", atMs: NOW_MS + 3_605_000, by: "ada", why: "spam" });
    expect(await failedAt(NOW_MS + 3_610_000)).toEqual({ value: 0 });
    await client.query("DELETE FROM members WHERE id > 40");
    expect(await failedAt(NOW_MS + 3_620_000)).toEqual({ value: 1 });
    await client.query("INSERT INTO members SELECT generate_series(1, 10)");
    expect(await failedAt(NOW_MS + 3_630_000)).toEqual({ value: 0 });
  });

  it("is seen by an invariant that ends in a comment", async ({ expect }) => {
    const poll = aMonitor(
      checks({ kind: "invariant", id: "told", sql: "SELECT 1 -- what should not be" }),
    );
    expect((await poll())["integrity.failed_checks_count"]).toEqual({ value: 1 });
  });

  it("by an invariant that writes is not ours: the statement is read-only", async ({ expect }) => {
    const client = await owner();
    await client.query("CREATE SEQUENCE counter; GRANT ALL ON SEQUENCE counter TO PUBLIC");
    const poll = aMonitor(
      checks({ kind: "invariant", id: "sneaky", sql: "SELECT nextval('counter')" }),
    );
    expect((await poll())["integrity.failed_checks_count"]).toMatchObject({ unknown: "no_data" });
  });
});

describe("constraints", () => {
  it("guard a key when they are on its columns, and on nothing less", async ({ expect }) => {
    const client = await owner();
    await client.query("CREATE TABLE coded (tenant int NOT NULL, code text, note text)");
    await client.query("CREATE UNIQUE INDEX ON coded (tenant, lower(code))");
    const missing = async (...columns: readonly string[]) => {
      const poll = aMonitor(checks({ kind: "duplicates", id: "keys", table: "coded", columns }));
      return (await poll())["integrity.missing_constraints_count"];
    };
    // Unique is the pair with the expression, and neither column alone.
    expect(await missing("tenant")).toEqual({ value: 1 });
    await client.query("CREATE UNIQUE INDEX ON coded (code) INCLUDE (note)");
    expect(await missing("code")).toEqual({ value: 0 });
    expect(await missing("code", "note")).toEqual({ value: 1 });
  });
});

describe("not knowing", () => {
  const locked = { ...PITCHES_HAVE_USERS, id: "locked", table: "held", columns: ["user_id"] };

  it("whether a check holds is not that it holds, and hides no other that does not", async ({
    expect,
  }) => {
    const client = await owner();
    await client.query("CREATE TABLE held (user_id bigint); GRANT SELECT ON held TO PUBLIC");
    await client.query("BEGIN");
    await client.query("LOCK TABLE held IN ACCESS EXCLUSIVE MODE");
    const answers = await aMonitor(checks(PITCHES_HAVE_USERS, locked))();
    expect(answers["integrity.failed_checks_count"]).toMatchObject({
      unknown: "no_data",
      detail: expect.stringContaining("locked: timeout"),
    });
    expect(answers["integrity.clean_age_seconds"]).toMatchObject({ unknown: "no_data" });

    const broken = { kind: "invariant", id: "broken", sql: "SELECT 1" };
    expect(await aMonitor(checks(broken, locked))()).toMatchObject({
      "integrity.failed_checks_count": { value: 1 },
      "integrity.broken_rows_count": { value: 1 },
    });
  });

  it(
    "of slow checks keeps no other from its turn, and nobody waiting",
    { timeout: 90_000 },
    async ({ expect }) => {
      const client = await owner();
      await client.query("CREATE TABLE slow (user_id bigint); GRANT SELECT ON slow TO PUBLIC");
      await client.query("BEGIN");
      await client.query("LOCK TABLE slow IN ACCESS EXCLUSIVE MODE");
      const slow = ["a", "b", "c", "d", "e"].map((id) => ({ ...locked, id, table: "slow" }));
      const broken = { kind: "invariant", id: "broken", sql: "SELECT 1" };
      const poll = aMonitor(checks(...slow, broken));
      const startedAtMs = performance.now();
      expect((await poll())["integrity.failed_checks_count"]).toMatchObject({ unknown: "no_data" });
      expect(performance.now() - startedAtMs).toBeLessThan(integrity.deadlineMs);
      expect(await poll(NOW_MS + 10_000)).toMatchObject({
        "integrity.failed_checks_count": { value: 1 },
      });
      // What was found is evidence, however many others could not be looked at.
      const scope = await collectEvidence("integrity-scope", {
        ...NO_CONTEXT,
        postgres: storefront.watcher,
        integrityChecks: checks(broken, ...slow),
      });
      expect(scope).toMatchObject({
        ok: true,
        value: { summary: "1 broken rows in broken; 5 checks could not be looked at" },
      });
    },
  );

  it("anything without a database, or without checks, is said", async ({ expect }) => {
    const none = await aMonitor(checks(PITCHES_HAVE_USERS), null)();
    expect(none["integrity.failed_checks_count"]).toMatchObject({ unknown: "not_configured" });
    const unasked = await aMonitor([])();
    expect(unasked["integrity.failed_checks_count"]).toMatchObject({ unknown: "not_configured" });
    const gone = createPostgres({
      connectionString: storefront.postgres.url("nowhere"),
      fetchEndpoint: storefront.fetchEndpoint,
    });
    const answers = await aMonitor(checks(PITCHES_HAVE_USERS), gone)();
    expect(answers["integrity.failed_checks_count"]).toMatchObject({ unknown: "no_data" });
  });
});
