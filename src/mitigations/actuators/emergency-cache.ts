/** Answers visitors who are not signed in from copies of production's answers, and goes on doing so when production fails. */
import { z } from "zod";
import { MATCH_ROUTES_MAX } from "../../policy/patterns.ts";
import { defineLease } from "../actuator.ts";
import { durationOption, msOf } from "../duration-option.ts";
import { guardEntry } from "../guard-entry.ts";

const SECOND_MS = 1_000;
const FRESH_MS_MAX = 86_400_000;

const options = z.strictObject({
  /** Only here; without it, everywhere. Nothing private is ever kept, whatever the route. */
  routes: z.array(z.string().startsWith("/").max(500)).min(1).max(MATCH_ROUTES_MAX).optional(),
  /** How long a copy answers without production being asked, 1 s to 1 d. Later it answers only if production fails. */
  fresh: durationOption(SECOND_MS, FRESH_MS_MAX).default("5m"),
});

type Options = z.infer<typeof options>;

export const emergencyCache = defineLease({
  id: "emergency-cache",
  kind: "lease",
  options,
  ...guardEntry<Options>(
    ({ routes, fresh }) => ({
      kind: "emergency-cache",
      match: routes === undefined ? {} : { routes },
      action: { freshSeconds: Math.floor(msOf(fresh) / SECOND_MS) },
      fail: "open",
    }),
    {
      touches: ({ routes, fresh }) =>
        `visitors who are not signed in, of ${routes?.join(", ") ?? "every page that all may see"}: what they read is up to ${fresh} old`,
      siteWide: false,
      // What a copy answers is not asked of production.
      masks: ["traffic.requests_per_second", "traffic.origin_requests_count"],
      // Bit by bit, so that production is not met by everybody at once.
      release: "staged",
    },
  ),
});
