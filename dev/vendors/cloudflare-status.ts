/** Cloudflare's public status page: the two documents of Statuspage's API v2 that programs read. */
import { Hono } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const DESCRIPTIONS = {
  none: "All Systems Operational",
  minor: "Minor Service Outage",
  major: "Partial System Outage",
  critical: "Major Service Outage",
  maintenance: "Service Under Maintenance",
} as const;

const status = z.strictObject({
  indicator: z.enum(["none", "minor", "major", "critical", "maintenance"]),
});

/** Starts at `none`; `PUT {"indicator":"major"}` on its control path changes it. */
export function cloudflareStatus(): Vendor {
  let { indicator } = initial;
  const page = () => ({
    id: "yh6f0r4529hb",
    name: "Cloudflare",
    url: "https://www.cloudflarestatus.com",
    time_zone: "Etc/UTC",
    updated_at: new Date().toISOString(),
  });
  const summary = () => ({
    page: page(),
    status: { indicator, description: DESCRIPTIONS[indicator] },
  });
  const app = new Hono();
  app.get("/api/v2/status.json", (c) => c.json(summary()));
  app.get("/api/v2/summary.json", (c) =>
    c.json({ ...summary(), components: [], incidents: [], scheduled_maintenances: [] }),
  );
  return {
    name: "cloudflare-status",
    fetch: (request) => app.fetch(request),
    state: () => ({ indicator }),
    setState: (value) => {
      ({ indicator } = status.parse(value));
    },
    reset: () => {
      ({ indicator } = initial);
    },
  };
}

const initial: z.infer<typeof status> = { indicator: "none" };
