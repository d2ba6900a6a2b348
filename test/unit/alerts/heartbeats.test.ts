import { it } from "vitest";
import {
  heartbeatStates,
  measuredNow,
  oldestBackupMs,
  type Heard,
  type HeartbeatSpec,
} from "../../../src/alerts/heartbeats.ts";

const HOUR_MS = 3_600_000;
const backup: HeartbeatSpec = {
  name: "nightly-backup",
  watches: "backup",
  measures: null,
  everyMs: 24 * HOUR_MS,
  graceMs: HOUR_MS,
};
const heard = (changes: Partial<Heard> = {}): Heard => ({
  name: backup.name,
  expectedSinceMs: 0,
  lastOkAtMs: null,
  lastFailedAtMs: null,
  detail: null,
  value: null,
  ...changes,
});

it.for([
  ["never heard, and not due", {}, 25 * HOUR_MS - 1, "waiting"],
  ["never heard, and due", {}, 25 * HOUR_MS, "late"],
  ["heard a day and its grace ago, less a moment", { lastOkAtMs: 10 }, 25 * HOUR_MS + 9, "ok"],
  ["heard a day and its grace ago", { lastOkAtMs: 10 }, 25 * HOUR_MS + 10, "late"],
  ["failed after it was well", { lastOkAtMs: 10, lastFailedAtMs: 20 }, 30, "failed"],
  ["well after it failed", { lastOkAtMs: 20, lastFailedAtMs: 10 }, 30, "ok"],
  ["failed, and silent since", { lastFailedAtMs: 10 }, 99 * HOUR_MS, "failed"],
] as const)("a job %s", ([, changes, atMs, status], { expect }) => {
  const [state] = heartbeatStates([backup], [heard(changes)], atMs);
  expect(state?.status).toBe(status);
});

it("expects a job from when it is first asked for, not from the beginning of time", ({
  expect,
}) => {
  const [state] = heartbeatStates([backup], [], 1_000 * HOUR_MS);
  expect(state).toMatchObject({ status: "waiting", lateAtMs: 1_025 * HOUR_MS });
});

it("takes the oldest backup for the age of the backups, and one never heard of for no age", ({
  expect,
}) => {
  const other = { ...backup, name: "weekly-export" };
  const atMs = 100 * HOUR_MS;
  const both = [heard({ lastOkAtMs: 90 * HOUR_MS }), heard({ name: other.name, lastOkAtMs: 40 })];
  const ageOf = (known: readonly Heard[]) =>
    oldestBackupMs(heartbeatStates([backup, other], known, atMs), atMs);
  expect(ageOf(both)).toBe(atMs - 40);
  expect(ageOf(both.slice(0, 1))).toBeNull();
  expect(oldestBackupMs([], atMs)).toBeNull();
});

it("says how old a backup at least is that is late, whatever is not known of others", ({
  expect,
}) => {
  const other = { ...backup, name: "hourly-backup" };
  const ageOf = (known: readonly Heard[], atMs: number) =>
    oldestBackupMs(heartbeatStates([backup, other], known, atMs), atMs);
  const never = heard({ expectedSinceMs: HOUR_MS });
  const fresh = heard({ name: other.name, lastOkAtMs: 25 * HOUR_MS });
  // One that never came has no age until it is late; then it is missing since it was expected.
  expect(ageOf([never, fresh], 26 * HOUR_MS - 1)).toBeNull();
  expect(ageOf([never, fresh], 26 * HOUR_MS)).toBe(25 * HOUR_MS);
  const stale = heard({ lastOkAtMs: 0 });
  const waiting = heard({ name: other.name, expectedSinceMs: 30 * HOUR_MS });
  expect(ageOf([stale, waiting], 40 * HOUR_MS)).toBe(40 * HOUR_MS);
});

it("takes the highest of what is measured, once every job that measures it is in time", ({
  expect,
}) => {
  const meter = (name: string): HeartbeatSpec => ({
    name,
    watches: "job",
    measures: "postgres.cpu_ratio",
    everyMs: 10_000,
    graceMs: 20_000,
  });
  const declared = [meter("primary"), meter("standby")];
  const said = (name: string, value: number | null, lastOkAtMs: number) =>
    heard({ name, value, lastOkAtMs });
  const measured = (known: readonly Heard[], atMs: number) =>
    measuredNow(heartbeatStates(declared, known, atMs), "postgres.cpu_ratio");
  const both = [said("primary", 0.4, 1_000), said("standby", 0.91, 5_000)];
  expect(measured(both, 30_999)).toEqual({ value: 0.91 });
  expect(measured(both, 31_000)).toEqual({ waitsFor: "primary" });
  expect(measured(both.slice(1), 6_000)).toEqual({ waitsFor: "primary" });
  expect(measured([said("primary", null, 1_000), said("standby", 0.2, 1_000)], 2_000)).toEqual({
    waitsFor: "primary",
  });
  const failed = heard({ name: "primary", lastOkAtMs: 1_000, lastFailedAtMs: 2_000, value: 0.4 });
  expect(measured([failed, said("standby", 0.2, 1_000)], 3_000)).toEqual({ waitsFor: "primary" });
  expect(measuredNow(heartbeatStates(declared, both, 6_000), "origin.cpu_ratio")).toBe(
    "undeclared",
  );
});
