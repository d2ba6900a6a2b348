/** The database gameday, as CI's proof of playbook 2: a queue of locks in a real Postgres, relieved by a real replica, ended by a person. */
import { it } from "vitest";
import { runGameday } from "./gameday.ts";

/** What the gameday must judge at least; one that forgets to look would always be green. */
const JUDGED = [
  "completed",
  "detected",
  "reported",
  "cpu",
  "relieved",
  "reads",
  "as-if",
  "replica",
  "in-force",
  "one-incident",
  "ended",
  "spared",
  "unbroken",
  "taken-back",
  "afterwards",
  "post-mortem",
  "paged",
  "rung",
  "chat",
  "ticket",
  "elsewhere",
  "public",
];
/** Alone about 75 s; a machine that is slow is no fault of the day. */
const TOOK_MS_MAX = 100_000;

it("relieves a database in a queue of locks, and takes everything back", async ({ expect }) => {
  const { report, exitCode, output } = await runGameday(["database"]);
  expect(
    report.expectations.filter(({ ok }) => !ok),
    output,
  ).toEqual([]);
  expect(exitCode).toBe(0);
  expect(report.expectations.map(({ id }) => id)).toEqual(expect.arrayContaining(JUDGED));
  expect(report.tookMs).toBeLessThan(TOOK_MS_MAX);
  const of = (phase: string) => report.phases.find((count) => count.phase === phase);
  expect(of("calm")).toMatchObject({ failed: 0, refused: 0, broken: 0 });
  expect(of("unrelieved")?.failed).toBeGreaterThan(0);
  expect(of("relieved")?.served).toBeGreaterThan(0);
  expect(report.postmortem).toContain("end-long-queries");
  const agreed = report.people.find(({ what }) => what.startsWith("agreed to end-long-queries"));
  expect(agreed?.doneAtMs).toBeGreaterThan(0);
  expect(agreed?.why).toContain("the report can run again tomorrow");
  expect(report.people).toContainEqual(
    expect.objectContaining({ what: "Cause fixed, or its fix planned", doneAtMs: null }),
  );
});
