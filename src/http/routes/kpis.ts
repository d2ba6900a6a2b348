/** How well incidents went. */
import { createRoute, z } from "@hono/zod-openapi";
import type { IncidentView } from "../../incidents/view.ts";
import { kpis } from "../../metrics/kpis.ts";
import { answers, forRole, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { durationBetween, LIST_LIMIT_MAX, moment } from "../schemas.ts";
import { iso } from "../times.ts";

const DAY_MS = 24 * 3_600_000;
/** Incidents counted at most; a page of the list each hundred. */
const PAGES_MAX = 20;

const judged = {
  isMet: z.boolean().nullable(),
  /** Why there is no figure. */
  reason: z.string().nullable(),
};
const duration = z
  .object({
    meanMs: z.number().nullable(),
    medianMs: z.number().nullable(),
    count: z.int(),
    missing: z.int(),
    targetMs: z.number().nullable(),
    ...judged,
  })
  .openapi("DurationKpi");

const report = z
  .object({
    from: moment,
    to: moment,
    incidents: z.int(),
    drills: z.int(),
    timeToDetect: duration,
    timeToAcknowledge: duration,
    timeToMitigate: duration,
    timeToEnforce: duration,
    grantToEnforcement: z.object({
      medianMs: z.number().nullable(),
      maxMs: z.number().nullable(),
      count: z.int(),
      missing: z.int(),
      reason: z.string().nullable(),
    }),
    timeToResolve: duration,
    incidentRate: z.object({
      perWeek: z.number().nullable(),
      count: z.int(),
      target: z.number(),
      ...judged,
    }),
    postmortemCompletion: z.object({
      ratio: z.number().nullable(),
      completed: z.int(),
      count: z.int(),
      target: z.number(),
      ...judged,
    }),
  })
  .openapi("Kpis");

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/kpis",
  tags: ["kpis"],
  summary: "MTTD, MTTA, MTTR, incident rate and post-mortem completion; rehearsals excluded",
  request: {
    query: z.object({
      window: durationBetween(DAY_MS, 365 * DAY_MS)
        .optional()
        .describe("Incidents detected in the last …; 30d without it"),
    }),
  },
  responses: { 200: answers(report, "The figures"), ...problems },
});

export function kpiRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(read, async (c) => {
    const toMs = deps.now();
    const fromMs = toMs - (c.req.valid("query").window ?? 30 * DAY_MS);
    const found = kpis(await viewsSince(deps, fromMs), { fromMs, toMs });
    const { fromMs: _from, toMs: _to, ...figures } = found;
    return c.json({ from: iso(fromMs), to: iso(toMs), ...figures }, 200);
  });
}

/** Newest first, until a page holds only older ones. */
async function viewsSince({ desk }: HttpDeps, fromMs: number): Promise<readonly IncidentView[]> {
  const views: IncidentView[] = [];
  let before: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { items, next }: Awaited<ReturnType<HttpDeps["desk"]["list"]>> = await desk.list({
      limit: LIST_LIMIT_MAX,
      ...(before === null ? {} : { before }),
    });
    views.push(...items);
    if (next === null || items.every((view) => view.anchors.detectedAtMs < fromMs)) break;
    before = next;
  }
  return views;
}
