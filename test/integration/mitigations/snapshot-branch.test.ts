/** Branches kept beside production, against a stand-in that refuses what Neon refuses and runs a real Postgres as of the moment. */
import pg from "pg";
import { describe, it, vi } from "vitest";
import { z } from "zod";
import { keepHistory } from "../../../dev/postgres-history.ts";
import { startPostgres, SUPERUSER } from "../../../dev/postgres.ts";
import { startWarden } from "../../../dev/warden.ts";
import type { Reach } from "../../../src/mitigations/actuator.ts";
import { snapshotBranch } from "../../../src/mitigations/actuators/snapshot-branch.ts";
import { asAct, type StoredAct } from "../../../src/mitigations/opaque.ts";
import { actContract } from "../../contract/act.ts";
import { keep } from "../../support/servers.ts";
import { reachWith } from "./cloudflare.ts";
import { KEY, vendor } from "./neon.ts";

const act = asAct(snapshotBranch);
const HOUR_MS = 3_600_000;
const NOW_MS = Date.now();
const ONSET_MS = NOW_MS - HOUR_MS;
const CLEAN_MS = ONSET_MS - 60_000;
const asked = (options: object): StoredAct => ({
  id: "act_00000000000000000000000009",
  incidentId: "inc_1",
  options,
  reason: "inc_1 Data corruption",
  onsetAtMs: ONSET_MS,
});
const cleanAtMs = async () => CLEAN_MS;

actContract({
  act,
  options: { at: "clean", keep: "7d" },
  badOptions: [
    { options: { at: "yesterday" }, field: "at" },
    { options: { at: "now", keep: "1h" }, field: "keep" },
  ],
  onsetAtMs: ONSET_MS,
  secret: KEY,
  async ground() {
    const neon = await vendor();
    return {
      reach: neon.reach({ cleanAtMs }),
      unreachable: neon.unreachable,
      timesDone: async () => ((await neon.state()).branches?.length ?? 0) - 1,
      version: neon.state,
      failNextChange: neon.failNextChange,
      interfere: async () => neon.set({ historyRetentionSeconds: 60 }),
    };
  },
});

async function kept(options: object, reach: Reach): Promise<string> {
  const judgement = await act.judge(asked(options), reach);
  if (!judgement.ok) throw new Error(judgement.error.detail);
  const { judged } = judgement.value;
  const done = await act.perform({ ...asked(options), judged }, reach);
  if (!done.ok) throw new Error(done.error.detail);
  return z.object({ branchId: z.string() }).parse(done.value.receipt).branchId;
}

describe("a snapshot", () => {
  it("of now and of the last clean moment are two, each with its end", async ({ expect }) => {
    const { reach, state } = await vendor();
    await kept({ at: "now" }, reach({ cleanAtMs }));
    await kept({ at: "clean", keep: "2d" }, reach({ cleanAtMs }));
    const [, now, clean] = (await state()).branches ?? [];
    expect(now).toMatchObject({
      name: "firebreak/shop.test/act_00000000000000000000000009",
      parentId: "br-main",
    });
    expect(clean).toMatchObject({
      name: `firebreak/shop.test/inc_1/${new Date(CLEAN_MS).toISOString()}`,
      parentAt: new Date(CLEAN_MS).toISOString(),
    });
    expect(Date.parse(clean?.expiresAt ?? "") - ONSET_MS).toBeGreaterThan(47 * HOUR_MS);
  });

  it.for([
    ["nobody knows when", () => ({})],
    ["further back than", () => ({ cleanAtMs: async () => 0 })],
    ["no such branch", () => ({ branchId: "br-gone", cleanAtMs })],
  ] as const)("is refused with words such as: %s", async ([why, given], { expect }) => {
    const { reach } = await vendor();
    expect(await act.judge(asked({ at: "clean" }), reach(given()))).toMatchObject({
      ok: false,
      error: { class: "refuse", detail: expect.stringContaining(why) },
    });
  });

  it("waits until another operation has ended, and until its own has", async ({ expect }) => {
    const neon = await vendor({ operationMs: 700 });
    await neon.ask("/endpoints/ep-main", {
      method: "PATCH",
      body: { endpoint: { autoscaling_limit_max_cu: 4 } },
    });
    const judged = { parentId: "br-main", atMs: null };
    const one = { ...asked({ at: "now" }), judged };
    expect(await act.perform(one, neon.reach())).toMatchObject({ error: { class: "retry" } });
    await vi.waitFor(
      async () => expect(await act.perform(one, neon.reach())).toMatchObject({ ok: true }),
      { timeout: 10_000, interval: 100 },
    );
    expect(await act.confirm(one, neon.reach())).toMatchObject({ value: { done: true } });
    expect((await neon.state()).branches).toHaveLength(2);
  });

  it("says what is not configured", ({ expect }) => {
    expect(act.missing(reachWith(null))).toContain("NEON_API_KEY");
  });

  it("holds the rows that were deleted since", { timeout: 60_000 }, async ({ expect }) => {
    const { directory } = keep(startWarden());
    const live = keep(await startPostgres({ directory }));
    const ask = async (url: string, sql: string): Promise<readonly unknown[]> => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        return (await client.query(sql)).rows;
      } finally {
        await client.end();
      }
    };
    await ask(live.url(SUPERUSER), "CREATE TABLE payments AS SELECT 1 AS id");
    const history = keep(await keepHistory(live));
    await ask(live.url(SUPERUSER), "INSERT INTO payments VALUES (2)");
    const cleanMs = Date.now();
    await ask(live.url(SUPERUSER), "DELETE FROM payments WHERE id = 1");
    const neon = await vendor({
      runCompute: async ({ atMs }) => {
        const server = await history.at(atMs);
        return { url: (database) => server.url(database) };
      },
    });

    const branchId = await kept({ at: "clean" }, neon.reach({ cleanAtMs: async () => cleanMs }));
    const found = await neon.ask(
      `/connection_uri?branch_id=${branchId}&database_name=${SUPERUSER}&role_name=${SUPERUSER}`,
    );
    const { uri } = z.object({ uri: z.string() }).parse(await found.json());
    const ids = "SELECT id FROM payments ORDER BY id";
    expect(await ask(uri, ids)).toEqual([{ id: 1 }, { id: 2 }]);
    expect(await ask(live.url(SUPERUSER), ids)).toEqual([{ id: 2 }]);
  });
});
