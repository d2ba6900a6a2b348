/**
 * Which messages one journaled event asks for. Pure: whether a message was asked for already is the incident's to know,
 * by `deliveryId(incidentId, message, channel)`; how it travels is a channel's.
 */
import { isWorse } from "../incidents/severity.ts";
import type { IncidentEvent } from "../incidents/journal.ts";
import type { IncidentView } from "../incidents/view.ts";
import type { Severity } from "../playbooks/schema.ts";
import { newsOf } from "./news.ts";
import type { MessageReason, MessageSite } from "./news.ts";
import { renderMessage } from "./templates.ts";

export type { MessageReason, MessageSite } from "./news.ts";

export type MessageDraft = {
  /** A channel's id in `site.yaml`. */
  readonly channel: string;
  /** What people should know, once: the same key is the same message, however often the event is seen. */
  readonly message: string;
  readonly why: MessageReason;
  readonly subject: string;
  readonly body: string;
};

/**
 * The messages that `event` asks for, one per channel that hears of this severity, none for most events.
 *
 * @param view The incident after the whole batch that `event` is part of: a step that asked and was answered in one go asks nobody.
 * @param atMs When the event is journaled.
 */
export function messagesFor(
  event: IncidentEvent,
  view: IncidentView,
  site: MessageSite,
  atMs: number,
): readonly MessageDraft[] {
  const news = newsOf(event, view);
  if (news === null) return [];
  const text = renderMessage(news, view, site, atMs);
  return channelsFor(event, view, site).map((channel) => ({
    channel,
    message: news.key,
    why: news.why,
    ...text,
  }));
}

/** Who hears of it: the channels of its severity, and those of a worse one that it has just left. */
function channelsFor(event: IncidentEvent, view: IncidentView, site: MessageSite): string[] {
  const severities: Severity[] = [view.severity];
  if (event.type === "incident.severity_set" && isWorse(event.data.from, event.data.to)) {
    severities.push(event.data.from);
  }
  return site.channels
    .filter((channel) => severities.some((severity) => channel.severities.includes(severity)))
    .map((channel) => channel.id);
}
