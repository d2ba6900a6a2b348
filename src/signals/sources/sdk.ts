/**
 * What production reports of itself, by kind, in the last twenty seconds. As long as reports come, none of a kind is none; when nobody reports,
 * nothing is known, and a lost report makes a count too low to say that all is well.
 */
import { REPORT_KINDS, signalOf, type ReportSignal } from "../../traffic/report-kinds.ts";
import type { OfAllShards } from "../../traffic/shards.ts";
import type { ReportsWindow } from "../../traffic/traffic-api.ts";
import { answerAll, defineSource, type Answer } from "../source.ts";

export const WINDOW_SECONDS = 20;
/** Production at work reports every ten seconds; after three times that it is not at work, or cannot. */
export const REPORT_AGE_MS_MAX = 30_000;

const emits = REPORT_KINDS.map(signalOf);

export const sdk = defineSource({
  id: "sdk",
  emits,
  // Without visitors there is nothing to report; and what is urgent wakes the monitor.
  everyMs: { idle: 300_000, busy: 0, alert: 0 },
  deadlineMs: 2_000,

  async poll({ traffic, atMs }) {
    const nowSecond = Math.floor(atMs / 1_000);
    const window = await traffic.reports(WINDOW_SECONDS, nowSecond);
    const doubt = doubtAbout(window, { atMs, nowSecond });
    if (doubt !== null) return answerAll(emits, { unknown: "no_data", detail: doubt });
    const answers: Partial<Record<ReportSignal, Answer>> = {};
    for (const kind of REPORT_KINDS) answers[signalOf(kind)] = { value: window.counts[kind] ?? 0 };
    return answers as Record<ReportSignal, Answer>;
  },
});

/** Why nothing can be concluded from what was reported; null for no reason. */
export function doubtAbout(
  window: OfAllShards<ReportsWindow>,
  { atMs, nowSecond }: { readonly atMs: number; readonly nowSecond: number },
): string | null {
  const { silentShards, lastFlushAtMs, lostFlushes, fromSecond } = window;
  if (silentShards > 0) return `${silentShards} shards of the counters did not answer`;
  if (lastFlushAtMs === null) return "production has reported nothing yet: is Traffic bound to it?";
  if (atMs - lastFlushAtMs > REPORT_AGE_MS_MAX) return "production has reported nothing lately";
  if (lostFlushes > 0) return `${lostFlushes} reports of production were lost`;
  return fromSecond > nowSecond - WINDOW_SECONDS ? "the counters have just begun" : null;
}
