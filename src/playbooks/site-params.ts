/** What of `site.yaml` people may change for a while, without a deploy. */
import type { z } from "zod";
import type { param } from "./schema.ts";

/** Values of the site that people may override for a while, as they override a playbook's. */
export const SITE_PARAMS = {
  cadence_calm: {
    type: "duration",
    default: "60s",
    min: "5s",
    max: "10m",
    describes: "Time between ticks when nothing is going on",
  },
  cadence_alert: {
    type: "duration",
    default: "10s",
    min: "1s",
    max: "60s",
    describes: "Time between ticks while anything is pending or open",
  },
  policy_poll_calm: {
    type: "duration",
    default: "4s",
    min: "500ms",
    max: "60s",
    describes:
      "How old a guard's snapshot may get before it asks again, calm; 4s at most, whatever is written",
  },
  policy_poll_alert: {
    type: "duration",
    default: "1s",
    min: "200ms",
    max: "10s",
    describes: "The same while an incident is open",
  },
  stores_every: {
    type: "duration",
    default: "60s",
    min: "1s",
    max: "1h",
    describes:
      "Time between two looks at Postgres and Redis while visitors are there; 5s in an incident, or less if this is less",
  },
  integrity_every: {
    type: "duration",
    default: "60s",
    min: "1s",
    max: "1h",
    describes:
      "Time between two rounds of integrity checks while visitors are there; at most as long in an incident",
  },
  records_within: {
    type: "duration",
    default: "2m",
    min: "20s",
    max: "1h",
    describes:
      "How long ago a sign-in that production wrote down is still happening; shorter than a minute, calm rounds miss some",
  },
} as const satisfies Record<string, z.infer<typeof param>>;
export type SiteParamName = keyof typeof SITE_PARAMS;
