/** KPIs as a table for people: each figure with whether it meets its target; what is not known is a dash. Pure. */
import type { z } from "zod";
import type { kpiReport } from "../../src/http/routes/kpis.ts";
import { formatDuration } from "../../src/shared/duration.ts";

export type KpiReport = z.infer<typeof kpiReport>;
type Figures = Omit<KpiReport, "by" | "over">;
type Part = KpiReport["by"][number];

const HEAD = ["incidents", "MTTD", "MTTA", "mitigated", "MTTR", "a week", "post-mortems"];
const UNKNOWN = "–";
const SECOND_MS = 1_000;

/** `report.by` is per severity. */
export function kpisText(source: string, report: KpiReport, byPlaybook: readonly Part[]): string {
  const parts = (all: readonly Part[]) => all.map((part) => [part.key, ...cells(part)]);
  const periods = report.over.map((period) => [
    `${day(period.from)} – ${day(period.to)}`,
    ...cells(period),
  ]);
  const rows = [
    ["", ...HEAD],
    ["target", "", ...targets(report)],
    ["all", ...cells(report)],
    ...[parts(report.by), parts(byPlaybook), periods].flatMap((section) =>
      section.length === 0 ? [] : [[], ...section],
    ),
  ];
  return [
    `${source}: incidents detected from ${day(report.from)} to ${day(report.to)}; drills left out: ${report.drills}`,
    "",
    ...aligned(rows),
    "",
    "Means; ✓ meets its target, ✗ does not. MTTA and post-mortems are of SEV-1 and SEV-2.",
  ].join("\n");
}

const targets = ({
  timeToDetect,
  timeToAcknowledge,
  timeToMitigate,
  timeToResolve,
  ...report
}: Figures) => [
  ...[timeToDetect, timeToAcknowledge, timeToMitigate, timeToResolve].map(({ targetMs }) =>
    targetMs === null ? UNKNOWN : `< ${formatDuration(targetMs)}`,
  ),
  `< ${report.incidentRate.target}`,
  `${percent(report.postmortemCompletion.target)}`,
];

function cells(figures: Figures): readonly string[] {
  const { incidentRate, postmortemCompletion } = figures;
  const { timeToDetect, timeToAcknowledge, timeToMitigate, timeToResolve } = figures;
  return [
    String(figures.incidents),
    ...[timeToDetect, timeToAcknowledge, timeToMitigate, timeToResolve].map(({ meanMs, isMet }) =>
      meanMs === null ? UNKNOWN : `${formatDuration(wholeSeconds(meanMs))}${sign(isMet)}`,
    ),
    incidentRate.perWeek === null
      ? UNKNOWN
      : `${Number(incidentRate.perWeek.toFixed(2))}${sign(incidentRate.isMet)}`,
    postmortemCompletion.ratio === null
      ? UNKNOWN
      : `${percent(postmortemCompletion.ratio)}${sign(postmortemCompletion.isMet)}`,
  ];
}

const sign = (isMet: boolean | null): string => (isMet === null ? "" : isMet ? " ✓" : " ✗");
const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;
const day = (moment: string): string => moment.slice(0, 10);
const wholeSeconds = (ms: number): number => Math.round(ms / SECOND_MS) * SECOND_MS;

/** Columns as wide as they must be. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = HEAD.concat("").map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
