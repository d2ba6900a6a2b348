/** What Neon's API tells of production's database, against the stand-in. */
import { describe, it } from "vitest";
import type { NeonState } from "../../../dev/vendors/neon-shapes.ts";
import { neon, STILL_MS_MAX } from "../../../src/signals/sources/neon.ts";
import { aPoll, NOW_MS } from "../../support/signals.ts";
import { KEY, vendor } from "../mitigations/neon.ts";

const BRANCHES = (cpuSeconds: number): NeonState["branches"] => [
  { id: "br-main", name: "main", isDefault: true, cpuSeconds },
  { id: "br-dev", name: "dev", parentId: "br-main", cpuSeconds: 9_000 },
];
const ENDPOINTS: NeonState["endpoints"] = [
  { id: "ep-main", branchId: "br-main", type: "read_write", maxCu: 3 },
  { id: "ep-read", branchId: "br-main", type: "read_only", maxCu: 1 },
  { id: "ep-dev", branchId: "br-dev", type: "read_write", maxCu: 8 },
];
const SNAPSHOTS: NeonState["snapshots"] = [
  { id: "snap-1", branchId: "br-main", createdAt: "2026-11-22T12:00:00Z" },
  { id: "snap-2", branchId: "br-main", createdAt: "2026-11-23T10:00:00Z" },
  { id: "snap-3", branchId: "br-dev", createdAt: "2026-11-23T11:59:00Z" },
];

async function project(state: NeonState = {}) {
  const vendors = await vendor();
  const world = { branches: BRANCHES(1_000), endpoints: ENDPOINTS, ...state };
  await vendors.set(world);
  let kept: unknown = null;
  const poll = (minute = 0, branchId: string | null = null) =>
    neon.poll(
      aPoll({
        neon: { api: vendors.client(), branchId },
        atMs: NOW_MS + minute * 60_000,
        kept,
        keep: (note) => {
          kept = JSON.parse(JSON.stringify(note));
        },
      }),
    );
  return { ...vendors, world, poll };
}

describe("neon.*", () => {
  it("says how far production's compute may grow, and how far back one can go", async ({
    expect,
  }) => {
    const { poll } = await project({ historyRetentionSeconds: 604_800, snapshots: SNAPSHOTS });
    expect(await poll()).toEqual({
      "neon.compute_max_cu": { value: 3 },
      "neon.compute_used_ratio": {
        unknown: "no_data",
        detail: "Neon's counter has not moved twice yet",
      },
      "neon.history_retention_seconds": { value: 604_800 },
      "neon.snapshot_age_seconds": { value: 7_200 },
    });
    expect(await poll(0, "br-dev")).toMatchObject({
      "neon.compute_max_cu": { value: 8 },
      "neon.snapshot_age_seconds": { value: 60 },
    });
  });

  it("says how much of that is used, from one movement of the counter to the next", async ({
    expect,
  }) => {
    const { poll, set, world } = await project();
    await poll(0);
    await set({ ...world, branches: BRANCHES(1_100) });
    await poll(1);
    await set({ ...world, branches: BRANCHES(1_100 + 5 * 60 * 3.8) });
    expect(await poll(6)).toMatchObject({ "neon.compute_used_ratio": { value: 0.95 } });
    expect(await poll(6 + STILL_MS_MAX / 60_000 + 1)).toMatchObject({
      "neon.compute_used_ratio": { unknown: "no_data", detail: "Neon's counter stands still" },
    });
  });

  it("knows of no snapshot where there is none", async ({ expect }) => {
    const { poll } = await project();
    expect(await poll()).toMatchObject({ "neon.snapshot_age_seconds": { unknown: "no_data" } });
  });

  it("is unknown with its reason: not configured, refused, not answered, no such branch", async ({
    expect,
  }) => {
    const { client, base, poll, fail } = await project();
    expect(await neon.poll(aPoll())).toMatchObject({
      "neon.compute_max_cu": { unknown: "not_configured" },
    });
    const wrong = await neon.poll(
      aPoll({ neon: { api: client(base, "napi_wrong"), branchId: null } }),
    );
    for (const answer of Object.values(wrong)) {
      expect(answer).toMatchObject({ unknown: "refused" });
      expect(JSON.stringify(answer)).not.toContain(KEY);
    }
    await fail("5xx");
    expect(Object.values(await poll())).toContainEqual(
      expect.objectContaining({ unknown: "timeout" }),
    );
    expect(await poll(0, "br-gone")).toMatchObject({
      "neon.compute_max_cu": { unknown: "refused" },
      "neon.history_retention_seconds": { value: 86_400 },
    });
  });
});
