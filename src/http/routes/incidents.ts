/** Incidents: list, declare, read, follow. */
import { createRoute, z } from "@hono/zod-openapi";
import { OWN_PREFIX } from "../../guard/facts.ts";
import { effectiveParams } from "../../playbooks/params.ts";
import { severity } from "../../playbooks/schema.ts";
import { answers, forRole, problems, takes, type Api } from "../api-app.ts";
import { actorOf } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { idempotencyHeaders, requestId } from "../idempotency.ts";
import { viewOf } from "../incident-of.ts";
import { journalStreams } from "../journal-stream.ts";
import { DEFAULT_SCOPE, openIncident } from "../open-incident.ts";
import { presentIncident, presentRow } from "../present.ts";
import { Problem } from "../problems.ts";
import { incident, incidentId, journalRow, LIST_LIMIT_MAX, listOf, text } from "../schemas.ts";

const idParam = z.object({ id: incidentId });

const list = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/incidents",
  tags: ["incidents"],
  summary: "List incidents, newest first",
  request: {
    query: z.object({
      status: z.enum(["open", "resolved"]).optional(),
      before: z.string().max(100).optional().describe("`next` of the page before"),
      limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(50),
    }),
  },
  responses: { 200: answers(listOf(incident), "A page of incidents"), ...problems },
});

const declaration = z
  .strictObject({
    title: text.max(200),
    severity,
    playbook: z.string().max(60).optional().describe("Runs this playbook; else a plain incident"),
    scope: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,59}$/, "write lower-case letters, digits and hyphens")
      .default(DEFAULT_SCOPE),
    drill: z.boolean().default(false).describe("A rehearsal: kept out of the KPIs"),
  })
  .openapi("Declaration");

const declare = createRoute({
  ...forRole("responder"),
  method: "post",
  path: "/api/v1/incidents",
  tags: ["incidents"],
  summary: "Declare an incident, or join the open one of this playbook and scope",
  request: { headers: idempotencyHeaders, body: takes(declaration) },
  responses: {
    200: answers(incident, "It was open already"),
    201: answers(incident, "Opened"),
    202: answers(z.object({ id: z.string() }), "Being opened"),
    ...problems,
  },
});

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/incidents/{id}",
  tags: ["incidents"],
  summary: "Read an incident",
  request: { params: idParam },
  responses: { 200: answers(incident, "The incident"), ...problems },
});

const journal = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/incidents/{id}/journal",
  tags: ["incidents"],
  summary: "Read what happened, oldest first",
  request: {
    params: idParam,
    query: z.object({ after: z.coerce.number().int().min(0).default(0) }),
  },
  responses: { 200: answers(listOf(journalRow), "A page of the journal"), ...problems },
});

const events = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/incidents/{id}/events",
  tags: ["incidents"],
  summary: "Follow an incident: server-sent events, one per journal row, `id` is its seq",
  request: {
    params: idParam,
    query: z.object({
      until: z
        .literal("resolved")
        .optional()
        .describe("End once the incident is resolved and every row was sent"),
    }),
  },
  responses: {
    200: {
      description: "The stream; it ends after a while, and `Last-Event-ID` resumes it",
      content: { "text/event-stream": { schema: z.string() } },
    },
    204: { description: "Asked until resolved, and everything was seen: do not reconnect" },
    ...problems,
  },
});

export function incidentRoutes(api: Api, deps: HttpDeps): void {
  const streamJournal = journalStreams(deps);

  api.openapi(list, async (c) => {
    const { status, before, limit } = c.req.valid("query");
    const page = await deps.desk.list({
      limit,
      ...(status === undefined ? {} : { status }),
      ...(before === undefined ? {} : { before }),
    });
    return c.json({ items: page.items.map(presentIncident), next: page.next }, 200);
  });

  api.openapi(declare, async (c) => {
    const declared = c.req.valid("json");
    const { incidentId: id, isNew } = await openIncident(deps, {
      id: requestId(c, "trg", deps.newId),
      playbook: declared.playbook ?? null,
      scope: declared.scope,
      title: declared.title,
      severity: declared.severity,
      params: await paramsOf(deps, declared.playbook),
      actor: actorOf(c.var.caller),
      drill: declared.drill,
    });
    c.header("location", `${OWN_PREFIX}/api/v1/incidents/${id}`);
    const view = await deps.incident(id).view();
    if (view === null) return c.json({ id }, 202);
    return c.json(presentIncident(view), isNew ? 201 : 200);
  });

  api.openapi(read, async (c) =>
    c.json(presentIncident(await viewOf(deps, c.req.valid("param").id)), 200),
  );

  api.openapi(journal, async (c) => {
    const { id } = c.req.valid("param");
    await viewOf(deps, id);
    const rows = await deps.incident(id).journal(c.req.valid("query").after);
    const last = rows.at(-1);
    // An empty page is the end: rows are only ever added.
    return c.json({ items: rows.map(presentRow), next: last ? String(last.seq) : null }, 200);
  });

  api.openapi(events, async (c) => {
    const { id } = c.req.valid("param");
    const view = await viewOf(deps, id);
    return streamJournal(c, view, c.req.valid("query").until ?? null);
  });
}

/** A declared playbook starts with the params that are in force now. */
async function paramsOf(deps: HttpDeps, playbook: string | undefined) {
  if (playbook === undefined) return {};
  const known = deps.bundle.playbooks.find(({ spec }) => spec.id === playbook);
  if (known === undefined) {
    const allowed = deps.bundle.playbooks.map(({ spec }) => spec.id).join(", ");
    throw new Problem("invalid-request", `There is no playbook "${playbook}".`, {
      errors: [{ field: "body.playbook", value: playbook, message: "unknown playbook", allowed }],
    });
  }
  const overrides = await deps.monitor.overrides();
  const own = overrides.filter((override) => override.playbook === playbook);
  return effectiveParams(known.spec.params, own, deps.now());
}
