/** Production set back in place, against a stand-in that refuses what Neon refuses and whose computes are real servers. */
import pg from "pg";
import { describe, it, vi } from "vitest";
import { keepHistory } from "../../../dev/postgres-history.ts";
import { onPort } from "../../../dev/storefront-database.ts";
import type { Reach } from "../../../src/mitigations/actuator.ts";
import { restoreInPlace } from "../../../src/mitigations/actuators/restore-in-place.ts";
import { asAct, type StoredAct, type StoredJudgedAct } from "../../../src/mitigations/opaque.ts";
import { pastBranchName } from "../../../src/platform/neon-kept.ts";
import type { Neon } from "../../../src/platform/neon.ts";
import { actContract } from "../../contract/act.ts";
import { keep, startPostgresBehindNeon } from "../../support/servers.ts";
import { reachWith } from "./cloudflare.ts";
import { KEY, vendor } from "./neon.ts";

const act = asAct(restoreInPlace);
const ID = "act_00000000000000000000000009";
const MAIN = "ep-main.eu-central-1.aws.neon.tech";
const asked = (incidentId = "inc_1"): StoredAct => ({
  id: ID,
  incidentId,
  options: {},
  reason: "inc_1 Data corruption",
  onsetAtMs: Date.now(),
});

type Vendor = Awaited<ReturnType<typeof vendor>>;

/** The branch that `snapshot-branch` keeps of the last clean moment. */
async function keepClean(neon: Vendor, atMs: number, incidentId = "inc_1"): Promise<void> {
  const made = await neon.ask("/branches", {
    method: "POST",
    body: {
      branch: {
        name: pastBranchName({ instance: "shop.test", incidentId }, atMs),
        parent_id: "br-main",
        parent_timestamp: new Date(atMs).toISOString(),
      },
      endpoints: [{ type: "read_only" }],
    },
  });
  if (!made.ok) throw new Error(await made.text());
}

const preserved = async (neon: Vendor) =>
  ((await neon.state()).branches ?? []).filter(({ name }) => name.includes("/act_"));

async function judgedAt(reach: Reach): Promise<StoredJudgedAct> {
  const judgement = await act.judge(asked(), reach);
  if (!judgement.ok) throw new Error(judgement.error.detail);
  return { ...asked(), judged: judgement.value.judged };
}

actContract({
  act,
  options: {},
  badOptions: [{ options: { to: "yesterday" }, field: "to" }],
  onsetAtMs: Date.now(),
  secret: KEY,
  async ground() {
    const neon = await vendor();
    await keepClean(neon, Date.now() - 60_000, "inc_contract");
    return {
      reach: neon.reach(),
      unreachable: neon.unreachable,
      timesDone: async () => (await preserved(neon)).length,
      version: neon.state,
      failNextChange: neon.failNextChange,
      interfere: async () => neon.set({ ...(await neon.state()), historyRetentionSeconds: 60 }),
    };
  },
});

