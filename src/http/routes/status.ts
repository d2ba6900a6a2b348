/** The public status page, and the same as JSON. Answered from the public copy: no visitor reaches an object. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { instanceOf } from "../../playbooks/site.ts";
import { statusPage } from "../../status-page/page.ts";
import { atomFeed } from "../../status-page/feed.ts";
import { DOCUMENTS, type PageOf } from "../../status-page/statuspage.ts";
import { statusView } from "../../status-page/view.ts";
import type { Api } from "../api-app.ts";
import type { HttpEnv } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { STATUS_PATH } from "../own-host.ts";
import type { ReadPublicCopy } from "../public-copy.ts";

/** As long as the copy itself may be old. */
const CACHING = { "cache-control": "public, max-age=5" };
const PAGE_HEADERS = {
  ...CACHING,
  // No script, no frame, nothing from elsewhere; the one style sheet is in the page.
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};
const READABLE_ANYWHERE = { ...CACHING, "access-control-allow-origin": "*" };

const page = createRoute({
  method: "get",
  path: "/status",
  tags: ["status"],
  summary: "The public status page",
  responses: {
    200: { description: "HTML", content: { "text/html": { schema: z.string() } } },
  },
});

const feed = createRoute({
  method: "get",
  path: "/status/history.atom",
  tags: ["status"],
  summary: "What happened, as an Atom feed",
  responses: {
    200: { description: "Atom", content: { "application/atom+xml": { schema: z.string() } } },
  },
});

const json = (document: string) =>
  createRoute({
    method: "get",
    path: `/status/api/v2/${document}`,
    tags: ["status"],
    summary: "The same, in the shape that Statuspage's clients read",
    description:
      "`indicator` and component `status` have one value more than Statuspage's: `unknown`, when production was not looked at recently.",
    responses: {
      200: {
        description: "JSON",
        content: { "application/json": { schema: z.record(z.string(), z.unknown()) } },
      },
    },
  });

export function statusRoutes(api: Api, deps: HttpDeps, readPublicCopy: ReadPublicCopy): void {
  const look = async (c: Context<HttpEnv>) => {
    const copy = await readPublicCopy((promise) => c.executionCtx.waitUntil(promise));
    const nowMs = deps.now();
    const view = statusView(deps.bundle.site, copy ?? NOTHING_SEEN, nowMs);
    return { view, nowMs, page: pageOf(deps, c.req.url, copy?.takenAtMs ?? nowMs) };
  };

  const elsewhere = deps.bundle.site.public_channels.flatMap(({ url }) => url ?? []);
  api.openapi(page, async (c) => {
    const { view, nowMs } = await look(c);
    const base = deps.statusUrl ?? STATUS_PATH;
    const jsonUrl = `${base}/api/v2/summary.json`;
    const feedUrl = `${base}/history.atom`;
    return c.html(statusPage(view, { nowMs, jsonUrl, feedUrl, elsewhere }), 200, PAGE_HEADERS);
  });

  api.openapi(feed, async (c) => {
    const { view, page: at } = await look(c);
    const text = await atomFeed(view, at, `${at.url.replace(/\/$/, "")}/history.atom`);
    const headers = { ...READABLE_ANYWHERE, "content-type": "application/atom+xml; charset=utf-8" };
    return c.body(String(text), 200, headers);
  });

  for (const [document, render] of Object.entries(DOCUMENTS)) {
    api.openapi(json(document), async (c) => {
      const { view, page: at } = await look(c);
      return c.json({ ...render(view, at) }, 200, READABLE_ANYWHERE);
    });
  }
}

const NOTHING_SEEN = {
  look: null,
  incidents: null,
  isListed: false,
  pastSinceMs: null,
  windows: [],
} as const;

const pageOf = (
  { bundle, statusUrl, publicUrl }: HttpDeps,
  askedUrl: string,
  updatedAtMs: number,
): PageOf => ({
  id: instanceOf(bundle.site),
  // Not from the request, when it is known: whoever asks with a Host of their own must not get it cached for others.
  url: statusUrl ?? new URL(STATUS_PATH, publicUrl ?? askedUrl).href,
  updatedAtMs,
});
