/** The flood's gameday, as CI's proof of playbook 6: one source is told apart from the visitors, stopped, and let go. */
import { it } from "vitest";
import { runGameday } from "./gameday.ts";

/** What the gameday must judge at least; one that forgets to look would always be green. */
const JUDGED = [
  "completed",
  "detected",
  "stopped-first",
  "flood-stopped",
  "narrowest",
  "known-clients",
  "paged",
  "taken-back",
  "post-mortem",
  "told",
  "public",
];
const TOOK_MS_MAX = 120_000;

it("stops one source and touches no visitor", async ({ expect }) => {
  const { report, exitCode, output } = await runGameday(["ddos"]);
  expect(
    report.expectations.filter(({ ok }) => !ok),
    output,
  ).toEqual([]);
  expect(exitCode).toBe(0);
  expect(report.expectations.map(({ id }) => id)).toEqual(expect.arrayContaining(JUDGED));
  expect(report.tookMs).toBeLessThan(TOOK_MS_MAX);
  const of = (phase: string) => report.phases.find((count) => count.phase === phase);
  expect(of("protected")?.served).toBeGreaterThan(0);
  expect(of("protected")).toMatchObject({ refused: 0, broken: 0 });
});
