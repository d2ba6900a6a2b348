/** Answers visitors who are not signed in from copies of production's answers, and goes on doing so when production fails. */
import { z } from "zod";
import { MATCH_ROUTES_MAX } from "../../policy/patterns.ts";
import { parseDuration } from "../../shared/duration.ts";
import { defineLease } from "../actuator.ts";
import { guardEntry } from "../guard-entry.ts";

const SECOND_MS = 1_000;
const FRESH_MS_MAX = 86_400_000;

const options = z.strictObject({
  /** Only here; without it, everywhere. Nothing private is ever kept, whatever the route. */
  routes: z.array(z.string().startsWith("/").max(500)).min(1).max(MATCH_ROUTES_MAX).optional(),
  /** How long a copy answers without production being asked, 1 s to 1 d. Later it answers only if production fails. */
  fresh: z
    .string()
    .default("5m")
    .refine((text) => {
      const parsed = parseDuration(text);
      return parsed.ok && parsed.value >= SECOND_MS && parsed.value <= FRESH_MS_MAX;
    }, "write a duration from 1s to 1d"),
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
      action: { freshSeconds: secondsOf(fresh) },
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

function secondsOf(fresh: string): number {
  const parsed = parseDuration(fresh);
  return parsed.ok ? Math.floor(parsed.value / SECOND_MS) : 1;
}
