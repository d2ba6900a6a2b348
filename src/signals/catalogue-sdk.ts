/** Signals that production itself reports through the SDK: one for each kind of report. */
import { REPORT_KINDS, REPORTS, signalOf, type ReportSignal } from "../traffic/report-kinds.ts";
import * as seen from "./evidence.ts";

type Spec = seen.SignalSpec & { readonly source: "sdk"; readonly type: "int" };

export const SDK = Object.fromEntries(
  REPORT_KINDS.map((kind) => [
    signalOf(kind),
    {
      type: "int",
      unit: "events",
      source: "sdk",
      evidence: seen.production,
      describes: `${REPORTS[kind].describes} In the last twenty seconds.`,
    } satisfies Spec,
  ]),
) as Readonly<Record<ReportSignal, Spec>>;
