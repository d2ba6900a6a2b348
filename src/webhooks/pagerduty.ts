/**
 * PagerDuty, webhooks version 3. It signs the body and no time, keeps trying for 48 hours, and switches a subscription off after
 * three 4xx: what we do not understand is taken all the same.
 */
import { z } from "zod";
import { WHO_CHARS_MAX, type PagerAnswer } from "../alerts/pager-answers.ts";
import { ok } from "../shared/result.ts";
import { hasHmac } from "./proof.ts";
import { deliveryIdOf, event, incidentIdOf, noted, own, readJson, time } from "./reading.ts";
import { severityOf } from "./severity.ts";
import { defineWebhook } from "./webhook.ts";

const STATUSES: ReadonlyMap<string, "firing" | "resolved"> = new Map([
  ["incident.triggered", "firing"],
  ["incident.reopened", "firing"],
  ["incident.resolved", "resolved"],
]);

/** What people do there about an incident of ours. */
const DEEDS: ReadonlyMap<string, PagerAnswer["deed"]> = new Map([
  ["incident.acknowledged", "acknowledge"],
  ["incident.resolved", "resolve"],
]);
/** Who did it, where that is a person: what nobody touched is resolved by PagerDuty itself, and what we say by our integration. */
const person = z.looseObject({ type: z.literal("user_reference"), summary: z.string().min(1) });

const payload = z.looseObject({
  event: z.looseObject({
    id: z.string().min(1),
    event_type: z.string(),
    occurred_at: time,
    agent: z.unknown().optional(),
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
  resolve_reason: z.looseObject({ type: z.string().nullish() }).nullish().catch(null),
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
    const answer = about.success ? answerIn(read.value.event, about.data, delivery) : null;
    if (answer !== null) return ok({ ...own(delivery), answer });
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

function answerIn(
  { event_type: kind, occurred_at: saidAtMs, agent }: z.infer<typeof payload>["event"],
  { incident_key: key, resolve_reason: reason }: z.infer<typeof incident>,
  id: string,
): PagerAnswer | null {
  const [incidentId, deed] = [incidentIdOf(key), DEEDS.get(kind)];
  const by = person.safeParse(agent);
  // Merged into another, it is told about there.
  const isMerged = reason?.type === "merge_resolve_reason";
  if (incidentId === null || deed === undefined || !by.success || isMerged) return null;
  const who = by.data.summary.slice(0, WHO_CHARS_MAX);
  return { id, incidentId, pager: "PagerDuty", who, deed, saidAtMs };
}
