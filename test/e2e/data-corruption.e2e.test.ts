/** The data-corruption gameday, as CI's proof: rows go missing in a real Postgres, writes pause, and no write is lost or applied twice. */
import { it } from "vitest";
import { runGameday } from "./gameday.ts";

/** What the gameday must judge at least; one that forgets to look would always be green. */
const JUDGED = [
  "completed",
  "detected",
  "calm",
  "paged",
  "rung",
  "chat",
  "ticket",
  "elsewhere",
  "policy",
  "post-mortem",
  "evidence",
  "enforced",
  "reads",
  "held",
  "scope",
  "branches",
  "plan",
  "two-people",
  "script",
  "rows",
  "checklist",
  "kept",
  "ledger",
  "purchases",
  "public",
];
/** Alone about 45 s; a machine that is slow is no fault of the day. */
const TOOK_MS_MAX = 90_000;

// As production should have it; that one Worker does the same is seen by the outages.
it("pauses writes until the rows are back, with the guard as a Worker of its own", async ({
  expect,
}) => {
  const { report, exitCode, output } = await runGameday(["data-corruption", "--split"]);
  expect(
    report.expectations.filter(({ ok }) => !ok),
    output,
  ).toEqual([]);
  expect(exitCode).toBe(0);
  expect(report.expectations.map(({ id }) => id)).toEqual(expect.arrayContaining(JUDGED));
  expect(report.tookMs).toBeLessThan(TOOK_MS_MAX);
  const of = (phase: string) => report.phases.find((count) => count.phase === phase);
  expect(of("read-only")?.refused).toBeGreaterThan(0);
  expect(of("read-only")?.served).toBeGreaterThan(0);
  expect(of("afterwards")).toMatchObject({ refused: 0, broken: 0 });
  expect(report.postmortem).toContain("read-only");
  const parts = report.people.map(({ what, doneAtMs }) => [what, doneAtMs !== null]);
  expect(parts).toContainEqual(["took read-only back", true]);
  expect(parts).toContainEqual(["constrained and validated the reference", true]);
  expect(parts).toContainEqual(["Cause identified", false]);
});
