/** The outage gameday, as CI's proof of the whole path: databases stop under a real Worker, and a post-mortem comes out. */
import { it, type ExpectStatic } from "vitest";
import { runGameday, type GamedayReport } from "./gameday.ts";

/** What the gameday must judge at least; one that forgets to look would always be green. */
const JUDGED = [
  "completed",
  "detected",
  "enforced",
  "calm",
  "paged",
  "rung",
  "chat",
  "ticket",
  "elsewhere",
  "acknowledged",
  "informed",
  "unbroken",
  "staged",
  "sticky",
  "lease",
  "afterwards",
  "policy",
  "status",
  "status-honest",
  "post-mortem",
  "kpis",
  "public",
  "one-incident",
  "checklist",
];
const JUDGED_OF_FAILOVER = [
  "completed",
  "detected",
  "calm",
  "unbroken",
  "lease",
  "afterwards",
  "policy",
  "failed-over",
  "writes-refused",
  "read-again",
  "reads",
  "replica",
  "taken-back",
  "not-promoted",
  "purchases",
  "paged",
  "rung",
  "chat",
  "ticket",
  "elsewhere",
  "public",
  "post-mortem",
  "status-honest",
];
const JUDGED_OF_ROLLBACK = [
  "completed",
  "detected",
  "calm",
  "unbroken",
  "policy",
  "paged",
  "rung",
  "chat",
  "ticket",
  "elsewhere",
  "acknowledged",
  "public",
  "status-honest",
  "post-mortem",
  "kpis",
  "checklist",
  "rolled-back",
  "nothing-else",
  "version",
  "served-again",
];
/** Alone each takes about 60 s; two share the machine. */
const TOOK_MS_MAX = 95_000;

// Two at a time: hardly anything of them is work for this machine.
it.concurrent("carries an outage from fault to post-mortem, everything in one Worker", async ({
  expect,
}) => {
  const { report, exitCode, output } = await runGameday(["outage"]);
  expectGreen(expect, report, output);
  expect(exitCode).toBe(0);
  expect(report.deployment).toBe("all-in-one");
});

it.concurrent("does the same with the guard as a Worker of its own", async ({ expect }) => {
  const { report, exitCode, output } = await runGameday(["outage", "--split"]);
  expectGreen(expect, report, output);
  expect(exitCode).toBe(0);
  expect(report.deployment).toBe("split");
});

it.concurrent("fails over to the replica while the primary is down, and takes it back", async ({
  expect,
}) => {
  const { report, exitCode, output } = await runGameday(["outage", "--variant", "primary-down"]);
  expect(
    report.expectations.filter(({ ok }) => !ok),
    output,
  ).toEqual([]);
  expect(exitCode).toBe(0);
  const judged = report.expectations.map(({ id }) => id);
  expect(judged).toEqual(expect.arrayContaining(JUDGED_OF_FAILOVER));
  expect(report.tookMs).toBeLessThan(TOOK_MS_MAX);
  const of = (phase: string) => report.phases.find((count) => count.phase === phase);
  expect(of("unprotected")?.failed).toBeGreaterThan(0);
  expect(of("failed over")?.served).toBeGreaterThan(0);
  expect(of("failed over")?.refused).toBeGreaterThan(0);
  expect(report.postmortem).toContain("failover-to-replica");
  expect(done(report)).toContain("started the primary");
  expect(open(report)).toContain("Root cause identified");
});

it.concurrent("rolls a bad deployment back, and nothing else mends it", async ({ expect }) => {
  const { report, exitCode, output } = await runGameday(["outage", "--variant", "bad-deployment"]);
  expect(
    report.expectations.filter(({ ok }) => !ok),
    output,
  ).toEqual([]);
  expect(exitCode).toBe(0);
  const judged = report.expectations.map(({ id }) => id);
  expect(judged).toEqual(expect.arrayContaining(JUDGED_OF_ROLLBACK));
  expect(report.tookMs).toBeLessThan(TOOK_MS_MAX);
  expect(report.postmortem).toContain("rollback-deployment");
  // Nobody but the on-call, who answered.
  expect(done(report)).toEqual(["acknowledged it", "took the lead"]);
  expect(open(report)).toContain("Root cause identified");
});

const open = ({ people }: GamedayReport): readonly string[] =>
  people.flatMap(({ what, doneAtMs }) => (doneAtMs === null ? [what] : []));
const done = ({ people }: GamedayReport): readonly string[] =>
  people.flatMap(({ what, doneAtMs }) => (doneAtMs === null ? [] : [what]));

function expectGreen(expect: ExpectStatic, report: GamedayReport, output: string): void {
  const failed = report.expectations.filter(({ ok }) => !ok);
  expect(failed, output).toEqual([]);
  expect(report.ok).toBe(true);
  expect(report.expectations.map(({ id }) => id)).toEqual(expect.arrayContaining(JUDGED));
  expect(Object.values(report.durations).every((ms) => ms !== null && ms >= 0)).toBe(true);
  expect(report.tookMs).toBeLessThan(TOOK_MS_MAX);

  const of = (phase: string) => report.phases.find((count) => count.phase === phase);
  expect(of("calm")).toMatchObject({ refused: 0, broken: 0 });
  expect(of("unprotected")?.failed).toBeGreaterThan(0);
  expect(of("maintenance")).toMatchObject({ served: 0, failed: 0, broken: 0 });
  expect(of("release")?.served).toBeGreaterThan(0);
  expect(of("afterwards")).toMatchObject({ refused: 0, broken: 0 });
  expect(report.postmortem).toContain(report.incident);
  // Seen by Firebreak itself, once visitors were let back in; the cause is for a person to find.
  expect(report.postmortem).toContain("- [x] Service restored and verified - ticked");
  expect(report.postmortem).toContain("- [x] Monitoring alerts cleared - ticked");
  expect(report.postmortem).toContain("- [x] Status page updated - ticked");
  expect(report.postmortem).toContain("- [x] Post-mortem scheduled - ticked");
  expect(report.postmortem).toContain("- [ ] Root cause identified - waits for a person");
  expect(report.postmortem).toContain("maintenance-mode");
  expect(done(report)).toEqual([
    "acknowledged it",
    "took the lead",
    "started Postgres and its replica",
  ]);
  expect(open(report)).toEqual(
    expect.arrayContaining(["Root cause identified", "complete the post-mortem"]),
  );
  expect(open(report)).not.toContain("Service restored and verified");
}
