/** What each problem type means: the page behind its `type`. */
import { html } from "hono/html";
import type { Api } from "../api-app.ts";
import { Problem, PROBLEMS, type ProblemSlug } from "../problems.ts";

const HEADERS = {
  "cache-control": "public, max-age=86400",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
};

export function problemRoutes(api: Api): void {
  api.get("/problems/:slug", (c) => {
    const slug = c.req.param("slug");
    if (!isSlug(slug)) throw new Problem("not-found", "There is no such problem type.");
    return c.html(page(slug), 200, HEADERS);
  });
}

const isSlug = (slug: string): slug is ProblemSlug => Object.hasOwn(PROBLEMS, slug);

function page(slug: ProblemSlug) {
  const { status, title, explains } = PROBLEMS[slug];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style>
          body {
            max-width: 42rem;
            margin: 2rem auto;
            padding: 0 1rem;
            font:
              1rem/1.5 system-ui,
              sans-serif;
          }
        </style>
      </head>
      <body>
        <h1>${title}</h1>
        <p>HTTP status ${status}, problem type <code>${slug}</code>.</p>
        <p>${explains}</p>
      </body>
    </html> `;
}
