/**
 * What visitors get from production, as the guards counted it: the guard's own answers and our probes are not in it.
 *
 * Silence is ambiguous: guards report only when a visitor came, so an empty window means "no visitors" while some report is
 * young enough to show that reporting works, and afterwards "nobody reports", and then even the rate is unknown. Without a
 * request there is no ratio. A lost report makes the window incomplete, hence unknown, never low.
 */
import { answerAll, defineSource } from "../source.ts";
import { p95Ms } from "../histogram.ts";
import type { TrafficWindow } from "../../traffic/traffic-api.ts";

export const WINDOW_SECONDS = 10;
/** Guards report about a second after they counted; the window stops short of what is still on its way. */
export const REPORT_LAG_SECONDS = 1;
/** Longer without any report, and an empty window says nothing. */
export const REPORT_AGE_MS_MAX = 30_000;

const emits = [
  "traffic.requests_per_second",
  "traffic.origin_requests_count",
  "traffic.error_ratio",
  "traffic.latency_p95_ms",
] as const;

export const traffic = defineSource({
  id: "traffic",
  emits,
  everyMs: { idle: 0, busy: 0, alert: 0 },
  deadlineMs: 2_000,

  async poll(context) {
    const untilSecond = Math.floor(context.atMs / 1_000) - 1 - REPORT_LAG_SECONDS;
    const window = await context.traffic.window(WINDOW_SECONDS, untilSecond);
    const doubt = doubtAbout(window, context.atMs);
    if (doubt !== null) return answerAll(emits, { unknown: "no_data", detail: doubt });

    const { served, failed, latency } = sum(window);
    const requests = served + failed;
    const rate = { value: requests / (window.untilSecond - window.fromSecond) };
    if (requests === 0) {
      const none = { unknown: "no_data", detail: "no visitor in the window" } as const;
      return {
        "traffic.requests_per_second": rate,
        "traffic.origin_requests_count": { value: 0 },
        "traffic.error_ratio": none,
        "traffic.latency_p95_ms": none,
      };
    }
    const p95 = p95Ms(latency);
    return {
      "traffic.requests_per_second": rate,
      "traffic.origin_requests_count": { value: requests },
      "traffic.error_ratio": { value: failed / requests },
      "traffic.latency_p95_ms":
        p95 === null
          ? { unknown: "no_data", detail: "guards reported no latencies" }
          : { value: p95 },
    };
  },
});

/** Why the window cannot be trusted, or null. */
function doubtAbout(window: TrafficWindow, atMs: number): string | null {
  if (window.lastFlushAtMs === null) return "no guard has reported yet";
  if (atMs - window.lastFlushAtMs > REPORT_AGE_MS_MAX) return "no guard has reported lately";
  // The counters live in memory; after a restart the window begins where they do.
  if (window.untilSecond <= window.fromSecond) return "the counters have just begun";
  if (window.lostFlushes > 0) return `${window.lostFlushes} reports of guards were lost`;
  return null;
}

function sum(window: TrafficWindow): {
  readonly served: number;
  readonly failed: number;
  readonly latency: readonly number[];
} {
  let served = 0;
  let failed = 0;
  const latency: number[] = [];
  for (const second of window.seconds) {
    served += second.served;
    failed += second.failed;
    second.latency.forEach((count, bucket) => {
      latency[bucket] = (latency[bucket] ?? 0) + count;
    });
  }
  return { served, failed, latency };
}
