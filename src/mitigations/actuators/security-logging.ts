/**
 * Guards write down the facts of suspicious requests, for the incident's evidence: what they or production turned away, and what only
 * scanners ask for. Nobody is touched by it, and nothing is kept of what a request carried.
 */
import { z } from "zod";
import { MATCH_ROUTES_MAX } from "../../policy/patterns.ts";
import { defineLease } from "../actuator.ts";
import { guardEntry } from "../guard-entry.ts";

const options = z.strictObject({
  /** Only here; without it, everywhere. */
  routes: z.array(z.string().startsWith("/").max(500)).min(1).max(MATCH_ROUTES_MAX).optional(),
});
type Options = z.infer<typeof options>;

export const securityLogging = defineLease({
  id: "security-logging",
  kind: "lease",
  options,
  ...guardEntry<Options>(
    ({ routes }) => ({
      kind: "security-log",
      match: routes === undefined ? {} : { routes },
      action: {},
      fail: "open",
    }),
    {
      touches: ({ routes }) =>
        `nobody: what is suspicious ${routes === undefined ? "" : `on ${routes.join(", ")} `}is written down, without what it carried`,
      siteWide: false,
      masks: [],
      release: "at_once",
      beside: true,
    },
  ),
});
