/** What the guards reported in the last minutes: merged per second, bounded, honest about what is missing. Pure. */
import { mergeInto, emptyTally, type Tally } from "./tally.ts";
import type { TrafficFlush, TrafficSecond, TrafficWindow } from "./traffic-api.ts";

export const KEPT_SECONDS = 600;
/** A flush is about a second late; an older first second is a wrong clock. */
const REACH_BACK_SECONDS_MAX = 5;
/** An isolate's clock may be this far ahead. */
export const FUTURE_SECONDS_MAX = 5;
/** Isolates whose flush numbers are followed; the one heard from longest ago is forgotten first. */
export const ISOLATES_MAX = 2_000;

export class TrafficMemory {
  /** Complete after this second; what came before it may have been told to another. */
  #sinceSecond: number;
  readonly #seconds = new Map<number, Tally>();
  /** Insertion order is order of last hearing. */
  readonly #lastN = new Map<string, number>();
  readonly #lost = new Map<number, number>();
  #lastFlushAtMs: number | null = null;

  /** Begins empty: before `nowMs` nothing is known, which is not the same as no traffic. */
  constructor(nowMs: number) {
    this.#sinceSecond = Math.floor(nowMs / 1_000);
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
    this.#reachBack(flush);
    this.#forget(nowSecond);
  }

  /** What was reported for these seconds, complete or not: enough to be suspicious. */
  lately(seconds: number, untilSecond: number): readonly TrafficSecond[] {
    return [...this.#seconds.values()].filter(
      ({ second }) => second > untilSecond - seconds && second <= untilSecond,
    );
  }

  window(seconds: number, untilSecond: number): TrafficWindow {
    const fromSecond = Math.max(untilSecond - seconds, Math.min(this.#sinceSecond, untilSecond));
    const coveredSeconds = untilSecond - fromSecond;
    const isInside = (second: number): boolean => second > fromSecond && second <= untilSecond;
    return {
      fromSecond,
      untilSecond,
      seconds: this.lately(coveredSeconds, untilSecond).toSorted((a, b) => a.second - b.second),
      lastFlushAtMs: this.#lastFlushAtMs,
      lostFlushes: [...this.#lost]
        .filter(([second]) => isInside(second))
        .reduce((sum, [, lost]) => sum + lost, 0),
    };
  }

  /**
   * False for a repetition. A gap in an isolate's numbers is remembered as lost. What came before the first one heard is not: a
   * flush is sent until somebody took it, so that was this memory's predecessor, whose time is not in any window of this one.
   */
  #isNews({ isolate, n }: TrafficFlush, nowSecond: number): boolean {
    const lastN = this.#lastN.get(isolate) ?? n - 1;
    this.#lastN.delete(isolate);
    this.#lastN.set(isolate, Math.max(n, lastN));
    if (n <= lastN) return false;
    const missing = n - lastN - 1;
    if (missing > 0) this.#lost.set(nowSecond, (this.#lost.get(nowSecond) ?? 0) + missing);
    return true;
  }

  /** An isolate's first flush is its whole history, and is what woke this memory: it begins that second or two earlier. */
  #reachBack({ n, seconds }: TrafficFlush): void {
    if (n !== 1) return;
    const first = Math.min(...seconds.map(({ second }) => second));
    if (first > this.#sinceSecond - REACH_BACK_SECONDS_MAX) {
      this.#sinceSecond = Math.min(this.#sinceSecond, first - 1);
    }
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
    for (const isolate of this.#lastN.keys()) {
      if (this.#lastN.size <= ISOLATES_MAX) break;
      this.#lastN.delete(isolate);
    }
  }
}