describe("restoring in place", () => {
  it("is prepared only once the last clean moment can be looked at beside production", async ({
    expect,
  }) => {
    const neon = await vendor();
    expect(await act.judge(asked(), neon.reach())).toMatchObject({ error: { class: "retry" } });
    await keepClean(neon, Date.now() - 60_000);
    expect(await act.judge(asked(), neon.reach())).toMatchObject({
      value: { says: expect.stringContaining(`stays only as branch firebreak/shop.test/${ID}`) },
    });
  });

  it("keeps what is there under its own name, and what was kept before stays", async ({
    expect,
  }) => {
    const neon = await vendor();
    const cleanMs = Date.now() - 60_000;
    await keepClean(neon, cleanMs);
    const one = await judgedAt(neon.reach());
    expect(await act.perform(one, neon.reach())).toMatchObject({
      value: { receipt: { branchId: "br-main", preservedName: `firebreak/shop.test/${ID}` } },
    });
    const [kept] = await preserved(neon);
    expect((await neon.state()).branches).toMatchObject([
      {
        id: "br-main",
        isDefault: true,
        parentId: kept?.id,
        parentAt: new Date(cleanMs).toISOString(),
      },
      { parentId: kept?.id },
      { name: `firebreak/shop.test/${ID}`, isDefault: false },
    ]);
    const [change] = (await neon.calls()).filter(({ path }) => path.endsWith("/restore"));
    expect(JSON.parse(change?.body ?? "")).toEqual({
      source_branch_id: "br-main",
      source_timestamp: new Date(cleanMs).toISOString(),
      preserve_under_name: `firebreak/shop.test/${ID}`,
    });
  });

  it("waits while the project is busy, and until its own operations have ended", async ({
    expect,
  }) => {
    const neon = await vendor({ operationMs: 700 });
    await keepClean(neon, Date.now() - 60_000);
    const one = await vi.waitFor(() => judgedAt(neon.reach()), { timeout: 10_000, interval: 100 });
    await neon.ask("/endpoints/ep-main", {
      method: "PATCH",
      body: { endpoint: { autoscaling_limit_max_cu: 4 } },
    });
    expect(await act.perform(one, neon.reach())).toMatchObject({ error: { class: "retry" } });
    await vi.waitFor(
      async () => expect(await act.perform(one, neon.reach())).toMatchObject({ ok: true }),
      { timeout: 10_000, interval: 100 },
    );
    expect(await act.confirm(one, neon.reach())).toMatchObject({ value: { done: true } });
    expect(await preserved(neon)).toHaveLength(1);
  });

  it("refuses once what was judged is another branch", async ({ expect }) => {
    const neon = await vendor();
    await keepClean(neon, Date.now() - 60_000);
    const one = await judgedAt(neon.reach());
    await keepClean(neon, Date.now() - 30_000);
    expect(await act.perform(one, neon.reach())).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("another since") },
    });
    expect(await preserved(neon)).toEqual([]);
  });

  it("says what is not configured", ({ expect }) => {
    expect(act.missing(reachWith(null))).toContain("NEON_API_KEY");
  });

  it("happens once, whichever call to Neon is the last that is made before the end", async ({
    expect,
  }) => {
    for (let dieAt = 1, isOver = false; !isOver; dieAt += 1) {
      const neon = await vendor();
      await keepClean(neon, Date.now() - 60_000);
      const one = await judgedAt(neon.reach());
      const dying = neon.reach({ api: mortal(neon.client(), dieAt) });
      const died = await act.perform(one, dying).then(
        () => false,
        () => true,
      );
      // As the engine does: it asks first, and does it only if it was not done.
      const confirmed = await act.confirm(one, neon.reach());
      if (!confirmed.ok) throw new Error(confirmed.error.detail);
      if (!confirmed.value.done) {
        expect(await act.perform(one, neon.reach())).toMatchObject({ ok: true });
      }
      expect({ dieAt, times: (await preserved(neon)).length }).toEqual({ dieAt, times: 1 });
      isOver = !died;
      if (isOver) expect(dieAt).toBeGreaterThan(10);
    }
  });

  it(
    "brings the rows back behind the same connection string",
    { timeout: 60_000 },
    async ({ expect }) => {
      const servers = keep(await startPostgresBehindNeon());
      const live = servers.postgres;
      const ownUrl = live.url("postgres");
      servers.computes.set(MAIN, live.port);
      /** As production connects: by host name, to whatever serves it. */
      const rows = async (): Promise<readonly unknown[]> => {
        const client = new pg.Client({
          connectionString: onPort(ownUrl, servers.computes.get(MAIN) ?? 0),
        });
        await client.connect();
        try {
          return (await client.query("SELECT id FROM payments ORDER BY id")).rows;
        } finally {
          await client.end();
        }
      };
      const admin = new pg.Client({ connectionString: ownUrl });
      await admin.connect();
      await admin.query("CREATE TABLE payments AS SELECT 1 AS id");
      const history = keep(await keepHistory(live));
      await admin.query("INSERT INTO payments VALUES (2)");
      const cleanMs = Date.now();
      await admin.query("DELETE FROM payments WHERE id = 1");
      await admin.end();
      const neon = await vendor({
        runCompute: async ({ host, atMs }) => {
          const { port } = await history.at(atMs);
          servers.computes.set(host, port);
          return { url: () => onPort(ownUrl, port) };
        },
      });
      await keepClean(neon, cleanMs);
      expect(await rows()).toEqual([{ id: 2 }]);
      const one = await vi.waitFor(() => judgedAt(neon.reach()), {
        timeout: 20_000,
        interval: 500,
      });
      await vi.waitFor(
        async () => expect(await act.perform(one, neon.reach())).toMatchObject({ ok: true }),
        { timeout: 20_000, interval: 500 },
      );
      expect(await rows()).toEqual([{ id: 1 }, { id: 2 }]);
    },
  );
});

/** Ends at its n-th step: before a call, or after it with the answer lost. */
function mortal(api: Neon, dieAt: number): Neon {
  let steps = 0;
  const step = (): void => {
    steps += 1;
    if (steps === dieAt) throw new Error("the test ends it here");
  };
  return {
    async call(asking) {
      step();
      const answered = await api.call(asking);
      step();
      return answered;
    },
  };
}
