/** What Prometheus scrapes, with a viewer's token. What does not answer in time is missing, and said to be down. */
import { createRoute, z } from "@hono/zod-openapi";
import type { IncidentView } from "../../incidents/view.ts";
import { kpisBy } from "../../metrics/breakdown.ts";
import { exposition } from "../../metrics/exposition.ts";
import { kpis } from "../../metrics/kpis.ts";
import { agreedItems, overduePostmortems, REMEMBERED_MS } from "../../postmortem/due.ts";
import type { PolicyAnswer } from "../../policy/policy-api.ts";
import { asSeenAt } from "../../signals/signal.ts";
import { forRole, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { viewsSince } from "../incident-views.ts";
import { orNull } from "../or-null.ts";

/** Of the KPIs. */
const WINDOW_MS = 30 * 24 * 3_600_000;

/** Of the guards' reports; the last seconds are still on their way. */
const WATCHED_SECONDS = 60;
const REPORT_SECONDS = 2;

const scrape = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/metrics",
  tags: ["kpis"],
  summary: "Metrics for Prometheus",
  responses: {
    200: {
      description: "Exposition format 0.0.4",
      content: { "text/plain": { schema: z.string() } },
    },
    ...problems,
  },
});

export function metricsRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(scrape, async (c) => {
    const nowMs = deps.now();
    const [watched, desk, policy, traffic] = await Promise.all([
      askMonitor(deps, nowMs),
      askDesk(deps, nowMs),
      orNull(deps.policy.read(null)),
      orNull(deps.traffic.window(WATCHED_SECONDS, Math.floor(nowMs / 1_000) - REPORT_SECONDS)),
    ]);
    const text = exposition({
      parts: {
        monitor: watched.isUp,
        desk: desk.isUp,
        policy: policy !== null,
        traffic: traffic !== null,
      },
      ...watched,
      ...desk,
      policy: policy && policyMetrics(policy),
      reportsMissing: missingIn(traffic),
    });
    return c.text(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
}

async function askMonitor({ monitor }: HttpDeps, nowMs: number) {
  const [status, signals] = await Promise.all([
    orNull(monitor.status()),
    orNull(monitor.signals()),
  ]);
  return {
    isUp: status !== null && signals !== null,
    signals: signals && asSeenAt(signals.signals, nowMs),
    lastTickAtMs: status?.lastTickAtMs ?? null,
    cadenceMs: status?.cadenceMs ?? null,
  };
}

async function askDesk({ desk }: HttpDeps, nowMs: number) {
  const [open, views, alerts, counts] = await Promise.all([
    orNull(desk.open()),
    orNull(viewsSince(desk, nowMs - REMEMBERED_MS)),
    orNull(desk.alerts()),
    orNull(desk.alertCounts()),
  ]);
  const window = { fromMs: nowMs - WINDOW_MS, toMs: nowMs };
  return {
    isUp: open !== null && views !== null && alerts !== null,
    open,
    alerts,
    lastAlertAtMs: counts?.lastReceivedAtMs ?? null,
    kpis: views && kpis(views, window),
    bySeverity: kpisBy(views ?? [], window, "severity"),
    byPlaybook: kpisBy(views ?? [], window, "playbook"),
    ...owed(views, nowMs),
  };
}

/** Where a shard is silent, nobody can say. */
const missingIn = (seen: Awaited<ReturnType<HttpDeps["traffic"]["window"]>> | null) =>
  seen === null || seen.silentShards > 0 ? null : seen.lostFlushes;

const policyMetrics = ({ seq, compiledAtMs, policy }: PolicyAnswer) => ({
  version: seq.n,
  compiledAtMs: compiledAtMs ?? null,
  kinds: (policy?.entries ?? []).map(({ kind }) => kind),
});

const owed = (views: readonly IncidentView[] | null, nowMs: number) => ({
  overduePostmortems: views && overduePostmortems(views, nowMs).length,
  overdueActionItems:
    views && agreedItems(views, nowMs).filter(({ isOverdue }) => isOverdue).length,
});
