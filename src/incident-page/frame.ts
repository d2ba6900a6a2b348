/** What the pages of people on call have in common: readable on a phone in the dark, without script or anything from elsewhere. */
import { html, raw } from "hono/html";

export type Html = ReturnType<typeof html>;

/** No script, no frame, nothing from elsewhere; the one style sheet is in the page, and forms go back to where it came from. */
export const FRAME_HEADERS = {
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  // Of no referrer at all, a form would come from nowhere, and be refused.
  "referrer-policy": "same-origin",
  // The site shares our origin: none of its windows has a hold of this one.
  "cross-origin-opener-policy": "noopener-allow-popups",
  "x-robots-tag": "noindex",
};

/** Every text is escaped by the template. */
export const frame = (title: string, body: Html) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html> `;

// Contrast is at least 4.5 in both schemes; colour only repeats what the words say. A thumb hits 44 pixels.
const STYLE = `
:root { --ink: #1c1e21; --paper: #ffffff; --card: #f4f5f6; --line: #d5d8dc; --good: #11632f; --warn: #7a4a00; --bad: #a3151c; --dim: #51565d; --deed: #1d4f91; --on-deed: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceef0; --paper: #16181b; --card: #202327; --line: #3a3f45; --good: #6fd08c; --warn: #f0b55c; --bad: #ff8b8b; --dim: #adb3ba; --deed: #a9cbff; --on-deed: #10233c; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 42rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.35rem; line-height: 1.3; margin: 0.25rem 0; }
h2 { font-size: 1.1rem; margin: 1.75rem 0 0.5rem; }
p { margin: 0.4rem 0; }
ul, ol { margin: 0.4rem 0; padding-left: 1.2rem; }
.dim, time, footer { color: var(--dim); }
.open { color: var(--bad); }
.acknowledged { color: var(--warn); }
.resolved { color: var(--good); }
.state { font-weight: 600; }
.notice { border: 2px solid var(--warn); border-radius: 0.4rem; padding: 0.6rem 0.8rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 0.4rem; padding: 0.6rem 0.8rem; margin: 0.6rem 0; }
.deeds { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: start; }
.deeds > * { margin: 0; }
.plain { list-style: none; padding: 0; }
.plain li { padding: 0.35rem 0; border-top: 1px solid var(--line); }
.checks form { flex: none; }
.checks details { flex-basis: 8rem; }
.checks li { display: flex; justify-content: space-between; align-items: start; gap: 0.8rem; }
button, input, select, textarea { font: inherit; min-height: 44px; border-radius: 0.4rem; border: 1px solid var(--dim); padding: 0.4rem 0.8rem; }
input, select, textarea { width: 100%; background: var(--paper); color: var(--ink); }
button { background: var(--deed); color: var(--on-deed); border-color: transparent; font-weight: 600; overflow-wrap: break-word; }
button.quiet { background: var(--paper); color: var(--ink); border-color: var(--dim); }
label { display: block; margin: 0.6rem 0; }
summary { min-height: 44px; padding: 0.6rem 0; font-weight: 600; cursor: pointer; }
.deeds summary { padding: 0.5rem 0.8rem; border: 1px solid var(--dim); border-radius: 0.4rem; }
.deeds details[open] { flex-basis: 100%; }
a { color: inherit; }
`;
