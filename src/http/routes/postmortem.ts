/** The post-mortem: drafted from the journal until somebody saves their own, then theirs. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { IncidentApi } from "../../incidents/incident-api.ts";
import { readEvent, type JournalRow } from "../../incidents/journal.ts";
import { renderPostmortem } from "../../postmortem/postmortem.ts";
import {
  answers,
  forRole,
  optionally,
  POSTMORTEM_BODY_BYTES_MAX,
  problems,
  type Api,
} from "../api-app.ts";
import type { HttpEnv } from "../auth.ts";
import { incidentCommand } from "../command-route.ts";
import type { HttpDeps } from "../deps.ts";
import { idempotencyHeaders } from "../idempotency.ts";
import { command, viewOf } from "../incident-of.ts";
import { Problem } from "../problems.ts";
import { commandAnswer, incidentId, text } from "../schemas.ts";

export const POSTMORTEM_CHARACTERS_MAX = 200_000;
/** A journal is read to here; beyond it the draft is of the beginning. */
const JOURNAL_PAGES_MAX = 40;
const MARKDOWN = "text/markdown; charset=utf-8";

const params = z.object({ id: incidentId });
const document = z
  .object({
    incident: z.string(),
    status: z.enum(["none", "drafted", "saved", "completed"]),
    /** Whose words these are: `draft` is written anew from the journal each time. */
    source: z.enum(["draft", "saved"]),
    markdown: z.string(),
  })
  .openapi("Postmortem");

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/incidents/{id}/postmortem",
  tags: ["postmortem"],
  summary: "Read the post-mortem; `Accept: text/markdown` gives the text alone",
  request: { params },
  responses: {
    200: {
      description: "The post-mortem",
      content: {
        "application/json": { schema: document },
        "text/markdown": { schema: z.string() },
      },
    },
    ...problems,
  },
});

const readMarkdown = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/incidents/{id}/postmortem.md",
  tags: ["postmortem"],
  summary: "The post-mortem as Markdown",
  request: { params },
  responses: {
    200: { description: "The text", content: { "text/markdown": { schema: z.string() } } },
    ...problems,
  },
});

const markdown = z.string().trim().min(1).max(POSTMORTEM_CHARACTERS_MAX);

const save = createRoute({
  ...forRole("responder", POSTMORTEM_BODY_BYTES_MAX),
  method: "put",
  path: "/api/v1/incidents/{id}/postmortem",
  tags: ["postmortem"],
  summary: "Save the post-mortem, as JSON or as `text/markdown`",
  request: {
    params,
    headers: idempotencyHeaders,
    body: {
      content: {
        "application/json": { schema: z.strictObject({ markdown }) },
        "text/markdown": { schema: z.string() },
      },
    },
  },
  responses: { 200: answers(commandAnswer, "Saved"), ...problems },
});

const complete = incidentCommand(
  "postmortem/complete",
  "Declare the post-mortem complete; while anything is open on the checklist of a SEV-1 or SEV-2, `why` is required",
  optionally(z.strictObject({ why: text.optional() })),
);

export function postmortemRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(read, async (c) => {
    const { id } = c.req.valid("param");
    const view = await viewOf(deps, id);
    const written = await write(deps, id);
    if (prefersMarkdown(c)) return c.body(written.markdown, 200, { "content-type": MARKDOWN });
    return c.json({ incident: id, status: view.postmortem, ...written }, 200);
  });

  api.openapi(readMarkdown, async (c) => {
    const { id } = c.req.valid("param");
    await viewOf(deps, id);
    const written = await write(deps, id);
    return c.body(written.markdown, 200, { "content-type": MARKDOWN });
  });

  api.openapi(save, async (c) => {
    const { id } = c.req.valid("param");
    const body = isMarkdown(c) ? await c.req.text() : c.req.valid("json");
    const parsed = markdown.safeParse(typeof body === "string" ? body : body.markdown);
    if (!parsed.success) {
      throw new Problem("invalid-request", "The post-mortem is empty or too long.", {
        errors: [
          {
            field: "body.markdown",
            message: "not a text of the allowed length",
            allowed: `1 to ${POSTMORTEM_CHARACTERS_MAX} characters`,
          },
        ],
      });
    }
    const data = { markdown: parsed.data };
    return c.json(await command(c, deps, id, "save_postmortem", data), 200);
  });

  api.openapi(complete, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(await command(c, deps, id, "complete_postmortem", c.req.valid("json")), 200);
  });
}

/** What somebody saved last, or a draft of what the journal knows now. */
async function write(deps: HttpDeps, id: string) {
  const rows = await wholeJournal(deps.incident(id));
  const saved = rows.map(readEvent).findLast((event) => event?.type === "postmortem.saved");
  if (saved?.type === "postmortem.saved") {
    return { source: "saved" as const, markdown: saved.data.markdown };
  }
  return {
    source: "draft" as const,
    markdown: renderPostmortem(rows, { nowMs: deps.now() }),
  };
}

async function wholeJournal(incident: IncidentApi): Promise<readonly JournalRow[]> {
  const rows: JournalRow[] = [];
  for (let page = 0; page < JOURNAL_PAGES_MAX; page += 1) {
    const more = await incident.journal(rows.at(-1)?.seq ?? 0);
    if (more.length === 0) break;
    rows.push(...more);
  }
  return rows;
}

const isMarkdown = (c: Context<HttpEnv>): boolean =>
  /^text\/markdown\b/i.test(c.req.header("content-type") ?? "");

const prefersMarkdown = (c: Context<HttpEnv>): boolean =>
  /\btext\/markdown\b/i.test(c.req.header("accept") ?? "");
