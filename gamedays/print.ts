/** A report as text: the moments, what each phase cost, what was promised. */
import { clip } from "../src/shared/clip.ts";
import type { Expectation, PersonsPart, Report } from "./gameday.ts";
import { seconds, since } from "./time.ts";

/** An act may name many; all of them are in the post-mortem, and in what `--json` writes. */
const WHAT_CHARS_MAX = 90;

export function renderReport(report: Report): string {
  const { gameday, variant, deployment, tookMs } = report;
  return [
    `Gameday ${gameday} (${variant}, ${deployment}), ${seconds(tookMs)}`,
    "",
    ...table(["moment", "UTC", "after the fault"], moments(report)),
    "",
    ...table(["what it took", ""], [...durations(report), ...collateral(report)]),
    "",
    ...table(
      ["phase", "seconds", "served", "refused", "failed", "broken"],
      report.phases.map(({ phase, ...counts }) => [phase, ...Object.values(counts).map(String)]),
    ),
    "",
    ...table(["a person", "after the fault", "why"], people(report)),
    ...report.tables.flatMap(({ head, rows }) => ["", ...table(head, rows)]),
    "",
    ...report.expectations.map(renderExpectation),
  ].join("\n");
}

/** One of several runs; where it never began, why. */
export type Run = {
  readonly gameday: string;
  readonly variant: string;
  readonly round: number;
  readonly outcome: Report | string;
};

/** One line per run: when it was detected, mitigated and felt, from the fault; whom it cost an answer; and how many were green. Below, what waits for people. */
export function renderSummary(runs: readonly Run[]): string {
  const green = runs.filter(({ outcome }) => typeof outcome !== "string" && outcome.ok).length;
  return [
    ...table(
      [
        "gameday",
        "variant",
        "round",
        "took",
        "detected",
        "mitigated",
        "enforced",
        ...COUNTED,
        "for people",
        "result",
      ],
      runs.map(({ gameday, variant, round, outcome }) => [
        gameday,
        variant,
        String(round),
        ...(typeof outcome === "string" ? neverBegan(outcome) : figures(outcome)),
      ]),
    ),
    "",
    ...table(["still waits for a person", "after", "why"], waiting(runs)),
    "",
    `${green} of ${runs.length} green`,
  ].join("\n");
}

const COUNTED = ["served", "refused", "failed", "broken"] as const;

const neverBegan = (reason: string): readonly string[] => [
  ...Array.from({ length: 5 + COUNTED.length }, () => ""),
  `✗ did not begin: ${reason}`,
];

function figures({
  tookMs,
  times,
  collateral: cost,
  people: parts,
  ok,
  ...report
}: Report): readonly string[] {
  const fromFault = (atMs: number | null): string => seconds(since(times.faultAtMs, atMs));
  return [
    seconds(tookMs),
    fromFault(times.detectedAtMs),
    fromFault(times.mitigatedAtMs),
    fromFault(times.enforcedAtMs),
    ...COUNTED.map((outcome) => String(cost[outcome])),
    parts === null ? "not read" : `${stillOpen(parts).length} of ${parts.length} open`,
    ok ? "✓" : `✗ ${failed(report.expectations).join(", ")}`,
  ];
}

const stillOpen = (parts: readonly PersonsPart[]): readonly PersonsPart[] =>
  parts.filter(({ doneAtMs }) => doneAtMs === null);

/** Each once for all rounds of a gameday. */
function waiting(runs: readonly Run[]): readonly (readonly string[])[] {
  const rows = runs.flatMap(({ gameday, variant, outcome }) =>
    typeof outcome === "string"
      ? []
      : stillOpen(outcome.people ?? []).map(
          ({ what, why }) => [clip(what, WHAT_CHARS_MAX), `${gameday}, ${variant}`, why] as const,
        ),
  );
  return rows.filter(
    ([what, after], index) =>
      index === rows.findIndex((one) => one[0] === what && one[1] === after),
  );
}

const failed = (expectations: readonly Expectation[]): readonly string[] =>
  expectations.filter(({ ok }) => !ok).map(({ id }) => id);

const renderExpectation = ({ ok, says, saw }: Expectation): string =>
  `${ok ? "✓" : "✗"} ${says}: ${saw}`;

function moments({ times }: Report): readonly (readonly string[])[] {
  const rows: readonly (readonly [string, number | null])[] = [
    ["fault", times.faultAtMs],
    ["onset", times.onsetAtMs],
    ["detected", times.detectedAtMs],
    ["acknowledged", times.acknowledgedAtMs],
    ["mitigated", times.mitigatedAtMs],
    ["enforced (measured)", times.enforcedAtMs],
    ["recovered", times.recoveredAtMs],
    ["released", times.releasedAtMs],
    ["resolved", times.resolvedAtMs],
  ];
  return rows.map(([moment, atMs]) => [
    moment,
    atMs === null ? "never" : new Date(atMs).toISOString().slice(11, 23),
    atMs === null || times.faultAtMs === null ? "" : seconds(atMs - times.faultAtMs),
  ]);
}

const people = ({ times, people: parts }: Report): readonly (readonly string[])[] =>
  parts === null
    ? [["could not be read", "", ""]]
    : parts.map(({ what, why, doneAtMs }) => [
        clip(what, WHAT_CHARS_MAX),
        doneAtMs === null ? "still waits" : seconds(since(times.faultAtMs, doneAtMs)),
        why,
      ]);

function collateral({ collateral: cost }: Report): readonly (readonly string[])[] {
  const all = Object.values(cost).reduce((sum, count) => sum + count, 0);
  const of = (count: number): string => `${count} of ${all}`;
  return [
    ["collateral: legitimate requests refused", of(cost.refused)],
    ["collateral: broken by the guard", of(cost.broken)],
    ["harm of the fault: failed", of(cost.failed)],
  ];
}

const durations = ({ durations: found }: Report): readonly (readonly string[])[] => [
  ["detection delay, fault to detected", seconds(found.faultToDetectMs)],
  ["time to mitigate, fault to mitigated", seconds(found.faultToMitigateMs)],
  ["MTTD, onset to detected", seconds(found.timeToDetectMs)],
  ["MTTA, detected to acknowledged", seconds(found.timeToAcknowledgeMs)],
  ["time to mitigate, onset to mitigated", seconds(found.timeToMitigateMs)],
  ["time to enforce, fault to enforced", seconds(found.timeToEnforceMs)],
  ["MTTR, onset to resolved", seconds(found.timeToResolveMs)],
];

/** Columns as wide as they must be; all but the first are right-aligned when they hold numbers. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("──"), ...rows.map(line)];
}

const pad = (cell: string, width: number): string =>
  /^-?\d+(?:\.\d+)?(?: m?s| %)?$/.test(cell) ? cell.padStart(width) : cell.padEnd(width);
