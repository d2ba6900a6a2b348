/** What jobs and people told us, for whoever looks into an incident. */
import { createRoute, z } from "@hono/zod-openapi";
import { heartbeatStates, MEASURES } from "../../alerts/heartbeats.ts";
import { REPORT_KINDS } from "../../alerts/reports.ts";
import { heartbeatsOf } from "../../playbooks/site-heartbeats.ts";
import { answers, forRole, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { LIST_LIMIT_MAX, listOf, moment } from "../schemas.ts";
import { iso, isoOrNull } from "../times.ts";

const heartbeat = z
  .object({
    name: z.string(),
    watches: z.enum(["job", "backup"]),
    measures: z.enum(MEASURES).nullable(),
    /** `waiting`: never heard, and not due yet. */
    status: z.enum(["ok", "waiting", "late", "failed"]),
    lastOkAt: moment.nullable(),
    lateAt: moment,
    detail: z.string().nullable(),
    /** What it measured the last time; only while it is `ok` is that the signal. */
    value: z.number().nullable(),
  })
  .openapi("Heartbeat");
const userReport = z
  .object({
    at: moment,
    kind: z.enum(REPORT_KINDS),
    reporter: z.string(),
    text: z.string().nullable(),
    path: z.string().nullable(),
  })
  .openapi("UserReport");

const heartbeats = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/heartbeats",
  tags: ["heartbeats"],
  summary: "How every declared job stands",
  responses: { 200: answers(listOf(heartbeat), "The heartbeats"), ...problems },
});
const reports = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/reports",
  tags: ["reports"],
  summary: "What users and support reported, the newest first",
  responses: { 200: answers(listOf(userReport), "The reports"), ...problems },
});

export function toldRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(heartbeats, async (c) => {
    const declared = heartbeatsOf(deps.bundle.site);
    const heard = await deps.desk.heartbeats(declared.map(({ name }) => name));
    const items = heartbeatStates(declared, heard, deps.now()).map((state) => ({
      name: state.name,
      watches: state.watches,
      measures: state.measures,
      status: state.status,
      lastOkAt: isoOrNull(state.lastOkAtMs),
      lateAt: iso(state.lateAtMs),
      detail: state.detail,
      value: state.value,
    }));
    return c.json({ items, next: null }, 200);
  });

  api.openapi(reports, async (c) => {
    const found = await deps.desk.reports(LIST_LIMIT_MAX);
    const items = found.map(({ atMs, ...said }) => ({ at: iso(atMs), ...said }));
    return c.json({ items, next: null }, 200);
  });
}
