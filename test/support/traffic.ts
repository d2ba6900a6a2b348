/** Builders of traffic reports for tests. */
import { emptyTally } from "../../src/traffic/tally.ts";
import type { TalkersReport, TrafficFlush, TrafficSecond } from "../../src/traffic/traffic-api.ts";

export const aSecond = (second: number, changes: Partial<TrafficSecond> = {}): TrafficSecond => ({
  ...emptyTally(second),
  ...changes,
});

export const aFlush = (
  isolate: string,
  n: number,
  seconds: readonly TrafficSecond[] = [],
): TrafficFlush => ({ isolate, n, seconds, talkers: aTalkersReport(seconds), touched: [] });

/** Of nobody in particular, in these seconds. */
const aTalkersReport = (seconds: readonly TrafficSecond[]): TalkersReport => {
  const at = seconds.map(({ second }) => second);
  return {
    fromSecond: at.length === 0 ? 0 : Math.min(...at),
    untilSecond: at.length === 0 ? 0 : Math.max(...at),
    dimensions: [],
  };
};
