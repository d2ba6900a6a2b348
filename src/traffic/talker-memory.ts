/** Who sent most of the last two minutes, as guards reported it; bounded, and honest about what is missing. Pure. */
import { MERGED_NAMES_MAX, MergedTalkers } from "../sketches/merged-talkers.ts";
import { SectionTally } from "./section-tally.ts";
import { DistinctTally } from "./distinct-tally.ts";
import type { TalkersReport, TalkersWindow } from "./traffic-api.ts";

export const TALKERS_KEPT_SECONDS = 120;
/** Sketches are large: one set for each two seconds. Windows are rounded inwards to these. */
export const BUCKET_SECONDS = 2;
/** A report about a longer time cannot be put into a window. */
export const REPORT_SECONDS_MAX = 10;

export class TalkerMemory {
  readonly #buckets = new Map<number, Bucket>();

  /** Files one flush's report; null is a guard that did not say, and what it saw is missing. */
  add(report: TalkersReport | null, nowSecond: number): void {
    const second = report === null ? nowSecond : Math.min(report.untilSecond, nowSecond);
    if (second <= nowSecond - TALKERS_KEPT_SECONDS) return;
    const bucket = this.#bucketOf(second);
    const isUsable = report !== null && second - report.fromSecond <= REPORT_SECONDS_MAX;
    if (isUsable) {
      bucket.talkers.add(report.dimensions);
      if (report.urls !== undefined) bucket.urls.add(report.urls);
      if (report.sections !== undefined) bucket.sections.add(report.sections);
      if (report.harmed === undefined) bucket.isHarmTold = false;
      else bucket.harmed.add(report.harmed);
    } else bucket.missing += 1;
    this.#forget(nowSecond);
  }

  /** The buckets that lie whole in (`fromSecond`, `untilSecond`]. */
  window(fromSecond: number, untilSecond: number): TalkersWindow {
    const first = Math.floor(fromSecond / BUCKET_SECONDS) + 1;
    const end = Math.floor((untilSecond + 1) / BUCKET_SECONDS);
    const merged = new MergedTalkers();
    const urls = new DistinctTally();
    const sections = new SectionTally();
    const harmed = new DistinctTally();
    let isHarmTold = true;
    let missingReports = 0;
    for (let at = first; at < end; at += 1) {
      const bucket = this.#buckets.get(at);
      if (bucket === undefined) continue;
      merged.add(bucket.talkers.cuts(MERGED_NAMES_MAX));
      urls.add(bucket.urls.cut());
      sections.add(bucket.sections.cut());
      harmed.add(bucket.harmed.cut());
      isHarmTold &&= bucket.isHarmTold;
      missingReports += bucket.missing;
    }
    return {
      fromSecond: first * BUCKET_SECONDS - 1,
      untilSecond: Math.max(first, end) * BUCKET_SECONDS - 1,
      missingReports,
      dimensions: merged.cuts(MERGED_NAMES_MAX),
      urls: urls.cut(),
      sections: sections.cut(),
      // Where one guard does not say whom production failed, nobody knows how many those were.
      harmed: isHarmTold ? harmed.cut() : undefined,
    };
  }

  #bucketOf(second: number): Bucket {
    const at = Math.floor(second / BUCKET_SECONDS);
    const bucket = this.#buckets.get(at) ?? {
      talkers: new MergedTalkers(),
      urls: new DistinctTally(),
      sections: new SectionTally(),
      harmed: new DistinctTally(),
      isHarmTold: true,
      missing: 0,
    };
    this.#buckets.set(at, bucket);
    return bucket;
  }

  #forget(nowSecond: number): void {
    for (const at of this.#buckets.keys()) {
      if ((at + 1) * BUCKET_SECONDS <= nowSecond - TALKERS_KEPT_SECONDS) this.#buckets.delete(at);
    }
  }
}

type Bucket = {
  readonly talkers: MergedTalkers;
  readonly urls: DistinctTally;
  readonly sections: SectionTally;
  readonly harmed: DistinctTally;
  /** By every report. */
  isHarmTold: boolean;
  missing: number;
};
