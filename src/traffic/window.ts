/** What the guards reported in the last minutes: merged per second, bounded, honest about what is missing. Pure. */
import { FlushNumbers } from "./flush-numbers.ts";
import { mergeInto, emptyTally, type Tally } from "./tally.ts";
import { ConductMemory } from "./conduct-memory.ts";
import { TalkerMemory } from "./talker-memory.ts";
import { TouchedTally } from "./touched.ts";
import type {
  ConductWindow,
  TalkersWindow,
  TouchedWindow,
  TrafficFlush,
  TrafficSecond,
  TrafficWindow,
} from "./traffic-api.ts";

export const KEPT_SECONDS = 600;
/** An isolate's clock may be this far ahead. */
export const FUTURE_SECONDS_MAX = 5;

export class TrafficMemory {
  /** Complete after this second; what came before it may have been told to another. */
  readonly #sinceSecond: number;
  readonly #seconds = new Map<number, Tally>();
  readonly #numbers = new FlushNumbers();
  readonly #lost = new Map<number, number>();
  readonly #talkers = new TalkerMemory();
  readonly #conduct = new ConductMemory();
  readonly #touched = new TouchedTally();
  /** Reports that are missing in `#touched`. */
  #untold = 0;
  #touchedHeardAtMs: number | null = null;
  #lastFlushAtMs: number | null = null;

  /** Begins empty: up to `sinceMs` nothing is known, which is not the same as no traffic. */
  constructor(sinceMs: number) {
    this.#sinceSecond = Math.ceil(sinceMs / 1_000);
  }

  add(flush: TrafficFlush, nowMs: number): void {
    const nowSecond = Math.floor(nowMs / 1_000);
    this.#lastFlushAtMs = nowMs;
    if (!this.#isNews(flush, nowSecond)) return;
    for (const second of flush.seconds) {
      const isKept =
        second.second > nowSecond - KEPT_SECONDS && second.second <= nowSecond + FUTURE_SECONDS_MAX;
      if (isKept) this.#merge(second);
    }
    this.#talkers.add(flush.talkers ?? null, nowSecond);
    if (flush.conduct !== undefined) this.#conduct.add(flush.conduct, nowSecond);
    if (flush.touched === undefined) this.#untold += 1;
    else {
      this.#touched.add(flush.touched);
      this.#touchedHeardAtMs = nowMs;
    }
    this.#forget(nowSecond);
  }

  /** What was reported for these seconds, complete or not: enough to be suspicious. */
  lately(seconds: number, untilSecond: number): readonly TrafficSecond[] {
    return [...this.#seconds.values()].filter(
      ({ second }) => second > untilSecond - seconds && second <= untilSecond,
    );
  }

  window(seconds: number, untilSecond: number): TrafficWindow {
    const fromSecond = this.#coveredFrom(seconds, untilSecond);
    const coveredSeconds = untilSecond - fromSecond;
    return {
      fromSecond,
      untilSecond,
      seconds: this.lately(coveredSeconds, untilSecond).toSorted((a, b) => a.second - b.second),
      lastFlushAtMs: this.#lastFlushAtMs,
      lostFlushes: this.#lostIn(fromSecond, untilSecond),
    };
  }

  talkers(seconds: number, untilSecond: number): TalkersWindow {
    const fromSecond = this.#coveredFrom(seconds, untilSecond);
    const window = this.#talkers.window(fromSecond, untilSecond);
    const lost = this.#lostIn(fromSecond, untilSecond);
    return { ...window, missingReports: window.missingReports + lost };
  }

  conduct(nowSecond: number): ConductWindow {
    return this.#conduct.window(nowSecond);
  }

  touched(): TouchedWindow {
    return {
      sinceSecond: this.#sinceSecond,
      missingReports: this.#untold,
      heardUntilMs: this.#touchedHeardAtMs,
      entries: this.#touched.reports(),
    };
  }

  #coveredFrom(seconds: number, untilSecond: number): number {
    return Math.max(untilSecond - seconds, Math.min(this.#sinceSecond, untilSecond));
  }

  #lostIn(fromSecond: number, untilSecond: number): number {
    return [...this.#lost]
      .filter(([second]) => second > fromSecond && second <= untilSecond)
      .reduce((sum, [, lost]) => sum + lost, 0);
  }

  /** False for a repetition. A gap in an isolate's numbers is remembered as lost. */
  #isNews(flush: TrafficFlush, nowSecond: number): boolean {
    const { isNews, missing } = this.#numbers.hear(flush);
    if (missing > 0) this.#lost.set(nowSecond, (this.#lost.get(nowSecond) ?? 0) + missing);
    this.#untold += missing;
    return isNews;
  }

  #merge(second: TrafficSecond): void {
    const tally = this.#seconds.get(second.second) ?? emptyTally(second.second);
    mergeInto(tally, second);
    this.#seconds.set(second.second, tally);
  }

  #forget(nowSecond: number): void {
    for (const kept of [this.#seconds, this.#lost]) {
      for (const second of kept.keys()) {
        if (second <= nowSecond - KEPT_SECONDS) kept.delete(second);
      }
    }
  }
}
