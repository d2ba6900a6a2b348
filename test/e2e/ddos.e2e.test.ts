/**
 * The flood's gameday, as CI's proof of playbook 6: what nothing but its program tells apart from the people is stopped, and let go.
 * CI has minutes for one shape; `npm run gameday all` plays all four.
 */
import { it } from "vitest";
import { runGameday } from "./gameday.ts";

/** What the gameday must judge at least; one that forgets to look would always be green. */
const JUDGED = [
  "completed",
  "detected",
  "stopped-first",
  "flood",
  "flood-stopped",
  "narrowest",
  "known-clients",
  "newcomers-blocked",
  "newcomers-challenged",
  "newcomers-through",
  "paged",
  "rung",
  "chat",
  "ticket",
  "elsewhere",
  "taken-back",
  "post-mortem",
  "told",
  "public",
];
/** Alone about 105 s, twenty browsers among them; a machine that is slow is no fault of the day. */
const TOOK_MS_MAX = 150_000;

it("stops ten thousand addresses that come once, and hardly anybody else notices", async ({
  expect,
}) => {
  const { report, exitCode, output } = await runGameday(["ddos", "--variant", "distributed"]);
  expect(
    report.expectations.filter(({ ok }) => !ok),
    output,
  ).toEqual([]);
  expect(exitCode).toBe(0);
  expect(report.expectations.map(({ id }) => id)).toEqual(expect.arrayContaining(JUDGED));
  expect(report.tookMs).toBeLessThan(TOOK_MS_MAX);
  const of = (phase: string) => report.phases.find((count) => count.phase === phase);
  expect(of("protected")?.served).toBeGreaterThan(0);
  expect(of("protected")?.refused).toBe(0);
});
