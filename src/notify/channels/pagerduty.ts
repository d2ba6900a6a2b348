/** PagerDuty's Events API v2: one alert per incident, by its id, that pages, is acknowledged, and is resolved with it. */
import { z } from "zod";
import type { Severity } from "../../playbooks/schema.ts";
import { clip } from "../../shared/clip.ts";
import { ok } from "../../shared/result.ts";
import { apiRoot, asking } from "../ask.ts";
import { defineChannel, type ChannelMessage } from "../channel.ts";

const SUMMARY_CHARS_MAX = 1_024;
const SEVERITIES: Readonly<Record<Severity, string>> = {
  "SEV-1": "critical",
  "SEV-2": "error",
  "SEV-3": "warning",
  "SEV-4": "info",
};

/** How the alert stands there, as its receipts say. */
const OPEN = "open";
const ENDED = "ended";

export const pagerduty = defineChannel({
  id: "pagerduty",
  secret: z.strictObject({
    routing_key: z.string().regex(/^[A-Za-z0-9]{32}$/, "write the integration key, 32 characters"),
    api: apiRoot("https://events.pagerduty.com"),
  }),

  // The same event twice is one: events of one key come together.
  async send(message, { routing_key, api }, reach) {
    const answer = await asking(reach)(`${api}/v2/enqueue`, {
      body: { routing_key, dedup_key: message.incidentId, ...eventOf(message) },
      isBlind: true,
    });
    if (!answer.ok) return answer;
    return ok({ status: answer.value.status, ref: message.state === "resolved" ? ENDED : OPEN });
  },
});

/** A trigger while one is open adds to it and wakes nobody anew; after the end it opens another, as reopening should. */
function eventOf(message: ChannelMessage): Readonly<Record<string, unknown>> {
  if (message.state === "resolved") return { event_action: "resolve" };
  // Only what is open there can be acknowledged: whoever hears of it first after that is still to be woken.
  if (message.state === "acknowledged" && message.ref === OPEN) {
    return { event_action: "acknowledge" };
  }
  return {
    event_action: "trigger",
    client: "Firebreak",
    ...(message.link === null
      ? {}
      : { client_url: message.link, links: [{ href: message.link, text: "The incident" }] }),
    payload: {
      summary: clip(message.subject, SUMMARY_CHARS_MAX),
      source: message.instance,
      severity: SEVERITIES[message.severity],
      custom_details: { news: message.news, message: message.body },
    },
  };
}
