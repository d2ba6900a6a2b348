/**
 * How requests to production ended, the ones that did not included: a visitor who leaves while production hangs takes the rest of
 * the request along, and nothing is recorded of it but that production was asked. Pure.
 */
import type { TrafficSecond } from "./traffic-api.ts";

/** A request that was made longer ago should have ended. */
export const ANSWER_SECONDS = 3;

/** Counts of requests. */
export type Endings = {
  readonly requests: number;
  /** Those that production answered with 5xx, or not at all. */
  readonly failed: number;
};

/**
 * What was asked early enough in these seconds is compared with all that ended in them: where answers take no longer than
 * `ANSWER_SECONDS` nothing is ever missing, whether traffic grows or ends. Where only some requests hang it says too few.
 */
export function endings(
  seconds: readonly Pick<TrafficSecond, "second" | "asked" | "served" | "failed">[],
  untilSecond: number,
): Endings {
  let asked = 0;
  let ended = 0;
  let failed = 0;
  for (const second of seconds) {
    if (second.second <= untilSecond - ANSWER_SECONDS) asked += second.asked;
    ended += second.served + second.failed;
    failed += second.failed;
  }
  const missing = Math.max(0, asked - ended);
  return { requests: ended + missing, failed: failed + missing };
}

/** Whoever came, and whatever became of it: what the guard refused too. */
export const visitsIn = (
  seconds: readonly Pick<TrafficSecond, "second" | "asked" | "served" | "failed" | "refused">[],
  untilSecond: number,
): number =>
  seconds.reduce(
    (sum, { refused }) => Object.values(refused).reduce((all, count) => all + count, sum),
    endings(seconds, untilSecond).requests,
  );
