/** Who sends the traffic, how it is answered, and how much of that is known. */
import { createRoute, z } from "@hono/zod-openapi";
import { p95Ms } from "../../signals/histogram.ts";
import { distinctOf } from "../../sketches/merged-talkers.ts";
import { DIMENSIONS, REPORTED_MAX, type DimensionCut } from "../../sketches/top-talkers.ts";
import { REPORT_LAG_SECONDS } from "../../signals/sources/traffic.ts";
import { endings } from "../../traffic/endings.ts";
import { mergeInto, emptyTally } from "../../traffic/tally.ts";
import { TALKERS_KEPT_SECONDS } from "../../traffic/talker-memory.ts";
import type { TrafficWindow } from "../../traffic/traffic-api.ts";
import { answers, forRole, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { durationBetween, moment } from "../schemas.ts";
import { iso, isoOrNull } from "../times.ts";

const WINDOW_MS_MIN = 10_000;
const WINDOW_MS = 60_000;

const labels = z.record(z.string(), z.int());
const dimension = z
  .object({
    dimension: z.enum(DIMENSIONS),
    /** Requests that say so, and those of them that never reached production. */
    requests: z.int(),
    refused: z.int(),
    /** Different ones, about. */
    distinct: z.int(),
    /** The largest first. */
    top: z.array(
      z.object({
        name: z.string(),
        /** At most. */
        requests: z.int(),
        atLeast: z.int(),
        refused: z.int(),
      }),
    ),
  })
  .openapi("TalkersByDimension");

const traffic = z
  .object({
    from: moment,
    to: moment,
    /** False: the figures below are a part of what happened. */
    isComplete: z.boolean(),
    missing: z.object({
      silentShards: z.int(),
      lostFlushes: z.int(),
      talkerReports: z.int(),
    }),
    lastReportAt: moment.nullable(),
    requests: z.object({
      /** Production answered below 500, … */
      served: z.int(),
      /** …with 5xx or an exception. */
      failed: z.int(),
      /** …or not at all, though it was asked seconds ago. */
      unanswered: z.int(),
      /** The guard answered, by reason. */
      refused: labels,
      latencyP95Ms: z.number().nullable(),
    }),
    /** Requests decided on each policy. */
    policies: labels,
    guardFaults: z.int(),
    talkers: z.array(dimension),
  })
  .openapi("Traffic");

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/traffic",
  tags: ["traffic"],
  summary: "The last moments: who asked, how it was answered, and what of it is not known",
  request: {
    query: z.object({
      window: durationBetween(WINDOW_MS_MIN, TALKERS_KEPT_SECONDS * 1_000)
        .optional()
        .describe("The last …; 60s without it"),
    }),
  },
  responses: { 200: answers(traffic, "What guards counted"), ...problems },
});

export function trafficRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(read, async (c) => {
    const seconds = Math.ceil((c.req.valid("query").window ?? WINDOW_MS) / 1_000);
    const untilSecond = Math.floor(deps.now() / 1_000) - 1 - REPORT_LAG_SECONDS;
    const [window, talkers] = await Promise.all([
      deps.traffic.window(seconds, untilSecond),
      deps.traffic.talkers(seconds, untilSecond),
    ]);
    const missing = {
      silentShards: Math.max(window.silentShards, talkers.silentShards),
      lostFlushes: window.lostFlushes,
      talkerReports: talkers.missingReports,
    };
    const isWhole = window.untilSecond - window.fromSecond >= seconds;
    const counted = added(window);
    return c.json(
      {
        from: iso((window.fromSecond + 1) * 1_000),
        to: iso((window.untilSecond + 1) * 1_000),
        isComplete: isWhole && Object.values(missing).every((count) => count === 0),
        missing,
        lastReportAt: isoOrNull(window.lastFlushAtMs),
        requests: {
          served: counted.served,
          failed: counted.failed,
          unanswered: endings(window.seconds, window.untilSecond).failed - counted.failed,
          refused: counted.refused,
          latencyP95Ms: p95Ms(counted.latency),
        },
        policies: counted.policySeqs,
        guardFaults: counted.faults,
        talkers: talkers.dimensions.map(present),
      },
      200,
    );
  });
}

function added({ seconds, untilSecond }: TrafficWindow) {
  const sum = emptyTally(untilSecond);
  for (const second of seconds) mergeInto(sum, second);
  return sum;
}

const present = (cut: DimensionCut): z.infer<typeof dimension> => ({
  dimension: cut.dimension,
  requests: cut.total,
  refused: cut.refused,
  distinct: distinctOf(cut),
  top: cut.top.slice(0, REPORTED_MAX).map(({ name, count, atLeast, refused }) => ({
    name,
    requests: count,
    atLeast,
    refused,
  })),
});
