/**
 * How many of those who come were not here a moment ago. People return, and new ones come a few at a time; whoever borrows addresses
 * brings many at once. Told from sketches: nobody's address is kept for it.
 */
import { HyperLogLog } from "../../sketches/hyper-log-log.ts";
import type { OfAllShards } from "../../traffic/shards.ts";
import { BUCKET_SECONDS } from "../../traffic/talker-memory.ts";
import type { TalkersWindow } from "../../traffic/traffic-api.ts";
import { answerAll, defineSource, type Answer } from "../source.ts";
import { REPORT_LAG_SECONDS, WINDOW_SECONDS } from "./traffic.ts";

export const BEFORE_SECONDS = 90;
/** With less of it nobody is known here. */
export const BEFORE_SECONDS_MIN = 30;
/** Of those who were here before, who are at least so many times as many as those who are here now, a sketch cannot say which is which. */
export const BEFORE_TIMES_MAX = 10;

const emits = ["traffic.new_addresses_ratio"] as const;

export const newcomers = defineSource({
  id: "newcomers",
  emits,
  everyMs: { idle: 3_600_000, busy: 60_000, alert: 5_000 },
  deadlineMs: 2_000,

  async poll({ traffic, atMs }) {
    const untilSecond = Math.floor(atMs / 1_000) - 1 - REPORT_LAG_SECONDS;
    const [now, before] = await Promise.all([
      traffic.talkers(WINDOW_SECONDS, untilSecond),
      traffic.talkers(BEFORE_SECONDS, untilSecond - WINDOW_SECONDS),
    ]);
    const doubt =
      doubtAbout(now, WINDOW_SECONDS - BUCKET_SECONDS) ?? doubtAbout(before, BEFORE_SECONDS_MIN);
    if (doubt !== null) return answerAll(emits, { unknown: "no_data", detail: doubt });
    return { "traffic.new_addresses_ratio": newShareOf(addressesIn(now), addressesIn(before)) };
  },
});

const addressesIn = ({ dimensions }: TalkersWindow): HyperLogLog | null => {
  const cut = dimensions.find(({ dimension }) => dimension === "address");
  return cut === undefined ? null : HyperLogLog.fromBytes(cut.distinct);
};

function newShareOf(now: HyperLogLog | null, before: HyperLogLog | null): Answer {
  if (now === null) {
    return { unknown: "no_data", detail: "no request with a known address in the window" };
  }
  if (before === null) return { value: 1 };
  const [count, known] = [now.estimate(), before.estimate()];
  if (known > BEFORE_TIMES_MAX * count) {
    return { unknown: "no_data", detail: "too few come to be told from those before" };
  }
  const together = before.copy();
  together.merge(now);
  return { value: Math.min(1, Math.max(0, (together.estimate() - known) / count)) };
}

/** Why a window cannot be compared, or null. */
function doubtAbout(window: OfAllShards<TalkersWindow>, secondsMin: number): string | null {
  if (window.silentShards > 0)
    return `${window.silentShards} shards of the counters did not answer`;
  if (window.missingReports > 0) return `${window.missingReports} reports of talkers are missing`;
  return window.untilSecond - window.fromSecond < secondsMin
    ? "the counters have just begun"
    : null;
}
