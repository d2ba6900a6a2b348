import { it } from "vitest";
import { utcDate, utcMoment, utcTime } from "../../../src/shared/utc.ts";

it("tells a moment in UTC, to the second, whatever this machine's zone", ({ expect }) => {
  const atMs = Date.UTC(2026, 10, 23, 23, 59, 59, 999);
  expect(utcTime(atMs)).toBe("23:59:59");
  expect(utcDate(atMs)).toBe("2026-11-23");
  expect(utcDate(atMs + 1)).toBe("2026-11-24");
});

it("tells the day where it is not today", ({ expect }) => {
  const atMs = Date.UTC(2026, 10, 23, 23, 59, 59, 999);
  expect(utcMoment(atMs, atMs)).toBe("23:59:59");
  expect(utcMoment(atMs + 1, atMs)).toBe("2026-11-24 00:00:00");
  expect(utcMoment(atMs - 86_400_000, atMs)).toBe("2026-11-22 23:59:59");
});
