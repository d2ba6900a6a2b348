/** Answers every visitor with the maintenance page instead of production, but on exempt routes. */
import { z } from "zod";
import { defineLease } from "../actuator.ts";
import { guardEntry } from "../guard-entry.ts";

const options = z.strictObject({
  /** What visitors read; without it, the site's own sentence. */
  message: z.string().trim().min(1).max(500).optional(),
});

export const maintenanceMode = defineLease({
  id: "maintenance-mode",
  kind: "lease",
  options,
  ...guardEntry<z.infer<typeof options>>(
    ({ message }) => ({
      kind: "maintenance",
      match: {},
      action: message === undefined ? {} : { message },
      fail: "open",
    }),
    {
      touches: "every visitor, but on exempt routes",
      siteWide: true,
      // No request reaches production, so nothing is learnt from requests.
      masks: [
        "traffic.requests_per_second",
        "traffic.origin_requests_count",
        "traffic.error_ratio",
        "traffic.latency_p95_ms",
        "probe.through_success_ratio",
        "probe.through_latency_ms",
      ],
      release: "staged",
    },
  ),
});
