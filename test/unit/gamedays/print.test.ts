import { it } from "vitest";
import type { Report } from "../../../gamedays/gameday.ts";
import { renderReport, renderSummary } from "../../../gamedays/print.ts";

const NO_DURATIONS = {
  faultToDetectMs: null,
  faultToMitigateMs: null,
  timeToDetectMs: null,
  timeToAcknowledgeMs: null,
  timeToMitigateMs: null,
  timeToEnforceMs: null,
  timeToResolveMs: null,
};

function aReport(changes: Partial<Report>): Report {
  return {
    gameday: "outage",
    variant: "primary-down",
    deployment: "all-in-one",
    ok: true,
    startedAtMs: 0,
    tookMs: 61_000,
    incident: "inc_1",
    times: {
      faultAtMs: 1_000,
      onsetAtMs: 2_000,
      detectedAtMs: 8_500,
      acknowledgedAtMs: null,
      mitigatedAtMs: 9_000,
      enforcedAtMs: null,
      recoveredAtMs: null,
      releasedAtMs: null,
      resolvedAtMs: null,
    },
    durations: NO_DURATIONS,
    phases: [
      { phase: "calm", seconds: 5, served: 100, refused: 0, failed: 0, broken: 0 },
      { phase: "unprotected", seconds: 8, served: 1, refused: 2, failed: 30, broken: 4 },
    ],
    collateral: { served: 101, refused: 2, failed: 30, broken: 4 },
    people: [
      { what: "acknowledged it", why: "SEV-1 asks people", doneAtMs: 9_500 },
      { what: "Root cause identified", why: "nothing can show it", doneAtMs: null },
    ],
    tables: [],
    expectations: [],
    postmortem: null,
    ...changes,
  };
}

it("sums several runs up, the one that never began included, and counts the green ones", ({
  expect,
}) => {
  const red = aReport({
    ok: false,
    expectations: [
      { id: "detected", says: "detected", ok: true, saw: "7.5 s" },
      { id: "reads", says: "reads are served", ok: false, saw: "none" },
    ],
  });
  const run = { gameday: "outage", variant: "primary-down" };
  const lines = renderSummary([
    { ...run, round: 1, outcome: aReport({}) },
    { ...run, round: 2, outcome: red },
    { ...run, round: 3, outcome: "no port was free" },
  ]).split("\n");
  const cells = lines.map((line) => line.split(/ {2,}/));
  const figures = ["61.0 s", "7.5 s", "8.0 s", "never", "101", "2", "30", "4", "1 of 2 open"];
  expect(cells[2]).toEqual(["outage", "primary-down", "1", ...figures, "✓"]);
  expect(cells[3]).toEqual(["outage", "primary-down", "2", ...figures, "✗ reads"]);
  expect(lines[4]).toMatch(/3 +✗ did not begin: no port was free$/);
  expect(lines.at(-1)).toBe("1 of 3 green");
  // Once for both rounds.
  expect(lines.filter((line) => line.startsWith("Root cause identified")).length).toBe(1);
  expect(lines).toContainEqual(
    expect.stringMatching(/^Root cause identified +outage, primary-down +nothing can show it$/),
  );
});

it("tells delays, collateral, and what people did and have yet to do", ({ expect }) => {
  const durations = { ...NO_DURATIONS, faultToDetectMs: 7_500, faultToMitigateMs: 8_000 };
  const lines = renderReport(aReport({ durations })).split("\n");
  const cells = lines.map((line) => line.trim().split(/ {2,}/));
  expect(cells).toContainEqual(["detection delay, fault to detected", "7.5 s"]);
  expect(cells).toContainEqual(["time to mitigate, fault to mitigated", "8.0 s"]);
  expect(cells).toContainEqual(["collateral: legitimate requests refused", "2 of 137"]);
  expect(cells).toContainEqual(["collateral: broken by the guard", "4 of 137"]);
  expect(cells).toContainEqual(["acknowledged it", "8.5 s", "SEV-1 asks people"]);
  expect(cells).toContainEqual(["Root cause identified", "still waits", "nothing can show it"]);
});

it("does not call it nothing when it could not be read what waits for people", ({ expect }) => {
  const report = aReport({ people: null });
  expect(renderReport(report)).toContain("could not be read");
  const run = { gameday: "outage", variant: "primary-down", round: 1 };
  expect(renderSummary([{ ...run, outcome: report }])).toContain("not read");
});
