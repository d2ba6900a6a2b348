import { describe, it } from "vitest";
import { meaningOf } from "../../../src/sdk/replica.ts";
import { poolSettings } from "../../../src/sdk/pool.ts";
import { replicaLagMs } from "../../../src/shared/replica-lag.ts";

describe("a replica's failure", () => {
  it.for([
    ["25006", "writes"],
    ["40001", "elsewhere"],
    ["42P01", "elsewhere"],
    ["42703", "elsewhere"],
    ["08006", "trouble"],
    ["53300", "trouble"],
    ["57P01", "trouble"],
    ["57P03", "trouble"],
    ["57014", "same"],
    ["42601", "same"],
    ["22012", "same"],
    ["", "trouble"],
    [undefined, "trouble"],
  ] as const)("%s: %s", ([code, meaning], { expect }) => {
    expect(meaningOf(Object.assign(new Error("no"), { code }))).toBe(meaning);
  });
});

describe("a replica's lag", () => {
  const at = (position: number | null, ageMs: number | null, isReplica = true) => ({
    is_replica: isReplica,
    position,
    last_change_age_ms: ageMs,
  });
  it.for([
    ["that has all, however long ago", 100, at(100, 3_600_000), 0],
    ["that has more than the primary said", 100, at(101, 5), 0],
    ["that lacks something", 100, at(99, 700), 700],
    ["whose primary is silent", null, at(99, 700), 700],
    ["that has never replayed a change", 100, at(99, null), null],
    ["that is none", 100, at(null, null, false), null],
    ["whose clock is behind", 100, at(99, -5), 0],
  ] as const)("%s", ([, primary, replica, lagMs], { expect }) => {
    expect(replicaLagMs(primary, replica)).toBe(lagMs);
  });
});

describe("a pool's size", () => {
  const own = { max: 20, idleTimeoutMillis: 10_000, connectionTimeoutMillis: 1_000 };
  const asked = { max: 100, idleTimeoutMs: 60_000, connectionTimeoutMs: 5_000, reserve: 10 };
  it.for([
    ["as asked, where there is room", 110, 100],
    ["what the reserve leaves", 109, 99],
    ["never less than production's own", 15, 20],
  ] as const)("is %s", ([, room, max], { expect }) => {
    expect(poolSettings(own, asked, room)).toEqual({
      max,
      idleTimeoutMillis: 60_000,
      connectionTimeoutMillis: 5_000,
    });
  });

  it("is production's own while nothing is asked, or the room is unknown", ({ expect }) => {
    expect(poolSettings(own, null, 300)).toBe(own);
    expect(poolSettings(own, asked, null)).toBe(own);
  });
});
