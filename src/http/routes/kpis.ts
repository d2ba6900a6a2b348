/** How well incidents went. */
import { createRoute, z } from "@hono/zod-openapi";
import { KPI_KEYS, kpisBy, kpisOver, PERIODS_MAX } from "../../metrics/breakdown.ts";
import { kpis, type Kpis } from "../../metrics/kpis.ts";
import { formatDuration } from "../../shared/duration.ts";
import { answers, forRole, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { viewsSince } from "../incident-views.ts";
import { Problem } from "../problems.ts";
import { durationBetween, moment } from "../schemas.ts";
import { iso } from "../times.ts";

const DAY_MS = 24 * 3_600_000;

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

const figures = z
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
    actionItems: z.object({
      count: z.int(),
      done: z.int(),
      overdue: z.int().describe("At the end of the window"),
    }),
  })
  .openapi("Kpis");

export const kpiReport = figures.extend({
  by: z.array(figures.extend({ key: z.string() })).describe("With `by`: one for each"),
  over: z.array(figures).describe("With `every`: period by period, oldest first"),
});

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
      by: z.enum(KPI_KEYS).optional().describe("The same for each severity, or playbook"),
      every: durationBetween(DAY_MS, 365 * DAY_MS)
        .optional()
        .describe(`The same for each period of the window, at most ${PERIODS_MAX}`),
    }),
  },
  responses: { 200: answers(kpiReport, "The figures"), ...problems },
});

export function kpiRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(read, async (c) => {
    const { window: windowMs = 30 * DAY_MS, by, every } = c.req.valid("query");
    const toMs = deps.now();
    const window = { fromMs: toMs - windowMs, toMs };
    if (every !== undefined && windowMs / every > PERIODS_MAX) throw tooManyPeriods(windowMs);
    const views = await viewsSince(deps.desk, window.fromMs);
    const parts = by === undefined ? [] : kpisBy(views, window, by);
    const periods = every === undefined ? [] : kpisOver(views, window, every);
    return c.json(
      {
        ...present(kpis(views, window)),
        by: parts.map(({ key, kpis: part }) => ({ key, ...present(part) })),
        over: periods.map(present),
      },
      200,
    );
  });
}

const present = ({ fromMs, toMs, ...found }: Kpis) => ({
  from: iso(fromMs),
  to: iso(toMs),
  ...found,
});

const tooManyPeriods = (windowMs: number) =>
  new Problem("invalid-request", "The window has too many periods.", {
    errors: [
      {
        field: "query.every",
        message: "too short for this window",
        allowed: `${formatDuration(Math.ceil(windowMs / PERIODS_MAX / DAY_MS) * DAY_MS)} or longer`,
      },
    ],
  });
