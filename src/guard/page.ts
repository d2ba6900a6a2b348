/** The page that a visitor sees instead of the site: one file, no third party, readable in the dark and aloud. */

export type PageWords = {
  readonly site: string;
  readonly heading: string;
  readonly message: string;
  /** What the visitor can do or need not fear. */
  readonly hint: string;
  /** An address, a URL or a sentence; null says nothing. */
  readonly contact: string | null;
  /** Where the status page is; null: nowhere. */
  readonly statusPage: string | null;
};

const STYLE = `
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center;
  font: 1.125rem/1.6 system-ui, sans-serif; background: #fbfaf8; color: #26221d; }
main { max-width: 34rem; padding: 2rem 1.5rem; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 1rem; }
p { margin: 0 0 1rem; }
a { color: #8a3d00; }
footer { color: #655d52; font-size: 1rem; }
@media (prefers-color-scheme: dark) {
  body { background: #1a1815; color: #ece7df; }
  a { color: #ffb37a; }
  footer { color: #b3aa9d; }
}`;

export const renderPage = (words: PageWords): string =>
  renderDocument(words, {
    style: "",
    nonce: null,
    main: `<p>${escapeHtml(words.message)}</p>
<p>${escapeHtml(words.hint)}</p>`,
  });

/** What all pages of the guard share; `main` is HTML. With a nonce, style sheets and scripts without it are not run. */
export const renderDocument = (
  { site, heading, contact, statusPage }: Omit<PageWords, "message" | "hint">,
  {
    style,
    nonce,
    main,
  }: { readonly style: string; readonly nonce: string | null; readonly main: string },
): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(heading)} · ${escapeHtml(site)}</title>
<style${nonce === null ? "" : ` nonce="${nonce}"`}>${STYLE}${style}
</style>
</head>
<body>
<main>
<h1>${escapeHtml(heading)}</h1>
${main}
<footer>${statusPage === null ? "" : `\n<p><a href="${escapeHtml(statusPage)}">Status and news</a></p>`}
<p>${escapeHtml(site)}${contact === null ? "" : ` · ${renderContact(contact)}`}</p>
</footer>
</main>
</body>
</html>
`;

function renderContact(contact: string): string {
  const text = escapeHtml(contact);
  if (/^https:\/\/\S+$/.test(contact)) return `<a href="${text}">${text}</a>`;
  if (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(contact)) return `<a href="mailto:${text}">${text}</a>`;
  return text;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
