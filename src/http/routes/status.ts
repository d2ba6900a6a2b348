/** The public status page, and the same as JSON. Answered from the public copy: no visitor reaches an object. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { instanceOf } from "../../playbooks/site.ts";
import { statusPage } from "../../status-page/page.ts";
import { incidentsJson, statusJson, summaryJson } from "../../status-page/statuspage.ts";
import { statusView } from "../../status-page/view.ts";
import { OWN_PREFIX } from "../../guard/facts.ts";
import type { Api } from "../api-app.ts";
import type { HttpEnv } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
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

const json = createRoute({
  method: "get",
  path: "/status/api/v2/{document}",
  tags: ["status"],
  summary: "The same, in the shape that Statuspage's clients read",
  description:
    "`indicator` and component `status` have one value more than Statuspage's: `unknown`, when production was not looked at recently.",
  request: {
    params: z.object({ document: z.enum(["status.json", "summary.json", "incidents.json"]) }),
  },
  responses: {
    200: {
      description: "JSON",
      content: { "application/json": { schema: z.record(z.string(), z.unknown()) } },
    },
  },
});

const DOCUMENTS = {
  "status.json": statusJson,
  "summary.json": summaryJson,
  "incidents.json": incidentsJson,
} as const;

export function statusRoutes(api: Api, deps: HttpDeps, readPublicCopy: ReadPublicCopy): void {
  const look = async (c: Context<HttpEnv>) => {
    const copy = await readPublicCopy((promise) => c.executionCtx.waitUntil(promise));
    const seen = {
      look: copy?.look ?? null,
      incidents: copy?.incidents ?? null,
      windows: copy?.windows ?? [],
    };
    return { view: statusView(deps.bundle.site, seen, deps.now()), updatedAtMs: copy?.takenAtMs };
  };

  api.openapi(page, async (c) => {
    const { view } = await look(c);
    const jsonUrl = `${OWN_PREFIX}/status/api/v2/summary.json`;
    return c.html(statusPage(view, { nowMs: deps.now(), jsonUrl }), 200, PAGE_HEADERS);
  });

  api.openapi(json, async (c) => {
    const { view, updatedAtMs } = await look(c);
    const body = DOCUMENTS[c.req.valid("param").document](view, {
      id: instanceOf(deps.bundle.site),
      // Not from the request, when it is known: whoever asks with a Host of their own must not get it cached for others.
      url: new URL(`${OWN_PREFIX}/status`, deps.publicUrl ?? c.req.url).href,
      updatedAtMs: updatedAtMs ?? deps.now(),
    });
    return c.json({ ...body }, 200, READABLE_ANYWHERE);
  });
}
