/** A replica that is added at Neon and taken away again, against a stand-in that refuses what Neon refuses. */
import { describe, it } from "vitest";
import type { NeonReach, Reach } from "../../../src/mitigations/actuator.ts";
import { readMark } from "../../../src/mitigations/mark.ts";
import type { StoredLease } from "../../../src/mitigations/opaque.ts";
import { reap, REAP_AFTER_MS } from "../../../src/mitigations/reaper.ts";
import { actuators, markings } from "../../../src/mitigations/registry.ts";
import { vendorActuatorContract } from "../../contract/actuator.ts";
import { aPolicyReach } from "../../support/policy.ts";
import { reachWith } from "./cloudflare.ts";
import { KEY, vendor } from "./neon.ts";

const actuator = actuators["add-read-replica"];
const HOUR_MS = 3_600_000;
const ID = "lse_00000000000000000000000008";
const aLease = (changes: Partial<StoredLease> = {}): StoredLease => ({
  id: ID,
  incidentId: "inc_1",
  options: { max_cu: 2 },
  reason: "database",
  shadow: false,
  share: 1,
  expiresAtMs: Date.now() + HOUR_MS,
  prior: null,
  ...changes,
});

/** A small project, and what production is told. */
async function project(given: Parameters<typeof vendor>[0] = {}) {
  const neon = await vendor(given);
  const policy = aPolicyReach();
  // Time enough between two calls, so that neither our own limit nor a 429 is felt.
  let atMs = 0;
  const api = neon.client(neon.base, KEY, () => (atMs += 60_000));
  const reach = (changes: Partial<NeonReach> = {}): Reach => ({
    ...neon.reach({ api, ...changes }),
    policy,
  });
  const readers = async () =>
    ((await neon.state()).endpoints ?? []).filter(({ type }) => type === "read_only");
  const notes = async () =>
    ((await neon.state()).branches ?? []).flatMap(({ id, name }) => {
      const mark = readMark(name);
      return mark === null ? [] : [{ id, mark }];
    });
  /** As a person at the vendor's console. */
  const keepUnderAnotherName = async (): Promise<void> => {
    const state = await neon.state();
    const endpoints = (state.endpoints ?? []).map((one) =>
      one.type === "read_only" ? { ...one, name: "reports" } : one,
    );
    await neon.set({ ...state, endpoints });
  };
  const removeReaders = async (): Promise<void> => {
    for (const { id } of await readers()) await neon.ask(`/endpoints/${id}`, { method: "DELETE" });
  };
  return { ...neon, policy, reach, readers, notes, keepUnderAnotherName, removeReaders };
}

vendorActuatorContract(
  {
    actuator,
    options: { max_cu: 2, max_lag: "2s", read_your_writes: "5s" },
    badOptions: [
      { options: {}, field: "max_cu" },
      { options: { max_cu: 17 }, field: "max_cu" },
      { options: { max_cu: 2, max_lag: "10ms" }, field: "max_lag" },
      { options: { max_cu: 2, max_lag: "9s", read_your_writes: "1s" }, field: "read_your_writes" },
      { options: { max_cu: 2, host: "evil.example" }, field: "host" },
    ],
    async ground() {
      const neon = await project();
      return {
        reach: neon.reach(),
        unreachable: { ...neon.unreachable, policy: neon.policy },
        version: async () => [(await neon.state()).endpoints, [...neon.policy.entries.values()]],
        standing: async (leaseId) => {
          const note = (await neon.notes()).find(({ mark }) => mark.leaseId === leaseId);
          const entry = neon.policy.entries.get(leaseId);
          if (note === undefined || entry === undefined) return null;
          return {
            share: entry.share,
            shadow: entry.mode === "shadow",
            expiresAtMs: Math.min(note.mark.expiresAtMs, entry.expiresAtMs),
          };
        },
        takeOver: async (leaseId) => {
          await neon.keepUnderAnotherName();
          // Whoever keeps it decides who reads from it.
          neon.policy.entries.delete(leaseId);
        },
        remove: async (leaseId) => {
          await neon.removeReaders();
          neon.policy.entries.delete(leaseId);
        },
        failNextChange: neon.failNextWrite,
      };
    },
  },
  KEY,
);

