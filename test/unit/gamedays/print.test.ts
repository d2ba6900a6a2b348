import { it } from "vitest";
import type { Report } from "../../../gamedays/gameday.ts";
import { renderSummary } from "../../../gamedays/print.ts";

const NO_DURATIONS = {
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
  const figures = ["61.0 s", "7.5 s", "8.0 s", "never", "101", "2", "30", "4"];
  expect(cells[2]).toEqual(["outage", "primary-down", "1", ...figures, "✓"]);
  expect(cells[3]).toEqual(["outage", "primary-down", "2", ...figures, "✗ reads"]);
  expect(lines[4]).toMatch(/3 +✗ did not begin: no port was free$/);
  expect(lines.at(-1)).toBe("1 of 3 green");
});
