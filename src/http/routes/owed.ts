/** What people still owe of incidents that are over: post-mortems, and what was agreed on in them. */
import { createRoute, z } from "@hono/zod-openapi";
import { agreedItems, postmortemDueAtMs, REMEMBERED_MS } from "../../postmortem/due.ts";
import { severity } from "../../playbooks/schema.ts";
import { answers, forRole, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { viewsSince } from "../incident-views.ts";
import { incident, listOf, moment } from "../schemas.ts";
import { iso, isoOrNull } from "../times.ts";

const dueItem = z
  .object({
    incident: z.string(),
    title: z.string(),
    severity,
    status: incident.shape.postmortem,
    /** The incident's lead. */
    owner: z.string().nullable(),
    dueAt: moment,
    isOverdue: z.boolean(),
  })
  .openapi("DuePostmortem");

const agreed = z
  .object({
    incident: z.string(),
    title: z.string(),
    severity,
    action: z.string(),
    /** Null: nobody took it. */
    owner: z.string().nullable(),
    /** The end of the day by which it is to be done. */
    dueAt: moment.nullable(),
    isOverdue: z.boolean(),
  })
  .openapi("ActionItem");

const due = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/postmortems",
  tags: ["postmortem"],
  summary: "Post-mortems that SEV-1 and SEV-2 incidents still owe, the latest first",
  responses: { 200: answers(listOf(dueItem), "Whose, and by when"), ...problems },
});

const agreedOn = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/action-items",
  tags: ["postmortem"],
  summary: "What was agreed on in post-mortems and is not done, the latest first",
  responses: { 200: answers(listOf(agreed), "Whose, and by when"), ...problems },
});

export function owedRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(due, async (c) => {
    const nowMs = deps.now();
    const views = await viewsSince(deps.desk, nowMs - REMEMBERED_MS);
    const items = views.flatMap((view) => {
      const dueAtMs = postmortemDueAtMs(view);
      if (dueAtMs === null) return [];
      const { id, title, lead, postmortem: status } = view;
      const owed = { incident: id, title, severity: view.severity, status, owner: lead };
      return [{ ...owed, dueAt: iso(dueAtMs), isOverdue: dueAtMs <= nowMs }];
    });
    items.sort((one, other) => (one.dueAt < other.dueAt ? -1 : 1));
    return c.json({ items, next: null }, 200);
  });

  api.openapi(agreedOn, async (c) => {
    const nowMs = deps.now();
    const views = await viewsSince(deps.desk, nowMs - REMEMBERED_MS);
    const items = agreedItems(views, nowMs).map(({ view, item, isOverdue }) => ({
      incident: view.id,
      title: view.title,
      severity: view.severity,
      action: item.action,
      owner: item.owner,
      dueAt: isoOrNull(item.dueAtMs),
      isOverdue,
    }));
    return c.json({ items, next: null }, 200);
  });
}
