/** The security gameday, as CI's proof of playbook 3: stolen passwords are tried from thousands of addresses, under ordinary sign-ins. */
import { it } from "vitest";
import { runGameday } from "./gameday.ts";

/** What the gameday must judge at least; one that forgets to look would always be green. */
const JUDGED = [
  "completed",
  "attack",
  "detected",
  "stopped",
  "attack-stopped",
  "blocked",
  "thieves-out",
  "flushed",
  "passwords",
  "calm",
  "known-clients",
  "newcomers-blocked",
  "newcomers-challenged",
  "newcomers-through",
  "paged",
  "rung",
  "chat",
  "ticket",
  "elsewhere",
  "people",
  "public",
  "words",
  "evidence",
  "nobody-named",
  "logged",
  "taken-back",
  "post-mortem",
];
/** An account that should not have been opened is told for a minute, and the incident lasts as long. */
const TOOK_MS_MAX = 120_000;

it(
  "an attack on sign-ins is stopped, thieves are out, and customers go on signing in",
  {
    timeout: TOOK_MS_MAX + 40_000,
  },
  async ({ expect }) => {
    const { report, exitCode, output } = await runGameday(["security"]);
    expect(
      report.expectations.filter(({ ok }) => !ok),
      output,
    ).toEqual([]);
    expect(exitCode).toBe(0);
    expect(report.expectations.map(({ id }) => id)).toEqual(expect.arrayContaining(JUDGED));
    expect(report.tookMs).toBeLessThan(TOOK_MS_MAX);
    const of = (phase: string) => report.phases.find((count) => count.phase === phase);
    expect(of("calm")).toMatchObject({ failed: 0, refused: 0, broken: 0 });
    expect(of("protected")?.served).toBeGreaterThan(0);
    expect(report.postmortem).toContain("revoke-sessions");
  },
);
