/** The post-mortem: drafted from the journal until somebody saves their own, then theirs. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { IncidentView } from "../../incidents/view.ts";
import type { JournalRow } from "../../incidents/journal.ts";
import { actionItemsIn } from "../../postmortem/action-items.ts";
import { dueAfter, postmortemDueAtMs } from "../../postmortem/due.ts";
import { actionItems } from "../../postmortem/lessons.ts";
import { POSTMORTEM_CHARS_MAX, postmortemText } from "../../postmortem/text.ts";
import { storyOf } from "../../postmortem/story.ts";
import { timelineOf } from "../../postmortem/timeline.ts";
import { severity } from "../../playbooks/schema.ts";
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
import { command, viewOf, wholeJournal } from "../incident-of.ts";
import { Problem } from "../problems.ts";
import { presentIncident } from "../present.ts";
import { commandAnswer, incident, incidentId, moment, text } from "../schemas.ts";
import { iso, isoOrNull } from "../times.ts";

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

const exported = document
  .extend({
    title: z.string(),
    severity,
    drill: z.boolean(),
    times: incident.shape.times,
    timeline: z.array(z.object({ at: moment, text: z.string() })),
    /** Of the draft, or as they stand in what was saved. */
    actions: z.array(
      z.object({
        owner: z.string().nullable(),
        action: z.string(),
        dueAt: moment.nullable(),
        done: z.boolean(),
      }),
    ),
    dueAt: moment.nullable(),
  })
  .openapi("PostmortemExport");

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

const readJson = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/incidents/{id}/postmortem.json",
  tags: ["postmortem"],
  summary: "The post-mortem for programs: its figures, timeline and action items, beside the text",
  request: { params },
  responses: { 200: answers(exported, "The post-mortem"), ...problems },
});

const markdown = z.string().trim().min(1).max(POSTMORTEM_CHARS_MAX);

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
  "Declare the post-mortem complete; while anything is open on the checklist of a SEV-1 or SEV-2, or agreed on without an owner or a date, `why` is required",
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

  api.openapi(readJson, async (c) => {
    const { id } = c.req.valid("param");
    const view = await viewOf(deps, id);
    const rows = await wholeJournal(deps.incident(id));
    const written = postmortemText(rows, deps.now());
    const exportedNow = {
      incident: id,
      status: view.postmortem,
      ...written,
      title: view.title,
      severity: view.severity,
      drill: view.drill,
      times: presentIncident(view).times,
      timeline: timelineOf(rows).map(({ atMs, text: line }) => ({ at: iso(atMs), text: line })),
      actions:
        written.source === "saved"
          ? savedActions(written.markdown)
          : draftActions(rows, view, deps.now()),
      dueAt: isoOrNull(postmortemDueAtMs(view)),
    };
    return c.json(exportedNow, 200);
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
            allowed: `1 to ${POSTMORTEM_CHARS_MAX} characters`,
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

const write = async (deps: HttpDeps, id: string) =>
  postmortemText(await wholeJournal(deps.incident(id)), deps.now());

const savedActions = (text: string) =>
  actionItemsIn(text).map(({ owner, action, dueAtMs, isDone }) => ({
    owner,
    action,
    dueAt: isoOrNull(dueAtMs),
    done: isDone,
  }));

const draftActions = (
  rows: readonly JournalRow[],
  { severity: sev, drill, anchors }: IncidentView,
  nowMs: number,
) =>
  actionItems(storyOf(rows, nowMs)).map(({ owner, action }) => ({
    owner,
    action,
    dueAt: isoOrNull(dueAfter({ severity: sev, drill, resolvedAtMs: anchors.resolvedAtMs })),
    done: false,
  }));

const isMarkdown = (c: Context<HttpEnv>): boolean =>
  /^text\/markdown\b/i.test(c.req.header("content-type") ?? "");

const prefersMarkdown = (c: Context<HttpEnv>): boolean =>
  /\btext\/markdown\b/i.test(c.req.header("accept") ?? "");
