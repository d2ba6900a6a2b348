/** Rows come back from a branch by the generated script, on a real Postgres: the right ones, all of them, once, or none. */
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, describe, it } from "vitest";
import { dryRun, runRecovery } from "../../../gamedays/recovery.ts";
import { integrityCheck, type IntegrityCheck } from "../../../src/integrity/check.ts";
import { createPostgres, type Postgres } from "../../../src/platform/postgres.ts";
import { collectEvidence } from "../../../src/signals/collectors/registry.ts";
import { measured } from "../../../src/signals/signal.ts";
import { aCollection, NOW_MS } from "../../support/signals.ts";
import { startStorefront, type Storefront } from "../../support/storefront.ts";

/** Names as nobody should choose them. */
const SCHEMA = `
CREATE TABLE regions (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  region_id int NOT NULL REFERENCES regions,
  email text NOT NULL UNIQUE,
  lower_email text GENERATED ALWAYS AS (lower(email)) STORED,
  "odd ""name'" text,
  seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE pitches (id int PRIMARY KEY, user_id bigint CONSTRAINT of_user REFERENCES users, title text);
CREATE SCHEMA "Other $firebreak$";
CREATE TABLE "Other $firebreak$"."users" (a int, b text, PRIMARY KEY (b, a));
INSERT INTO regions SELECT n, 'region ' || n FROM generate_series(1, 5) n;
INSERT INTO users (region_id, email, "odd ""name'") SELECT 1 + n % 5, 'User' || n || '@example.com', 'it''s ' || n FROM generate_series(1, 30) n;
INSERT INTO pitches SELECT n, 1 + (n - 1) % 20, 'pitch ' || n FROM generate_series(1, 40) n;
INSERT INTO pitches VALUES (41, NULL, 'nobody''s');
`;
const CHECKS: readonly IntegrityCheck[] = [
  {
    kind: "orphans",
    id: "pitches-have-users",
    table: "pitches",
    columns: ["user_id"],
    references: { table: "users", columns: ["id"] },
  },
  {
    kind: "orphans",
    id: "users-have-regions",
    table: "public.users",
    columns: ["region_id"],
    references: { table: "regions", columns: ["id"] },
  },
  { kind: "row-count", id: "users-stay", table: "users", drop_max: 0.05 },
].map((check) => integrityCheck.parse(check));

let storefront: Storefront;
let live: pg.Client;
let watcher: Postgres;
let branch: URL;
beforeAll(async () => {
  storefront = await startStorefront();
  const { postgres } = storefront;
  const admin = new pg.Client({ connectionString: postgres.url("postgres") });
  await admin.connect();
  await admin.query("CREATE DATABASE shop");
  const shop = new pg.Client({ connectionString: postgres.url("shop") });
  await shop.connect();
  await shop.query(SCHEMA);
  await shop.end();
  await admin.query("CREATE DATABASE branch TEMPLATE shop");
  await admin.end();
  live = new pg.Client({ connectionString: postgres.url("shop") });
  await live.connect();
  await live.query("CREATE EXTENSION postgres_fdw");
  await live.query("ALTER TABLE pitches DROP CONSTRAINT of_user");
  await live.query("ALTER TABLE users DROP CONSTRAINT users_region_id_fkey");
  branch = new URL(postgres.url("branch"));
  watcher = createPostgres({
    connectionString: postgres.url("shop"),
    fetchEndpoint: storefront.fetchEndpoint,
  });
});
afterAll(async () => {
  await live?.end();
  await storefront?.[Symbol.asyncDispose]();
});

/** What the collector makes of the damage that is there now. */
async function collected(
  dropRatio = 0,
  integrityChecks = CHECKS,
): Promise<{ readonly script: string; readonly summary: string }> {
  const evidence = await collectEvidence(
    "recover-rows",
    aCollection({
      atMs: NOW_MS,
      onsetAtMs: NOW_MS,
      history: async (name) => [measured(name, dropRatio, { atMs: NOW_MS, freshMs: 1_000 })],
      postgres: watcher,
      integrityChecks,
    }),
  );
  if (!evidence.ok) throw new Error(evidence.error.detail);
  const { script } = evidence.value.facts as { script: string | null };
  return { script: script ?? "", summary: evidence.value.summary };
}

const rows = async (text: string): Promise<unknown[]> => (await live.query(text)).rows;
const idsOf = async (table: string): Promise<unknown[]> =>
  (await rows(`SELECT id::int FROM ${table} ORDER BY id`)).map((row) => (row as { id: number }).id);
/** As the branch has it; every value. */
const EVERY_VALUE = "SELECT md5(string_agg(u::text, '|' ORDER BY id)) AS digest FROM users u";
async function digestOfBranch(): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: branch.href });
  await client.connect();
  try {
    return (await client.query(EVERY_VALUE)).rows;
  } finally {
    await client.end();
  }
}
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);
/** Puts everything back, by whole tables. */
async function heal(): Promise<void> {
  const { script } = await collected(0.9);
  await runRecovery(live, script, branch);
}

