/** The inbox: what monitoring tools say, and why people hear of it or not. */
import { createRoute, z } from "@hono/zod-openapi";
import { isStale, type InboxAlert } from "../../alerts/inbox.ts";
import { MUTE_REASONS } from "../../alerts/silences.ts";
import { severity } from "../../playbooks/schema.ts";
import { answers, forRole, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { listOf, moment } from "../schemas.ts";
import { iso, isoOrNull } from "../times.ts";

const shown = z
  .object({
    source: z.string(),
    fingerprint: z.string(),
    /** Alerts of a group are one incident; null where the tool has none. */
    group: z.string().nullable(),
    status: z.enum(["firing", "resolved"]),
    title: z.string(),
    severity,
    startsAt: moment,
    endsAt: moment.nullable(),
    heardAt: moment,
    /** It fires, and its tool has not said so for too long. */
    stale: z.boolean(),
    labels: z.record(z.string(), z.string()),
    url: z.string().nullable(),
    flapping: z.boolean(),
    /** What keeps it quiet now; with none, its firing is heard. */
    mutes: z.array(
      z.object({
        because: z.enum(MUTE_REASONS),
        /** The silence, the window, or the alert that inhibits or flaps. */
        by: z.string(),
        /** Null: until that ends which nobody can foretell. */
        until: moment.nullable(),
      }),
    ),
  })
  .openapi("Alert");

const bundle = z
  .object({
    /** The scope of the incident: a group's, or of an alert by itself. */
    scope: z.string(),
    source: z.string(),
    firing: z.int(),
    resolved: z.int(),
  })
  .openapi("AlertBundle");

const list = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/alerts",
  tags: ["alerts"],
  summary: "The alerts that are kept: those that fire first, then those last heard",
  request: {
    query: z.object({
      status: z.enum(["firing", "resolved"]).optional(),
      muted: z.enum(["true", "false"]).optional(),
    }),
  },
  responses: {
    200: answers(
      listOf(shown).extend({
        /** Those for which there is no room: counted, and known again, without their words. */
        bundled: z.array(bundle),
        /** How many went, so far, for want of room even there. */
        dropped: z.int(),
      }),
      "All of them",
    ),
    ...problems,
  },
});

export function alertRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(list, async (c) => {
    const { status, muted } = c.req.valid("query");
    const [alerts, bundled, { dropped = 0 }] = await Promise.all([
      deps.desk.alerts(),
      deps.desk.alertBundles(),
      deps.desk.alertCounts(),
    ]);
    const items = alerts
      .filter((alert) => status === undefined || alert.status === status)
      .filter(({ mutes = [] }) => muted === undefined || mutes.length > 0 === (muted === "true"))
      .toSorted(
        (a, b) =>
          Number(b.status === "firing") - Number(a.status === "firing") ||
          b.heardAtMs - a.heardAtMs,
      )
      .map((alert) => presentAlert(alert, deps.now()));
    return c.json({ items, next: null, bundled: [...bundled], dropped }, 200);
  });
}

const presentAlert = (alert: InboxAlert, nowMs: number): z.infer<typeof shown> => ({
  source: alert.source,
  fingerprint: alert.fingerprint,
  group: alert.group ?? null,
  status: alert.status,
  title: alert.title,
  severity: alert.severity,
  startsAt: iso(alert.startsAtMs),
  endsAt: isoOrNull(alert.endsAtMs),
  heardAt: iso(alert.heardAtMs),
  stale: isStale(alert, nowMs),
  labels: { ...alert.labels },
  url: alert.url,
  flapping: alert.isFlapping ?? false,
  mutes: (alert.mutes ?? []).map(({ because, by, untilMs }) => ({
    because,
    by,
    until: isoOrNull(untilMs),
  })),
});
