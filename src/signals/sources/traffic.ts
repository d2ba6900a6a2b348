/**
 * What visitors get from production, as the guards counted it, and who comes: our probes are in neither, the guard's own
 * answers only in the second, for an attack that is refused is still one.
 *
 * Silence is ambiguous: guards report only when a visitor came, so an empty window means "no visitors" while some report is
 * young enough to show that reporting works, and afterwards "nobody reports", and then even the rate is unknown. Without a
 * request there is no ratio. A lost report makes the window incomplete, hence unknown, never low.
 */
import { answerAll, defineSource, type Answer } from "../source.ts";
import { p95Ms } from "../histogram.ts";
import { distinctOf } from "../../sketches/merged-talkers.ts";
import type { Dimension, DimensionCut } from "../../sketches/top-talkers.ts";
import { endings, visitsIn } from "../../traffic/endings.ts";
import type { OfAllShards } from "../../traffic/shards.ts";
import { BUCKET_SECONDS } from "../../traffic/talker-memory.ts";
import type { TalkersWindow, TrafficWindow } from "../../traffic/traffic-api.ts";

export const WINDOW_SECONDS = 10;
/** Guards report about a second after they counted; the window stops short of what is still on its way. */
export const REPORT_LAG_SECONDS = 1;
/** Longer without any report, and an empty window says nothing. */
export const REPORT_AGE_MS_MAX = 30_000;

const answered = [
  "traffic.requests_per_second",
  "traffic.arriving_per_second",
  "traffic.origin_requests_count",
  "traffic.error_ratio",
  "traffic.latency_p95_ms",
] as const;
const sent = [
  "traffic.distinct_addresses_count",
  "traffic.requests_per_address_count",
  "traffic.distinct_urls_count",
  "traffic.requests_per_url_count",
  "traffic.harmed_addresses_ratio",
  "traffic.top_address_ratio",
  "traffic.top_network_ratio",
  "traffic.top_asn_ratio",
  "traffic.top_country_ratio",
  "traffic.top_ja4_ratio",
  "traffic.top_user_agent_ratio",
  "traffic.top_path_ratio",
] as const;
const emits = [...answered, ...sent] as const;

export const traffic = defineSource({
  id: "traffic",
  emits,
  everyMs: { idle: 0, busy: 0, alert: 0 },
  deadlineMs: 2_000,

  async poll({ traffic: reader, atMs }) {
    const untilSecond = Math.floor(atMs / 1_000) - 1 - REPORT_LAG_SECONDS;
    const [window, talkers] = await Promise.all([
      reader.window(WINDOW_SECONDS, untilSecond),
      reader.talkers(WINDOW_SECONDS, untilSecond),
    ]);
    const doubt = doubtAbout(window, atMs);
    if (doubt !== null) return answerAll(emits, { unknown: "no_data", detail: doubt });
    return { ...howItWasAnswered(window), ...whoSentIt(talkers) };
  },
});

function howItWasAnswered(
  window: TrafficWindow,
): Readonly<Record<(typeof answered)[number], Answer>> {
  const { requests, failed, latency } = sum(window);
  const windowSeconds = window.untilSecond - window.fromSecond;
  const rate = { value: requests / windowSeconds };
  const arriving = { value: visitsIn(window.seconds, window.untilSecond) / windowSeconds };
  if (requests === 0) {
    const none = { unknown: "no_data", detail: "no visitor in the window" } as const;
    return {
      "traffic.requests_per_second": rate,
      "traffic.arriving_per_second": arriving,
      "traffic.origin_requests_count": { value: 0 },
      "traffic.error_ratio": none,
      "traffic.latency_p95_ms": none,
    };
  }
  const p95 = p95Ms(latency);
  return {
    "traffic.requests_per_second": rate,
    "traffic.arriving_per_second": arriving,
    "traffic.origin_requests_count": { value: requests },
    "traffic.error_ratio": { value: failed / requests },
    "traffic.latency_p95_ms":
      p95 === null
        ? { unknown: "no_data", detail: "guards reported no latencies" }
        : { value: p95 },
  };
}

