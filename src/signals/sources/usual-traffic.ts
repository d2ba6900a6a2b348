/**
 * How much of the usual traffic comes. Guards report only when a visitor came, so here, and only here, a minute without any report
 * counts as a minute without visitors: either nobody gets through to the guard, or what guards count does not get through to us.
 * Both are news; neither is an outage by itself.
 */
import type { OfAllShards } from "../../traffic/shards.ts";
import type { TrafficWindow } from "../../traffic/traffic-api.ts";
import { visitsIn } from "../../traffic/endings.ts";
import { answerAll, defineSource } from "../source.ts";
import { learn, NOTHING_USUAL, usualAt, usualTraffic, WEEKS_MIN } from "../usual-traffic.ts";
import { REPORT_LAG_SECONDS } from "./traffic.ts";

export const MINUTE_SECONDS = 60;
/** Where fewer usually come in a minute, one without any means nothing. */
export const USUAL_MIN = 20;

const emits = ["traffic.usual_requests_per_second", "traffic.of_usual_ratio"] as const;

export const usualTrafficSource = defineSource({
  id: "usual_traffic",
  emits,
  everyMs: { idle: 60_000, busy: 60_000, alert: 15_000 },
  deadlineMs: 2_000,

  async poll({ traffic, atMs, kept, keep }) {
    const untilSecond = Math.floor(atMs / 1_000) - 1 - REPORT_LAG_SECONDS;
    const window = await traffic.window(MINUTE_SECONDS, untilSecond);
    const doubt = doubtAboutMinute(window);
    if (doubt !== null) return answerAll(emits, { unknown: "no_data", detail: doubt });
    const perSecond = visitsIn(window.seconds, window.untilSecond) / MINUTE_SECONDS;
    const known = usualTraffic.safeParse(kept).data ?? NOTHING_USUAL;
    const usual = usualAt(known, atMs);
    keep(learn(known, perSecond, atMs));
    if (usual === null) {
      const detail = `this hour is not known of ${WEEKS_MIN} earlier weeks yet`;
      return answerAll(emits, { unknown: "no_data", detail });
    }
    const tooFew = `fewer than ${USUAL_MIN} a minute usually come at this time`;
    return {
      "traffic.usual_requests_per_second": { value: usual.perSecond },
      "traffic.of_usual_ratio":
        usual.perSecond * MINUTE_SECONDS < USUAL_MIN
          ? { unknown: "no_data", detail: tooFew }
          : { value: perSecond / usual.perSecond },
    };
  },
});

function doubtAboutMinute(window: OfAllShards<TrafficWindow>): string | null {
  if (window.silentShards > 0)
    return `${window.silentShards} shards of the counters did not answer`;
  if (window.untilSecond - window.fromSecond < MINUTE_SECONDS)
    return "the counters have just begun";
  if (window.lostFlushes > 0) return `${window.lostFlushes} reports of guards were lost`;
  return null;
}
