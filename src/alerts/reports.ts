/** What users and support say is wrong: how many different people in a window, by kind. Pure. */

export const REPORT_KINDS = [
  "unavailable",
  "slow",
  "wrong_data",
  "missing_records",
  "payment",
  "other",
] as const;
export type ReportKind = (typeof REPORT_KINDS)[number];

/** The window that counts are of. */
export const REPORT_WINDOW_MS = 10 * 60_000;
/** How long a report is kept for whoever reads them during an incident. */
export const REPORT_KEEP_MS = 24 * 3_600_000;
export const REPORTS_KEPT_MAX = 2_000;
/** Taken in one call; an isolate holds no more than that before it sends them. */
export const REPORTS_BATCH_MAX = 100;
export const REPORT_TEXT_MAX = 1_000;
export const REPORT_PATH_MAX = 500;

export type Report = {
  readonly kind: ReportKind;
  /** Tells people apart and names nobody; a token's name where one was shown. */
  readonly reporter: string;
  readonly text: string | null;
  readonly path: string | null;
  readonly atMs: number;
};

/** Different reporters of the window, by kind; a kind that nobody reported is absent. */
export type ReportCounts = {
  readonly reporters: number;
  /** Those who miss records or see wrong ones, each once. */
  readonly dataReporters: number;
  readonly byKind: Readonly<Partial<Record<ReportKind, number>>>;
  /** Null before the first report ever: then the counts are unknown, not zero. */
  readonly lastReceivedAtMs: number | null;
};

/** Reports from people who have not said the same thing within the window, in one isolate's memory. */
export class ReportSieve {
  readonly #saidAtMs = new Map<string, number>();
  readonly #reportersMax: number;

  constructor(reportersMax: number) {
    this.#reportersMax = reportersMax;
  }

  /** Whether this is news; the same from the same person is not, for as long as it is counted anyway. */
  isNews({ kind, reporter, atMs }: Pick<Report, "kind" | "reporter" | "atMs">): boolean {
    const key = `${kind} ${reporter}`;
    const saidAtMs = this.#saidAtMs.get(key) ?? -Infinity;
    if (atMs - saidAtMs < REPORT_WINDOW_MS) return false;
    this.#saidAtMs.delete(key);
    this.#saidAtMs.set(key, atMs);
    if (this.#saidAtMs.size > this.#reportersMax) {
      const [oldest] = this.#saidAtMs.keys();
      if (oldest !== undefined) this.#saidAtMs.delete(oldest);
    }
    return true;
  }
}
