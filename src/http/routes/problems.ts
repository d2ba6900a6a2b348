/** What each problem type means: the page behind its `type`. */
import { html } from "hono/html";
import { frame, FRAME_HEADERS } from "../../incident-page/frame.ts";
import type { Api } from "../api-app.ts";
import { Problem, PROBLEMS, type ProblemSlug } from "../problems.ts";

const HEADERS = { ...FRAME_HEADERS, "cache-control": "public, max-age=86400" };

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
  return frame(
    title,
    html`<h1>${title}</h1>
      <p>HTTP status ${status}, problem type <code>${slug}</code>.</p>
      <p>${explains}</p>`,
  );
}
