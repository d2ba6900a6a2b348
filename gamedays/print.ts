/** A report as text: the moments, what each phase cost, what was promised. */
import type { Expectation, Report } from "./gameday.ts";
import { seconds, since } from "./time.ts";

export function renderReport(report: Report): string {
  const { gameday, variant, deployment, tookMs } = report;
  return [
    `Gameday ${gameday} (${variant}, ${deployment}), ${seconds(tookMs)}`,
    "",
    ...table(["moment", "UTC", "after the fault"], moments(report)),
    "",
    ...table(["duration", ""], durations(report)),
    "",
    ...table(
      ["phase", "seconds", "served", "refused", "failed", "broken"],
      report.phases.map(({ phase, ...counts }) => [phase, ...Object.values(counts).map(String)]),
    ),
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

/** One line per run: when it was detected, mitigated and felt, from the fault; whom it cost an answer; and how many were green. */
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
    `${green} of ${runs.length} green`,
  ].join("\n");
}

const COUNTED = ["served", "refused", "failed", "broken"] as const;

const neverBegan = (reason: string): readonly string[] => [
  ...Array.from({ length: 4 + COUNTED.length }, () => ""),
  `✗ did not begin: ${reason}`,
];

function figures({ tookMs, times, phases, ok, expectations }: Report): readonly string[] {
  const fromFault = (atMs: number | null): string => seconds(since(times.faultAtMs, atMs));
  return [
    seconds(tookMs),
    fromFault(times.detectedAtMs),
    fromFault(times.mitigatedAtMs),
    fromFault(times.enforcedAtMs),
    ...COUNTED.map((outcome) => String(phases.reduce((sum, phase) => sum + phase[outcome], 0))),
    ok ? "✓" : `✗ ${failed(expectations).join(", ")}`,
  ];
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

const durations = ({ durations: found }: Report): readonly (readonly string[])[] => [
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