function whoSentIt(
  talkers: OfAllShards<TalkersWindow>,
): Readonly<Record<(typeof sent)[number], Answer>> {
  const doubt = doubtAboutTalkers(talkers);
  if (doubt !== null) return answerAll(sent, { unknown: "no_data", detail: doubt });
  const by = (wanted: Dimension): DimensionCut | undefined =>
    talkers.dimensions.find(({ dimension }) => dimension === wanted);
  const address = by("address");
  if (address === undefined) {
    const detail = "no request with a known address in the window";
    return answerAll(sent, { unknown: "no_data", detail });
  }
  const distinct = Math.max(1, distinctOf(address));
  return {
    "traffic.distinct_addresses_count": { value: distinct },
    "traffic.requests_per_address_count": { value: address.total / distinct },
    ...whatIsAskedFor(talkers),
    "traffic.harmed_addresses_ratio": harmedRatio(talkers, distinct),
    "traffic.top_address_ratio": topRatio(address),
    "traffic.top_network_ratio": topRatio(by("network")),
    "traffic.top_asn_ratio": topRatio(by("asn")),
    "traffic.top_country_ratio": topRatio(by("country")),
    "traffic.top_ja4_ratio": topRatio(by("ja4")),
    "traffic.top_user_agent_ratio": topRatio(by("user_agent")),
    "traffic.top_path_ratio": topRatio(by("path")),
  };
}

function whatIsAskedFor({
  urls,
}: Pick<TalkersWindow, "urls">): Readonly<
  Record<"traffic.distinct_urls_count" | "traffic.requests_per_url_count", Answer>
> {
  const distinct = urls === undefined || urls.total === 0 ? 0 : distinctOf(urls);
  if (urls === undefined || distinct === 0) {
    const none = { unknown: "no_data", detail: "no guard counts URLs yet" } as const;
    return { "traffic.distinct_urls_count": none, "traffic.requests_per_url_count": none };
  }
  return {
    "traffic.distinct_urls_count": { value: distinct },
    "traffic.requests_per_url_count": { value: urls.total / distinct },
  };
}

function harmedRatio({ harmed }: Pick<TalkersWindow, "harmed">, clients: number): Answer {
  if (harmed === undefined) {
    return { unknown: "no_data", detail: "no guard says yet whom production failed to answer" };
  }
  return { value: harmed.total === 0 ? 0 : Math.min(1, distinctOf(harmed) / clients) };
}

/** Below a few requests nobody is counted by name; then the busiest has few indeed. */
function topRatio(cut: DimensionCut | undefined): Answer {
  if (cut === undefined)
    return { unknown: "no_data", detail: "no request that says so in the window" };
  const busiest = Math.max(0, ...cut.top.map(({ atLeast }) => atLeast));
  return { value: Math.min(1, busiest / cut.total) };
}

/** Why the window cannot be trusted, or null. */
export function doubtAbout(window: OfAllShards<TrafficWindow>, atMs: number): string | null {
  if (window.silentShards > 0)
    return `${window.silentShards} shards of the counters did not answer`;
  if (window.lastFlushAtMs === null) return "no guard has reported yet";
  if (atMs - window.lastFlushAtMs > REPORT_AGE_MS_MAX) return "no guard has reported lately";
  // The counters live in memory; after a restart the window begins where they do.
  if (window.untilSecond <= window.fromSecond) return "the counters have just begun";
  if (window.lostFlushes > 0) return `${window.lostFlushes} reports of guards were lost`;
  return null;
}

/** The same for talkers. A part of the window is no window: who was busiest in the rest of it may be somebody else. */
function doubtAboutTalkers(window: OfAllShards<TalkersWindow>): string | null {
  if (window.silentShards > 0)
    return `${window.silentShards} shards of the counters did not answer`;
  if (window.missingReports > 0) return `${window.missingReports} reports of talkers are missing`;
  const isShort = window.untilSecond - window.fromSecond < WINDOW_SECONDS - BUCKET_SECONDS;
  return isShort ? "the counters have just begun" : null;
}

function sum({ seconds, untilSecond }: TrafficWindow): {
  readonly requests: number;
  readonly failed: number;
  readonly latency: readonly number[];
} {
  const latency: number[] = [];
  for (const second of seconds) {
    second.latency.forEach((count, bucket) => {
      latency[bucket] = (latency[bucket] ?? 0) + count;
    });
  }
  const { requests, failed } = endings(seconds, untilSecond);
  return { requests, failed, latency };
}
