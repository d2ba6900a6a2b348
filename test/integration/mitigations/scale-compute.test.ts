/** Letting a compute grow and taking that back, against a stand-in that refuses what Neon refuses. */
import { describe, it, vi } from "vitest";
import type { Reach } from "../../../src/mitigations/actuator.ts";
import { readMark } from "../../../src/mitigations/mark.ts";
import type { StoredLease } from "../../../src/mitigations/opaque.ts";
import { reap, REAP_AFTER_MS } from "../../../src/mitigations/reaper.ts";
import { actuators, markings } from "../../../src/mitigations/registry.ts";
import { vendorActuatorContract } from "../../contract/actuator.ts";
import { reachWith } from "./cloudflare.ts";
import { KEY, vendor } from "./neon.ts";

const actuator = actuators["scale-compute"];
const HOUR_MS = 3_600_000;
const ID = "lse_00000000000000000000000007";
const aLease = (changes: Partial<StoredLease> = {}): StoredLease => ({
  id: ID,
  incidentId: "inc_1",
  options: { max_cu: 4 },
  reason: "database",
  shadow: false,
  share: 1,
  expiresAtMs: Date.now() + HOUR_MS,
  prior: null,
  ...changes,
});

/** A small project: `ep-main` may use 2 CU. */
async function project(given: Parameters<typeof vendor>[0] = {}) {
  const neon = await vendor(given);
  const change = async (path: string, method: string, body?: unknown): Promise<void> => {
    const answer = await neon.ask(path, { method, body });
    if (!answer.ok) throw new Error(await answer.text());
  };
  const notes = async () =>
    ((await neon.state()).branches ?? []).flatMap(({ id, name }) => {
      const mark = readMark(name);
      return mark === null ? [] : [{ id, mark }];
    });
  return {
    ...neon,
    notes,
    maxCu: async () => (await neon.state()).endpoints?.[0]?.maxCu,
    setMaxCu: (maxCu: number) =>
      change("/endpoints/ep-main", "PATCH", { endpoint: { autoscaling_limit_max_cu: maxCu } }),
    removeNote: (id: string) => change(`/branches/${id}`, "DELETE"),
  };
}

vendorActuatorContract(
  {
    actuator,
    options: { max_cu: 4 },
    badOptions: [
      { options: {}, field: "max_cu" },
      { options: { max_cu: 0 }, field: "max_cu" },
      { options: { max_cu: 17 }, field: "max_cu" },
      { options: { max_cu: 4, min_cu: 1 }, field: "min_cu" },
    ],
    async ground() {
      const neon = await project();
      // Time enough between two calls, so that neither our own limit nor a 429 is felt.
      let atMs = 0;
      const api = neon.client(neon.base, KEY, () => (atMs += 60_000));
      return {
        reach: neon.reach({ api }),
        unreachable: neon.unreachable,
        version: async () => (await neon.state()).endpoints,
        standing: async (leaseId) => {
          const note = (await neon.notes()).find(({ mark }) => mark.leaseId === leaseId);
          return note === undefined
            ? null
            : { share: 1, shadow: false, expiresAtMs: note.mark.expiresAtMs };
        },
        takeOver: () => neon.setMaxCu(6),
        remove: async (leaseId) => {
          await neon.setMaxCu(2);
          for (const { id, mark } of await neon.notes()) {
            if (mark.leaseId === leaseId) await neon.removeNote(id);
          }
        },
        failNextChange: neon.failNextWrite,
      };
    },
  },
  KEY,
);

