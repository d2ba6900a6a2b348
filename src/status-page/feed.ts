/** What happened, as an Atom feed: one entry per incident, newest first, renewed by each of its updates. */
import { html } from "hono/html";
import { INCIDENTS_MAX, incidentTitle, lastNewsAtMs, type PageOf } from "./statuspage.ts";
import { STATUS_WORDS } from "./words.ts";
import type { PublicIncident, StatusView } from "./view.ts";

/** Renders the feed; `feedUrl` is its own address. */
export const atomFeed = (view: StatusView, page: PageOf, feedUrl: string) => {
  const incidents = [...view.open, ...view.past].slice(0, INCIDENTS_MAX);
  const newestMs = Math.max(0, ...incidents.map(lastNewsAtMs));
  return html`<?xml version="1.0" encoding="utf-8"?>
    <feed xmlns="http://www.w3.org/2005/Atom">
      <id>${page.url}</id>
      <title>${legal(`${view.title} status`)}</title>
      <link rel="self" type="application/atom+xml" href="${feedUrl}" />
      <link rel="alternate" type="text/html" href="${page.url}" />
      <author><name>${legal(view.title)}</name></author>
      <updated>${rfc3339(incidents.length === 0 ? page.updatedAtMs : newestMs)}</updated>
      ${incidents.map((incident) => entry(incident, view, page))}
    </feed> `;
};

const entry = (incident: PublicIncident, view: StatusView, page: PageOf) =>
  html`<entry>
    <id>${page.url}#${incident.id}</id>
    <title>${legal(incidentTitle(incident, view))}</title>
    <link rel="alternate" type="text/html" href="${page.url}#${incident.id}" />
    <published>${rfc3339(incident.startedAtMs)}</published>
    <updated>${rfc3339(lastNewsAtMs(incident))}</updated>
    <content type="text">${legal(story(incident))}</content>
  </entry> `;

/** Newest first, as people read it. */
const story = ({ updates }: PublicIncident): string =>
  updates
    .toReversed()
    .map(({ atMs, status, message }) => `${rfc3339(atMs)} ${STATUS_WORDS[status]}: ${message}`)
    .join("\n\n");

/** XML has no way to write most control characters, and no parser forgives them. */
const legal = (text: string): string =>
  text.toWellFormed().replace(/(?![\t\n\r])\p{Cc}|[\ufffe\uffff]/gu, "\ufffd");

const rfc3339 = (atMs: number): string => new Date(atMs).toISOString();
