/**
 * Anything that signs as Standard Webhooks says (https://www.standardwebhooks.com) and speaks of alerts as docs/alerts.md says:
 * for monitoring of one's own.
 */
import { z } from "zod";
import { ok } from "../shared/result.ts";
import { signedAs } from "./proof.ts";
import { deliveryIdOf, event, noted, own, readJson, time } from "./reading.ts";
import { severityOf } from "./severity.ts";
import { defineWebhook } from "./webhook.ts";

const envelope = z.looseObject({
  type: z.string().min(1),
  data: z.looseObject({ instance: z.string().optional() }).default({}),
});
const alert = z.looseObject({
  data: z.looseObject({
    fingerprint: z.string().min(1),
    title: z.string().default(""),
    severity: z.string().optional(),
    startsAt: time,
    endsAt: time.nullish(),
    labels: z.record(z.string(), z.unknown()).default({}),
    url: z.string().nullish(),
  }),
});

export const standardWebhooks = defineWebhook({
  vendor: "standard-webhooks",

  verify: signedAs("standard-webhooks"),

  parse: ({ headers, body }, context) => {
    const read = readJson(envelope, body);
    if (!read.ok) return read;
    const { type, data } = read.value;
    const delivery = deliveryIdOf("standard-webhooks", [headers.get("webhook-id") ?? body]);
    // Our own channel of kind `webhook`, pointed at ourselves.
    if (type === "incident.message" && data.instance === context.instance) {
      return ok(own(delivery));
    }
    if (type === "alert.test") return ok(noted(delivery, "test"));
    if (type !== "alert.firing" && type !== "alert.resolved") return ok(noted(delivery, type));
    const about = readJson(alert, body);
    if (!about.ok) return about;
    const { fingerprint, title, severity, startsAt, endsAt, labels, url } = about.value.data;
    const said = {
      source: "standard-webhooks",
      fingerprint,
      status: type === "alert.firing" ? "firing" : "resolved",
      title,
      severity: severityOf(severity),
      startsAtMs: startsAt,
      endsAtMs: endsAt ?? null,
      labels,
      url,
    } as const;
    return ok(event(delivery, said, context));
  },
});