describe("scaling a compute", () => {
  const apply = (lease: StoredLease, reach: Reach) => actuator.apply(lease, reach);

  it("lets it grow to the cap, never beyond what Neon lets it move within", async ({ expect }) => {
    const { reach, maxCu } = await project();
    const prior = { computeId: "ep-main", beforeCu: 2, afterCu: 8.25 };
    expect(await apply(aLease({ options: { max_cu: 16 } }), reach())).toMatchObject({
      ok: true,
      value: { prior },
    });
    expect(await maxCu()).toBe(8.25);
  });

  it("waits while the project is busy, and until its own operations have ended, both ways", async ({
    expect,
  }) => {
    const neon = await project({ operationMs: 700 });
    const busy = { error: { class: "retry", detail: expect.stringContaining("HTTP 423") } };
    const lease = aLease();
    const patience = { timeout: 10_000, interval: 100 };
    // Somebody else is at work on it; a change that did not wait for its end would find it locked.
    await neon.setMaxCu(3);
    expect(await apply(lease, neon.reach())).toMatchObject(busy);
    expect(await neon.notes()).toEqual([]);
    const applied = await vi.waitFor(async () => {
      const answer = await apply(lease, neon.reach());
      if (!answer.ok) throw new Error(answer.error.detail);
      return answer.value;
    }, patience);
    expect(applied.prior).toEqual({ computeId: "ep-main", beforeCu: 3, afterCu: 4 });
    const one = { ...lease, prior: applied.prior };
    expect(await actuator.verify(one, neon.reach())).toEqual({ ok: true, value: true });
    // Locked no more: this is not turned away.
    await neon.setMaxCu(4);
    expect(await actuator.revert(one, neon.reach())).toMatchObject(busy);
    await vi.waitFor(
      async () => expect(await actuator.revert(one, neon.reach())).toMatchObject({ ok: true }),
      patience,
    );
    expect([await neon.maxCu(), await neon.notes()]).toEqual([3, []]);
  });

  it("is refused where it may use as much already", async ({ expect }) => {
    const { reach, notes } = await project();
    expect(await apply(aLease({ options: { max_cu: 2 } }), reach())).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("2 CU already") },
    });
    expect(await notes()).toEqual([]);
  });

  it("is finished by the next attempt when it died after its note", async ({ expect }) => {
    const neon = await project();
    await neon.fail("5xx", "PATCH");
    expect(await apply(aLease(), neon.reach())).toMatchObject({
      error: { class: "unknown_outcome" },
    });
    expect(await neon.notes()).toHaveLength(1);
    expect(await actuator.inspect(aLease(), neon.reach())).toBe("ours");
    expect(await apply(aLease(), neon.reach())).toMatchObject({ ok: true });
    expect([await neon.maxCu(), (await neon.notes()).length]).toEqual([4, 1]);
  });

  it("is undone by the reaper when incident and monitor are gone, and once", async ({ expect }) => {
    const neon = await project();
    const lease = aLease();
    await apply(lease, neon.reach());
    const lateMs = lease.expiresAtMs + REAP_AFTER_MS;
    expect(await reap(markings, neon.reach(), lateMs - 1)).toEqual([]);
    expect(await reap(markings, neon.reach(), lateMs)).toEqual([
      { actuator: "scale-compute", leaseId: ID, outcome: "restored", detail: null },
    ]);
    expect([await neon.maxCu(), await neon.notes()]).toEqual([2, []]);
    expect(await reap(markings, neon.reach(), lateMs)).toEqual([]);
  });

  it("is left alone by the reaper where somebody has set something else", async ({ expect }) => {
    const neon = await project();
    const lease = aLease();
    await apply(lease, neon.reach());
    await neon.setMaxCu(6);
    expect(await reap(markings, neon.reach(), lease.expiresAtMs + HOUR_MS)).toMatchObject([
      { outcome: "changed" },
    ]);
    expect([await neon.maxCu(), await neon.notes()]).toEqual([6, []]);
  });

  it("costs the reaper nothing where Neon is not configured, and says what is missing", async ({
    expect,
  }) => {
    expect(await reap(markings, reachWith(null), Date.now())).toEqual([]);
    expect(actuator.missing(reachWith(null))).toContain("NEON_API_KEY");
  });
});
