/**
 * PagerDuty, webhooks version 3. It signs the body and no time, keeps trying for 48 hours, and switches a subscription off after
 * three 4xx: what we do not understand is taken all the same.
 */
import { z } from "zod";
import { ok } from "../shared/result.ts";
import { hasHmac } from "./proof.ts";
import { deliveryIdOf, event, noted, readJson, time } from "./reading.ts";
import { severityOf } from "./severity.ts";
import { defineWebhook } from "./webhook.ts";

const STATUSES: ReadonlyMap<string, "firing" | "resolved"> = new Map([
  ["incident.triggered", "firing"],
  ["incident.reopened", "firing"],
  ["incident.resolved", "resolved"],
]);

const payload = z.looseObject({
  event: z.looseObject({
    id: z.string().min(1),
    event_type: z.string(),
    occurred_at: time,
    data: z.unknown(),
  }),
});
const incident = z.looseObject({
  id: z.string().min(1),
  title: z.string().default(""),
  html_url: z.string().nullish(),
  incident_key: z.string().nullish(),
  urgency: z.string().nullish(),
  priority: z.looseObject({ summary: z.string().nullish() }).nullish(),
  service: z.looseObject({ summary: z.string().nullish() }).nullish(),
});

export const pagerduty = defineWebhook({
  vendor: "pagerduty",

  verify: ({ headers, bytes }, secret) =>
    hasHmac(headers.get("x-pagerduty-signature"), bytes, secret, "v1="),

  parse: ({ body }, context) => {
    const read = readJson(payload, body);
    if (!read.ok) return read;
    const { id, event_type: kind, occurred_at: saidAtMs, data } = read.value.event;
    const delivery = deliveryIdOf("pagerduty", [id]);
    if (kind === "pagey.ping") return ok(noted(delivery, "test"));
    const status = STATUSES.get(kind);
    const about = incident.safeParse(data);
    if (status === undefined || !about.success) return ok(noted(delivery, kind));
    const { title, html_url: url, incident_key: key, urgency, priority, service } = about.data;
    const said = {
      source: "pagerduty",
      fingerprint: about.data.id,
      status,
      title,
      severity: severityOf(priority?.summary ?? urgency ?? undefined),
      startsAtMs: saidAtMs,
      labels: { service: service?.summary, urgency, priority: priority?.summary },
      url,
    } as const;
    return ok(event(delivery, said, { ...context, saidAtMs, texts: [key] }));
  },
});
