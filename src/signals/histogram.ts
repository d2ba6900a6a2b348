/** Percentiles out of the guards' latency histogram. */
import { LATENCY_BOUNDS_MS } from "../traffic/traffic-api.ts";

/**
 * The 95th percentile of a histogram over `LATENCY_BOUNDS_MS`, spread evenly inside its bucket. Beyond the last bound
 * it is that bound: the truth is at least this. Null when nothing was counted.
 */
export function p95Ms(counts: readonly number[]): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const wanted = total * 0.95;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && below + count >= wanted) {
      const from = LATENCY_BOUNDS_MS[bucket - 1] ?? 0;
      const until = LATENCY_BOUNDS_MS[bucket] ?? from;
      return from + ((wanted - below) / count) * (until - from);
    }
    below += count;
  }
  return LATENCY_BOUNDS_MS.at(-1) ?? null;
}
