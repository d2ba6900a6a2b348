/** The status page as HTML: readable without colour, script or stylesheet from elsewhere, in the dark and in the light. */
import { html, raw } from "hono/html";
import { formatDuration } from "../shared/duration.ts";
import { incidentTitle, windowTitle } from "./statuspage.ts";
import type { PublicIncident, StatusView } from "./view.ts";
import { COMPONENT_WORDS, STATUS_WORDS } from "./words.ts";

/** Nobody reads milliseconds. */
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 3_600_000;

type PageOptions = {
  readonly nowMs: number;
  readonly jsonUrl: string;
  readonly feedUrl: string;
  /** Where else it is said; an outage of Cloudflare's takes this page along. */
  readonly elsewhere: readonly string[];
};

/** Renders the page; every text is escaped by the template. */
export const statusPage = (view: StatusView, { nowMs, jsonUrl, feedUrl, elsewhere }: PageOptions) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${view.headline} – ${view.title} status</title>
        <link rel="alternate" type="application/atom+xml" title="Incidents" href="${feedUrl}" />
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <h1>${view.title} status</h1>
          <p class="headline ${view.indicator}" role="status">${view.headline}</p>
          <p class="looked">${lookedAt(view, nowMs)}</p>
          ${open(view)} ${components(view)} ${windows(view)} ${past(view, nowMs)}
        </main>
        <footer>
          ${linksTo(elsewhere)}
          <p>
            <a href="${feedUrl}">Subscribe to incidents (Atom)</a> ·
            <a href="${jsonUrl}">The same as JSON</a>
          </p>
        </footer>
      </body>
    </html> `;

const lookedAt = ({ lookedAtMs }: StatusView, nowMs: number) =>
  lookedAtMs === null
    ? "Not checked yet."
    : html`Last checked ${formatDuration(Math.max(SECOND_MS, nowMs - lookedAtMs))} ago, at
      ${time(lookedAtMs)}.`;

const linksTo = (elsewhere: readonly string[]) =>
  elsewhere.length === 0
    ? ""
    : html`<p>
        This page runs on Cloudflare, and is not there while Cloudflare is down. The same is said at
        ${elsewhere.map((url, index) => html`${index > 0 ? " and " : ""}<a href="${url}">${new URL(url).host}</a>`)}.
      </p>`;

const components = (view: StatusView) =>
  view.components.length === 0
    ? ""
    : html`<h2>Components</h2>
        <ul class="components">
          ${view.components.map(
            ({ name, description, status }) =>
              html`<li>
                <span
                  >${name}${description === undefined ? "" : html` <small>${description}</small>`}</span
                >
                <strong class="${status}">${COMPONENT_WORDS[status]}</strong>
              </li>`,
          )}
        </ul>`;

const windows = (view: StatusView) =>
  view.windows.length === 0
    ? ""
    : html`<h2>Planned maintenance</h2>
        ${view.windows.map(
          (window) =>
            html`<article id="${window.id}">
              <h3>${windowTitle(window)}</h3>
              <p>
                <strong>${window.isInProgress ? "In progress" : "Scheduled"}.</strong>
                ${window.message ?? ""}
              </p>
              <p class="times">From ${time(window.startsAtMs)} until ${time(window.endsAtMs)}</p>
            </article>`,
        )}`;

const open = (view: StatusView) =>
  view.open.length === 0
    ? ""
    : html`<h2>Open incidents</h2>
        ${notListed(view)} ${view.open.map((incident) => article(incident, view))}`;

const past = (view: StatusView, nowMs: number) =>
  view.pastSinceMs === null
    ? html`<h2>Past incidents</h2>
        <p>Not known at the moment.</p>`
    : html`<h2>Past incidents</h2>
        <p class="times">
          ${view.past.length === 0 ? "None" : "All"} that we know of in the last
          ${daysSince(view.pastSinceMs, nowMs)}.
        </p>
        ${view.open.length === 0 ? notListed(view) : ""}
        ${view.past.map((incident) => article(incident, view))}`;

/** What is read from memory says so. */
const notListed = ({ isListed }: StatusView) =>
  isListed ? "" : html`<p>Incidents cannot be read at the moment; this is the last we know.</p>`;

function daysSince(sinceMs: number, nowMs: number): string {
  const days = Math.max(1, Math.round((nowMs - sinceMs) / DAY_MS));
  return days === 1 ? "day" : `${days} days`;
}

/** The newest update first: whoever comes back looks there. */
const article = (incident: PublicIncident, view: StatusView) =>
  html`<article
    id="${incident.id}"
    class="${incident.resolvedAtMs === null ? incident.impact : "past"}"
  >
    <h3>${incidentTitle(incident, view)}</h3>
    <p class="times">
      Since
      ${time(incident.startedAtMs)}${
        incident.resolvedAtMs === null
          ? ""
          : html`, resolved ${time(incident.resolvedAtMs)}, after
            ${formatDuration(wholeMinutes(incident.resolvedAtMs - incident.startedAtMs))}`
      }
    </p>
    <ol>
      ${incident.updates.toReversed().map(
        ({ status, message, atMs }) =>
          html`<li>
            <strong>${STATUS_WORDS[status]}.</strong> ${message}
            <span class="times">${time(atMs)}</span>
          </li>`,
      )}
    </ol>
  </article>`;

const wholeMinutes = (ms: number): number => Math.max(1, Math.round(ms / MINUTE_MS)) * MINUTE_MS;

/** `2026-11-23 14:02 UTC` for people, the whole moment for programs. */
function time(atMs: number) {
  const moment = new Date(atMs).toISOString();
  return html`<time datetime="${moment}">${moment.slice(0, 16).replace("T", " ")} UTC</time>`;
}

// Contrast is at least 4.5 in both schemes; colour and sign only repeat what the words say.
const STYLE = `
:root { --ink: #1c1e21; --paper: #ffffff; --line: #d5d8dc; --dim: #51565d;
  --good: #11632f; --warn: #7a4a00; --bad: #a3151c; --good-soft: #e6f4ea; --warn-soft: #fcf1dc; --bad-soft: #fce9e9; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceef0; --paper: #16181b; --line: #3a3f45; --dim: #adb3ba;
    --good: #6fd08c; --warn: #f0b55c; --bad: #ff8b8b; --good-soft: #14301f; --warn-soft: #352708; --bad-soft: #3d1618; }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
main, footer { max-width: 42rem; margin: 0 auto; padding: 1rem; }
h1 { margin: 0.5rem 0 0.75rem; font-size: 1.1rem; }
h2 { margin: 2rem 0 0.75rem; font-size: 1.1rem; }
h3 { margin: 0; font-size: 1rem; }
p { margin: 0.5rem 0; }
.none, .operational { --tone: var(--good); --soft: var(--good-soft); --sign: "✓"; }
.minor, .degraded_performance, .maintenance, .under_maintenance, .unknown { --tone: var(--warn); --soft: var(--warn-soft); --sign: "!"; }
.maintenance { --sign: "–"; }
.unknown { --sign: "?"; }
.major, .critical, .partial_outage, .major_outage { --tone: var(--bad); --soft: var(--bad-soft); --sign: "✕"; }
.headline { display: flex; gap: 0.8rem; align-items: center; margin: 0; padding: 1.1rem; border-radius: 0.6rem; background: var(--soft); color: var(--tone); font-size: 1.5rem; font-weight: 700; line-height: 1.25; }
.headline::before { content: var(--sign) / ""; flex: none; width: 2.2rem; border: 2px solid; border-radius: 1.2rem; line-height: 2.2rem; text-align: center; font-size: 1.1rem; }
.looked, .times, small { color: var(--dim); font-size: 0.9rem; }
small { display: block; }
.components { list-style: none; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: 0.6rem; }
.components li { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.25rem 1rem; padding: 0.6rem 1rem; }
.components li + li { border-top: 1px solid var(--line); }
.components strong { color: var(--tone); }
article { margin: 0.75rem 0; padding: 0.9rem 1rem; border: 1px solid var(--line); border-radius: 0.6rem; }
article { border-left: 0.35rem solid var(--tone, var(--line)); }
article p { margin: 0.15rem 0; }
article ol { list-style: none; margin: 0.75rem 0 0; padding: 0; }
article ol li + li { margin-top: 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--line); }
article ol .times { display: block; }
time { white-space: nowrap; }
a { color: inherit; }
footer { margin-top: 1rem; color: var(--dim); font-size: 0.9rem; }
`;
