/** Builders of traffic reports for tests. */
import { emptyTally } from "../../src/traffic/tally.ts";
import type { TrafficFlush, TrafficSecond } from "../../src/traffic/traffic-api.ts";

export const aSecond = (second: number, changes: Partial<TrafficSecond> = {}): TrafficSecond => ({
  ...emptyTally(second),
  ...changes,
});

export const aFlush = (
  isolate: string,
  n: number,
  seconds: readonly TrafficSecond[] = [],
): TrafficFlush => ({ isolate, n, seconds });
