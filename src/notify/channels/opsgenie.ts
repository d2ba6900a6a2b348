/** Opsgenie, and Jira Service Management, which takes the same: one alert per incident, by its id as the alias. */
import { z } from "zod";
import type { Severity } from "../../playbooks/schema.ts";
import { clip } from "../../shared/clip.ts";
import { ok } from "../../shared/result.ts";
import { apiRoot, asking } from "../ask.ts";
import { defineChannel, type ChannelMessage } from "../channel.ts";

const MESSAGE_CHARS_MAX = 130;
const NOTE_CHARS_MAX = 10_000;
const PRIORITIES: Readonly<Record<Severity, string>> = {
  "SEV-1": "P1",
  "SEV-2": "P2",
  "SEV-3": "P3",
  "SEV-4": "P4",
};

/** How the alert stands there, as its receipts say. */
const OPEN = "open";
const ENDED = "ended";

export const opsgenie = defineChannel({
  id: "opsgenie",
  secret: z.strictObject({
    api_key: z.string().regex(/^[A-Za-z0-9-]{20,100}$/, "write an integration's API key"),
    /** Where alerts are made: Opsgenie's, its European one, or Jira Service Management's. */
    api: apiRoot("https://api.opsgenie.com/v2/alerts"),
  }),

  // An alert whose alias is open is counted up, not made again; closing what is closed does nothing.
  async send(message, { api_key, api }, reach) {
    const { path, body } = requestOf(message);
    const answer = await asking(reach)(`${api}${path}`, {
      headers: { authorization: `GenieKey ${api_key}` },
      body,
      isBlind: true,
    });
    if (!answer.ok) return answer;
    return ok({ status: answer.value.status, ref: message.state === "resolved" ? ENDED : OPEN });
  },
});

function requestOf(message: ChannelMessage) {
  const note = clip(message.news, NOTE_CHARS_MAX);
  const about = `/${message.incidentId}`;
  if (message.state === "resolved") {
    return { path: `${about}/close?identifierType=alias`, body: { source: "Firebreak", note } };
  }
  // Only what is open there can be acknowledged: whoever hears of it first after that is still to be woken.
  if (message.state === "acknowledged" && message.ref === OPEN) {
    return {
      path: `${about}/acknowledge?identifierType=alias`,
      body: { source: "Firebreak", note },
    };
  }
  return {
    path: "",
    body: {
      message: clip(message.subject, MESSAGE_CHARS_MAX),
      alias: message.incidentId,
      description: message.body,
      priority: PRIORITIES[message.severity],
      source: "Firebreak",
      entity: message.instance,
      tags: ["firebreak", message.severity],
      details: message.link === null ? {} : { incident: message.link },
    },
  };
}
