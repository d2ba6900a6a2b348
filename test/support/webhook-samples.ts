/** What vendors really sent, with what a test needs in it. */
import { INSTANCE, type Sent } from "../contract/webhook.ts";
import { captured, capturedBut } from "./captured.ts";
import { json, type Json } from "./webhook-senders.ts";

export const alarm = (given: Json, id: string): Sent => {
  const base = JSON.parse(captured("aws-cloudwatch-alarm-message")) as Json;
  const message = JSON.stringify({ ...base, ...given });
  return { body: capturedBut("aws-sns-notification", { Message: message, MessageId: id }) };
};

export const at = (text: string): number => Date.parse(text);
export const group = (fixture: string, labels: Json): Sent => {
  const body = JSON.parse(captured(fixture)) as { alerts: Json[] };
  return json({
    ...body,
    alerts: body.alerts.slice(0, 1).map((one) => ({ ...one, labels, fingerprint: "own" })),
  });
};
export const ended = (fixture: string): Sent => {
  const body = JSON.parse(captured(fixture)) as { alerts: Json[] };
  const over = { status: "resolved", endsAt: "2026-11-24T10:00:00Z" };
  return json({
    ...body,
    status: "resolved",
    alerts: body.alerts.map((one) => ({ ...one, ...over })),
  });
};
export const ours = { firebreak_instance: INSTANCE };

export const sentryHead = (resource: string, body: string): Sent => ({
  body,
  headers: { "sentry-hook-resource": resource },
});
export const standard = (type: string, data: Json, id: string): Sent => ({
  ...json({ type, timestamp: "2026-11-24T10:00:00Z", data }),
  headers: { "webhook-id": id },
});
export const github = (kind: string, fixture: string): Sent => ({
  body: captured(fixture),
  headers: { "x-github-event": kind },
});
export const standardAlert = {
  fingerprint: "disk-full",
  title: "The disk is full",
  severity: "critical",
  startsAt: "2026-11-24T09:00:00Z",
  labels: { host: "db-1" },
};
export const stripeOf = (type: string, given: Json, id: string): Sent => ({
  body: capturedBut("stripe-payment-intent-failed", { livemode: true, type, id, ...given }),
});

/** Its template of docs/alerts.md, filled in; what has no value comes as it stands there. */
export const uptimerobotOf = (kind: string, seconds: number, name = "ur checker"): Sent => ({
  body: capturedBut("uptimerobot-json-template", {
    monitor_id: "778368750",
    monitor_url: "http://blabla.example.com",
    monitor_friendly_name: name,
    alert_type: kind,
    alert_datetime: String(seconds),
  }),
});
