/** PagerDuty's Events API v2: alerts by their key, what they do at each event, and whom they woke. */
import { Hono } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const ALERTS_MAX = 1_000;

const text = (charsMax: number) => z.string().min(1).max(charsMax);
const key = { routing_key: z.string().length(32), dedup_key: text(255) };
const event = z.discriminatedUnion("event_action", [
  z.strictObject({
    ...key,
    event_action: z.literal("trigger"),
    client: z.string().optional(),
    client_url: z.url().optional(),
    links: z.array(z.strictObject({ href: z.url(), text: z.string().optional() })).optional(),
    payload: z.strictObject({
      summary: text(1_024),
      source: text(255),
      severity: z.enum(["critical", "error", "warning", "info"]),
      custom_details: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
  z.strictObject({ ...key, event_action: z.literal("acknowledge") }),
  z.strictObject({ ...key, event_action: z.literal("resolve") }),
]);

type Alert = {
  readonly dedupKey: string;
  readonly status: "triggered" | "acknowledged" | "resolved";
  readonly severity: string;
  /** How often somebody was called: once for each time it opened. */
  readonly pages: number;
};

/** What an event makes of an alert; null when there is nothing open that it could change. */
function after(known: Alert | undefined, asked: z.infer<typeof event>): Alert | null {
  const open = known?.status === "resolved" ? undefined : known;
  switch (asked.event_action) {
    case "trigger": {
      const { severity } = asked.payload;
      if (open !== undefined) return { ...open, severity };
      const pages = (known?.pages ?? 0) + 1;
      return { dedupKey: asked.dedup_key, status: "triggered", severity, pages };
    }
    case "acknowledge":
      return open === undefined ? null : { ...open, status: "acknowledged" };
    case "resolve":
      return open === undefined ? null : { ...open, status: "resolved" };
  }
}

export function pagerduty(account: { readonly routingKey: string }): Vendor {
  const alerts = new Map<string, Alert>();
  const app = new Hono();

  app.post("/v2/enqueue", async (c) => {
    const invalid = (...errors: readonly string[]) =>
      c.json({ status: "invalid event", message: "Event object is invalid", errors }, 400);
    const asked = event.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return invalid(z.prettifyError(asked.error));
    if (asked.data.routing_key !== account.routingKey) return invalid("routing_key is unknown");
    if (alerts.size >= ALERTS_MAX) return c.json({ status: "throttled" }, 429);
    const { dedup_key: dedupKey } = asked.data;
    const next = after(alerts.get(dedupKey), asked.data);
    if (next !== null) alerts.set(dedupKey, next);
    // What there is nothing open for is accepted, and dropped.
    return c.json({ status: "success", message: "Event processed", dedup_key: dedupKey }, 202);
  });
  app.notFound((c) => c.json({ status: "not found" }, 404));

  return {
    name: "pagerduty",
    fetch: (request) => app.fetch(request),
    state: () => ({ alerts: [...alerts.values()] }),
    reset: () => alerts.clear(),
  };
}