describe("adding a read replica", () => {
  it("makes one compute that only reads, of no more than it may cost, and tells production where", async ({
    expect,
  }) => {
    const neon = await project();
    expect(await actuator.apply(aLease({ options: { max_cu: 12 } }), neon.reach())).toMatchObject({
      ok: true,
    });
    const [reader] = await neon.readers();
    expect(reader).toMatchObject({ branchId: "br-main", name: ID, minCu: 4, maxCu: 12 });
    expect([...neon.policy.entries.values()]).toMatchObject([
      {
        id: ID,
        kind: "added-replica",
        match: {},
        action: {
          host: `${reader?.id}.eu-central-1.aws.neon.tech`,
          maxLagMs: 5_000,
          readYourWritesMs: 10_000,
        },
        fail: "open",
      },
    ]);
  });

  it("is finished by the next attempt wherever the first one died, and makes no second", async ({
    expect,
  }) => {
    // The note, the compute, what production is told.
    for (let survives = 0; survives < 3; survives += 1) {
      const neon = await project();
      let writes = 0;
      const dying: Reach = {
        ...neon.reach({
          api: {
            call: async (asked) => {
              if (asked.method !== "GET" && writes++ === survives) throw new Error("killed");
              return neon.client().call(asked);
            },
          },
        }),
        policy: {
          ...neon.policy,
          put: async () => {
            throw new Error("killed");
          },
        },
      };
      await expect(actuator.apply(aLease(), dying)).rejects.toThrow("killed");
      expect(await actuator.apply(aLease(), neon.reach())).toMatchObject({ ok: true });
      expect([(await neon.readers()).length, (await neon.notes()).length]).toEqual([1, 1]);
      expect(neon.policy.entries.size).toBe(1);
    }
  });

  it("does not send anybody to one that is still starting", async ({ expect }) => {
    let start = (): void => {};
    const started = new Promise<void>((resolve) => (start = resolve));
    const neon = await project({
      runCompute: async () => {
        await started;
        return { url: () => "postgresql://nowhere.invalid/db" };
      },
    });
    const lease = aLease();
    expect(await actuator.apply(lease, neon.reach())).toMatchObject({
      error: { class: "unknown_outcome" },
    });
    expect(await actuator.apply(lease, neon.reach())).toMatchObject({
      error: { class: "retry", detail: expect.stringContaining("starting") },
    });
    expect(neon.policy.entries.size).toBe(0);
    start();
    expect(await actuator.apply(lease, neon.reach())).toMatchObject({ ok: true });
    expect((await neon.readers()).length).toBe(1);
  }, 60_000);

  it("is released bit by bit, without touching Neon's compute", async ({ expect }) => {
    const neon = await project();
    await actuator.apply(aLease(), neon.reach());
    const before = await neon.readers();
    const half = aLease({ share: 0.5 });
    expect(await actuator.verify(half, neon.reach())).toEqual({ ok: true, value: false });
    await actuator.apply(half, neon.reach());
    expect(await actuator.verify(half, neon.reach())).toEqual({ ok: true, value: true });
    expect(await neon.readers()).toEqual(before);
    expect(neon.policy.entries.get(ID)?.share).toBe(0.5);
  });

  it("has reads leave before it takes the compute away", async ({ expect }) => {
    const neon = await project();
    await actuator.apply(aLease(), neon.reach());
    await neon.fail("5xx", "DELETE");
    expect(await actuator.revert(aLease(), neon.reach())).toMatchObject({
      error: { class: "unknown_outcome" },
    });
    expect([neon.policy.entries.size, (await neon.readers()).length]).toEqual([0, 1]);
  });

  it("is one at a time", async ({ expect }) => {
    const neon = await project();
    await actuator.apply(aLease(), neon.reach());
    const other = aLease({ id: "lse_00000000000000000000000009" });
    expect(await actuator.apply(other, neon.reach())).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("another lease") },
    });
    expect((await neon.readers()).length).toBe(1);
  });

  it("is undone by the reaper when incident and monitor are gone, and once", async ({ expect }) => {
    const neon = await project();
    const lease = aLease();
    await actuator.apply(lease, neon.reach());
    const lateMs = lease.expiresAtMs + REAP_AFTER_MS;
    expect(await reap(markings, neon.reach(), lateMs - 1)).toEqual([]);
    expect(await reap(markings, neon.reach(), lateMs)).toEqual([
      { actuator: "add-read-replica", leaseId: ID, outcome: "restored", detail: null },
    ]);
    expect([await neon.readers(), await neon.notes()]).toEqual([[], []]);
    expect(await reap(markings, neon.reach(), lateMs)).toEqual([]);
  });

  it("costs the reaper nothing where Neon is not configured, and says what is missing", async ({
    expect,
  }) => {
    expect(await reap(markings, reachWith(null), Date.now())).toEqual([]);
    expect(actuator.missing(reachWith(null))).toContain("NEON_API_KEY");
  });
});
