/**
 * Who comes to Cloudflare's edge, in front of everything of ours: a second place to see that nobody comes, and the only one when what
 * is broken lies between the edge and the guard. Sampled, and some minutes late: it confirms, and never says it first.
 */
import { CLOUDFLARE_TIMEOUT_MS } from "../../platform/cloudflare.ts";
import { readVisits } from "../../platform/cloudflare-analytics.ts";
import { answerAll, defineSource } from "../source.ts";
import { learn, NOTHING_USUAL, usualAt, usualTraffic, WEEKS_MIN } from "../usual-traffic.ts";
import { USUAL_MIN } from "./usual-traffic.ts";

/** What is younger is not counted yet. */
export const EDGE_LAG_MS = 120_000;
export const EDGE_WINDOW_MS = 120_000;
const MINUTE_SECONDS = 60;

const emits = ["edge.requests_per_second", "edge.of_usual_ratio"] as const;

export const edge = defineSource({
  id: "edge",
  emits,
  // A question costs one of the 300 that the vendor answers in five minutes; an hour needs twenty readings to be remembered.
  everyMs: { idle: 120_000, busy: 120_000, alert: 60_000 },
  deadlineMs: CLOUDFLARE_TIMEOUT_MS + 1_000,

  async poll({ cloudflare, atMs, kept, keep }) {
    const zoneId = cloudflare?.zoneId ?? null;
    if (cloudflare === null || zoneId === null) {
      const detail =
        "CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_ZONE_ID are not set";
      return answerAll(emits, { unknown: "not_configured", detail });
    }
    const toMs = atMs - EDGE_LAG_MS;
    const visits = await readVisits(cloudflare.api, {
      zoneId,
      fromMs: toMs - EDGE_WINDOW_MS,
      toMs,
    });
    if (!visits.ok) {
      const unknown = visits.error.class === "refuse" ? "refused" : "timeout";
      return answerAll(emits, { unknown, detail: visits.error.detail });
    }
    const perSecond = (1_000 * visits.value) / EDGE_WINDOW_MS;
    const known = usualTraffic.safeParse(kept).data ?? NOTHING_USUAL;
    const usual = usualAt(known, toMs);
    keep(learn(known, perSecond, toMs));
    return {
      "edge.requests_per_second": { value: perSecond },
      "edge.of_usual_ratio":
        usual === null
          ? {
              unknown: "no_data",
              detail: `this hour is not known of ${WEEKS_MIN} earlier weeks yet`,
            }
          : usual.perSecond * MINUTE_SECONDS < USUAL_MIN
            ? {
                unknown: "no_data",
                detail: `fewer than ${USUAL_MIN} a minute usually come at this time`,
              }
            : { value: perSecond / usual.perSecond },
    };
  },
});
