/**
 * Which messages one journaled event asks for. Pure: whether a message was asked for already is the incident's to know,
 * by `deliveryId(incidentId, message, channel)`; how it travels is a channel's.
 */
import type { MuteReason } from "../alerts/silences.ts";
import { muteAt } from "../incidents/mutes.ts";
import { isWorse } from "../incidents/severity.ts";
import type { IncidentEvent } from "../incidents/journal.ts";
import type { IncidentView } from "../incidents/view.ts";
import type { Severity } from "../playbooks/schema.ts";
import { routed } from "../playbooks/site-channels.ts";
import type { MessageState } from "./channel.ts";
import type { MessageSite } from "./message-site.ts";
import type { Held } from "./bundle.ts";
import { MESSAGE_REASONS, newsOf, type MessageReason, type News } from "./news.ts";
import { incidentLink, newsText, renderMessage } from "./templates.ts";

export type { MessageReason } from "./news.ts";

export type MessageDraft = {
  /** A channel's id in `site.yaml`. */
  readonly channel: string;
  /** What people should know, once: the same key is the same message, however often the event is seen. */
  readonly message: string;
  readonly why: MessageReason;
  readonly subject: string;
  readonly body: string;
  /** What is new, in one sentence. */
  readonly news: string;
  readonly severity: Severity;
  readonly state: MessageState;
  readonly link: string | null;
  /** Whom it asks, by their ids in `site.yaml`; absent when nobody in particular. */
  readonly people?: string[];
  /** What waited and is told in it. */
  readonly bundled?: {
    readonly deliveryId: string;
    readonly message: string;
    readonly why: string;
  }[];
  /** What keeps it back, and until when at least; absent when it is to be sent. */
  readonly muted?: KeptBack;
};

export type KeptBack = {
  readonly because: MuteReason;
  readonly mute: string;
  readonly untilMs: number;
};

/**
 * The messages that `event` asks for, one per channel that hears of such an incident, none for most events.
 *
 * @param view The incident after the whole batch that `event` is part of: a step that asked and was answered in one go asks nobody.
 * @param atMs When the event is journaled.
 * @param told The channels that heard of this incident before: whatever its severity is by then, they hear how it ends.
 */
export function messagesFor(
  event: IncidentEvent,
  view: IncidentView,
  site: MessageSite,
  atMs: number,
  told: readonly string[] = [],
): readonly MessageDraft[] {
  const news = newsOf(event, view);
  if (news === null) return [];
  const people = askedBy(event, news, view, site);
  const draft = {
    message: news.key,
    why: news.why,
    ...renderMessage(news, view, site, atMs),
    news: newsText(news),
    severity: view.severity,
    state: stateOf(view),
    link: incidentLink(view, site),
    ...(people.length === 0 ? {} : { people }),
  };
  const mute = muteOf(event, view, atMs);
  return channelsFor(event, view, site, told).map((channel) =>
    mute === null || stopsRinging(event, channel, told)
      ? { channel, ...draft }
      : { channel, ...draft, muted: mute },
  );
}

/** Whom it asks: those that the news names, who has the lead from now on, and whoever leads of what the lead promised. */
function askedBy(
  event: IncidentEvent,
  news: News,
  view: IncidentView,
  site: MessageSite,
): string[] {
  const isForLead = event.type === "incident.lead_taken" || event.type === "incident.update_due";
  const lead = isForLead
    ? site.people.find(({ id, name }) => [id, name].includes(view.lead ?? ""))
    : undefined;
  return [...new Set([...news.people, ...(lead === undefined ? [] : [lead.id])])];
}

/** What waited for a channel, in one message: the one that waited alone is said as itself. */
export function bundleOf(
  channel: string,
  held: readonly Held[],
  view: IncidentView,
  site: MessageSite,
  atMs: number,
): MessageDraft {
  const [first] = held;
  const isOne = held.length === 1;
  const why = MESSAGE_REASONS.find((reason) => isOne && reason === first?.why) ?? "bundle";
  const parts = held.map((one) => one.news);
  const news: News = {
    why,
    key: isOne ? (first?.message ?? "") : `bundle:${view.seq}`,
    text: "",
    lease: null,
    act: null,
    readings: [],
    people: [],
    draft: null,
    parts,
  };
  const mute = muteAt(view, atMs);
  return {
    channel,
    message: news.key,
    why,
    ...renderMessage(news, view, site, atMs),
    news: newsText(news),
    severity: view.severity,
    state: stateOf(view),
    link: incidentLink(view, site),
    ...(isOne
      ? {}
      : {
          bundled: held.map(({ deliveryId, message, why: reason }) => ({
            deliveryId,
            message,
            why: reason,
          })),
        }),
    ...(mute === null
      ? {}
      : { muted: { because: mute.because, mute: mute.id, untilMs: mute.endsAtMs } }),
  };
}

/** Null for what is said because of the very mute that it tells of, and for what a person asks others for. */
function muteOf(event: IncidentEvent, view: IncidentView, atMs: number): KeptBack | null {
  if (event.type === "incident.escalated" && event.data.because === "person") return null;
  const own = event.type === "incident.muted" ? event.data.mute : null;
  const mutes = (view.mutes ?? []).filter(({ id }) => id !== own);
  const mute = muteAt({ ...view, mutes }, atMs);
  return mute && { because: mute.because, mute: mute.id, untilMs: mute.endsAtMs };
}

/** An answer and an end wake nobody, and end what wakes: who was told of the incident hears them all the same. */
const stopsRinging = (event: IncidentEvent, channel: string, told: readonly string[]): boolean =>
  isEnding(event) && told.includes(channel);

const isEnding = ({ type }: IncidentEvent): boolean =>
  type === "incident.resolved" || type === "incident.acknowledged";

/** How the incident stands, for channels that must tell a page from its end. */
export function stateOf(view: Pick<IncidentView, "status" | "acknowledgedBy">): MessageState {
  if (view.status === "resolved") return "resolved";
  return view.acknowledgedBy === null ? "open" : "acknowledged";
}

/**
 * Who hears of it: the channels of its severity and playbook, those of a worse one that it has just left, those that an escalation names; and
 * of an answer and of its end, all that ever did, so that whatever rang stops.
 */
function channelsFor(
  event: IncidentEvent,
  view: IncidentView,
  site: MessageSite,
  told: readonly string[],
): string[] {
  const isEnd = isEnding(event);
  const named = event.type === "incident.escalated" ? (event.data.channels ?? []) : [];
  const severities: Severity[] = [view.severity];
  if (event.type === "incident.severity_set" && isWorse(event.data.from, event.data.to)) {
    severities.push(event.data.from);
  }
  const heard = severities.flatMap((severity) =>
    routed(site.channels, { playbook: view.playbook, severity }).map(({ id }) => id),
  );
  return site.channels
    .map(({ id }) => id)
    .filter((id) => heard.includes(id) || named.includes(id) || (isEnd && told.includes(id)));
}
