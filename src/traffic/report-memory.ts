/** What production's isolates reported of themselves in the last minutes: counts by kind, bounded, honest about what is missing. Pure. */
import { FlushNumbers } from "./flush-numbers.ts";
import { isReportKind, REPORTS, type ReportKind } from "./report-kinds.ts";
import { SignInMemory } from "./sign-in-memory.ts";
import type { ReportFlush, ReportsWindow, SignInsWindow } from "./traffic-api.ts";
import { FUTURE_SECONDS_MAX } from "./window.ts";

export const REPORTS_KEPT_SECONDS = 120;

type Counts = Partial<Record<ReportKind, number>>;

export class ReportMemory {
  readonly #sinceSecond: number;
  readonly #numbers = new FlushNumbers();
  readonly #seconds = new Map<number, Counts>();
  readonly #lost = new Map<number, number>();
  readonly #signIns = new SignInMemory();
  #lastFlushAtMs: number | null = null;

  /** Begins empty: up to `sinceMs` nothing is known, which is not the same as nothing to report. */
  constructor(sinceMs: number) {
    this.#sinceSecond = Math.ceil(sinceMs / 1_000);
  }

  /** Files one flush; true when something in it is news that cannot wait. */
  add(flush: ReportFlush, nowMs: number): boolean {
    const nowSecond = Math.floor(nowMs / 1_000);
    this.#lastFlushAtMs = nowMs;
    const { isNews, missing } = this.#numbers.hear(flush);
    if (missing > 0) this.#lost.set(nowSecond, (this.#lost.get(nowSecond) ?? 0) + missing);
    let isUrgent = false;
    for (const { second, counts } of isNews ? flush.seconds : []) {
      if (second <= nowSecond - REPORTS_KEPT_SECONDS) continue;
      if (second > nowSecond + FUTURE_SECONDS_MAX) continue;
      isUrgent = this.#merge(second, counts) || isUrgent;
    }
    if (isNews && flush.signIns !== undefined) this.#signIns.add(flush.signIns, nowSecond);
    this.#forget(nowSecond);
    return isUrgent;
  }

  #forget(nowSecond: number): void {
    for (const kept of [this.#seconds, this.#lost]) {
      for (const second of kept.keys()) {
        if (second <= nowSecond - REPORTS_KEPT_SECONDS) kept.delete(second);
      }
    }
  }

  /** What happened in the last `seconds`, up to what has come by now. */
  window(seconds: number, nowSecond: number): ReportsWindow {
    const fromSecond = Math.max(nowSecond - seconds, Math.min(this.#sinceSecond, nowSecond));
    const counts: Counts = {};
    for (const [second, found] of this.#seconds) {
      if (second > fromSecond) addAll(counts, found);
    }
    const lost = [...this.#lost].filter(([second]) => second > fromSecond);
    return {
      fromSecond,
      counts,
      lastFlushAtMs: this.#lastFlushAtMs,
      lostFlushes: lost.reduce((sum, [, count]) => sum + count, 0),
    };
  }

  signIns(nowSecond: number): SignInsWindow {
    return this.#signIns.window(nowSecond);
  }

  /** A kind of a later version is not counted. */
  #merge(second: number, counts: Readonly<Record<string, number>>): boolean {
    const known = this.#seconds.get(second) ?? {};
    this.#seconds.set(second, known);
    addAll(known, counts);
    return Object.keys(counts).some((kind) => isReportKind(kind) && REPORTS[kind].isUrgent);
  }
}

function addAll(counts: Counts, more: Readonly<Record<string, number>>): void {
  for (const [kind, by] of Object.entries(more)) {
    if (isReportKind(kind)) counts[kind] = (counts[kind] ?? 0) + by;
  }
}
