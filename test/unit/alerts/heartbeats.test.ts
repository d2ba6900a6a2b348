import { it } from "vitest";
import {
  heartbeatStates,
  oldestBackupMs,
  type Heard,
  type HeartbeatSpec,
} from "../../../src/alerts/heartbeats.ts";

const HOUR_MS = 3_600_000;
const backup: HeartbeatSpec = {
  name: "nightly-backup",
  watches: "backup",
  everyMs: 24 * HOUR_MS,
  graceMs: HOUR_MS,
};
const heard = (changes: Partial<Heard> = {}): Heard => ({
  name: backup.name,
  expectedSinceMs: 0,
  lastOkAtMs: null,
  lastFailedAtMs: null,
  detail: null,
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