describe("parents that rows refer to", () => {
  it("come back value for value, with the parents that they need, after a dry run that changes nothing", async ({
    expect,
  }) => {
    await live.query("DELETE FROM users WHERE id <= 7; DELETE FROM regions WHERE id = 3");
    const { script, summary } = await collected();
    expect(summary).toContain("missing rows of users, regions");
    const settings = ["host", "port", "dbname", "user", "password"] as const;
    const values = [branch.hostname, branch.port, "branch", branch.username, branch.password];
    for (const [n, name] of settings.entries()) {
      await live.query("SELECT set_config($1, $2, false)", [`recover.${name}`, values[n]]);
    }
    await live.query("SELECT set_config('recover.expect', '', false)");
    expect(await dryRun(live, script)).toBe("public.regions=1, public.users=7");
    expect(await idsOf("users")).toEqual(numbers(8, 30));

    expect(await runRecovery(live, script, branch)).toBe("public.regions=1, public.users=7");
    expect(await rows(EVERY_VALUE)).toEqual(await digestOfBranch());
    expect(await idsOf("regions")).toEqual(numbers(1, 5));
    // Nothing of the tools is left, and a second run finds nothing to do.
    expect(
      await rows(
        "SELECT 1 FROM pg_foreign_server UNION ALL SELECT 1 FROM pg_namespace WHERE nspname LIKE 'firebreak%'",
      ),
    ).toEqual([]);
    expect(await runRecovery(live, script, branch)).toBe("public.regions=0, public.users=0");
    expect((await collected()).summary).toBe(
      "No script brings rows back: no check has lost rows that a branch could give back",
    );
  });

  it("come back whatever is missing, and nothing that nobody refers to", async ({ expect }) => {
    const subset = (many: number) => fc.uniqueArray(fc.integer({ min: 1, max: many }));
    await fc.assert(
      fc.asyncProperty(subset(30), subset(5), async (users, regions) => {
        await live.query("DELETE FROM users WHERE id = ANY ($1)", [users]);
        await live.query("DELETE FROM regions WHERE id = ANY ($1)", [regions]);
        const { script } = await collected();
        if (script !== "") await runRecovery(live, script, branch);
        const gone = users.filter((id) => id > 20);
        expect(await idsOf("users")).toEqual(numbers(1, 30).filter((id) => !gone.includes(id)));
        expect(
          await rows(
            "SELECT 1 FROM users u WHERE NOT EXISTS (SELECT FROM regions r WHERE r.id = u.region_id)",
          ),
        ).toEqual([]);
        await heal();
      }),
      { numRuns: 12 },
    );
  });
});

describe("it commits nothing", () => {
  it("when it counts other than agreed", async ({ expect }) => {
    await live.query("DELETE FROM users WHERE id <= 2");
    const { script } = await collected();
    await live.query("SELECT set_config('recover.expect', 'public.users=1', false)");
    await expect(dryRun(live, script)).rejects.toThrow(/it counts .*public.users=2, and not/);
    expect(await idsOf("users")).toEqual(numbers(3, 30));
    await heal();
  });

  it("when a row clashes with one that was made since", async ({ expect }) => {
    await live.query("DELETE FROM users WHERE id <= 2");
    await live.query("INSERT INTO users (region_id, email) VALUES (1, 'User1@example.com')");
    const { script } = await collected();
    await expect(runRecovery(live, script, branch)).rejects.toThrow(/clash .*public.users: 1/);
    expect((await idsOf("users")).slice(0, 2)).toEqual([3, 4]);
    await live.query("DELETE FROM users WHERE id > 30");
    await heal();
  });
});

describe("tables that lost rows", () => {
  it("get back everything that the branch has, whoever refers to it", async ({ expect }) => {
    await live.query("DELETE FROM users WHERE id BETWEEN 25 AND 30");
    const { script } = await collected(0.2);
    expect(await runRecovery(live, script, branch)).toContain("public.users=6");
    expect(await rows(EVERY_VALUE)).toEqual(await digestOfBranch());
  });

  it("are told by their exact names, and by keys of several columns", async ({ expect }) => {
    const odd = `"Other $firebreak$"."users"`;
    await live.query(`INSERT INTO ${odd} VALUES (1, 'only live')`);
    const client = new pg.Client({ connectionString: branch.href });
    await client.connect();
    await client.query(`INSERT INTO ${odd} VALUES (1, 'a'), (1, 'b'), (2, 'a')`);
    await client.end();
    const declared = [{ ...CHECKS[2], table: odd } as IntegrityCheck];
    const { script } = await collected(0.2, declared);
    expect(await runRecovery(live, script, branch)).toBe("Other $firebreak$.users=3");
    expect(await rows(`SELECT count(*)::int FROM ${odd}`)).toEqual([{ count: 4 }]);
  });

  it("without a key, or that are not there, are a person's", async ({ expect }) => {
    await live.query("CREATE TABLE keyless (id int)");
    const of = async (table: string) =>
      (await collected(0.2, [integrityCheck.parse({ ...CHECKS[2], table })])).summary;
    expect(await of("keyless")).toContain("public.keyless has no primary key");
    expect(await of("nothing")).toContain("no check has lost rows");
  });
});
