import { it } from "vitest";
import { REPORT_WINDOW_MS, ReportSieve } from "../../../src/alerts/reports.ts";

const said = (changes: object = {}) => ({
  kind: "slow" as const,
  reporter: "user:a",
  atMs: 0,
  ...changes,
});

it("takes the same from the same person once for as long as it counts", ({ expect }) => {
  const sieve = new ReportSieve(10);
  expect(sieve.isNews(said())).toBe(true);
  expect(sieve.isNews(said({ atMs: REPORT_WINDOW_MS - 1 }))).toBe(false);
  expect(sieve.isNews(said({ kind: "payment" }))).toBe(true);
  expect(sieve.isNews(said({ reporter: "user:b" }))).toBe(true);
  expect(sieve.isNews(said({ atMs: REPORT_WINDOW_MS }))).toBe(true);
});

it("remembers a bounded number of people, and forgets the first of them", ({ expect }) => {
  const sieve = new ReportSieve(2);
  for (const reporter of ["user:a", "user:b", "user:c"]) sieve.isNews(said({ reporter }));
  expect(sieve.isNews(said({ reporter: "user:c" }))).toBe(false);
  expect(sieve.isNews(said({ reporter: "user:a" }))).toBe(true);
});
