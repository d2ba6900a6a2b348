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
    const untilSecond = Math.floor(deps.now() / 1_000) - REPORT_SECONDS;
    const [status, signals, open, views, alerts, counts, policy, traffic] = await Promise.all([
      orNull(deps.monitor.status()),
      orNull(deps.monitor.signals()),
      orNull(deps.desk.open()),
      orNull(viewsSince(deps.desk, deps.now() - REMEMBERED_MS)),
      orNull(deps.desk.alerts()),
      orNull(deps.desk.alertCounts()),
      orNull(deps.policy.read(null)),
      orNull(deps.traffic.window(WATCHED_SECONDS, untilSecond)),
    ]);
    const toMs = deps.now();
    const window = { fromMs: toMs - WINDOW_MS, toMs };
    const text = exposition({
      parts: {
        monitor: status !== null && signals !== null,
        desk: open !== null && views !== null && alerts !== null,
        policy: policy !== null,
        traffic: traffic !== null,
      },
      open,
      alerts,
      lastAlertAtMs: counts?.lastReceivedAtMs ?? null,
      policy: policy && policyMetrics(policy),
      reportsMissing: missingIn(traffic),
      kpis: views && kpis(views, window),
      bySeverity: kpisBy(views ?? [], window, "severity"),
      byPlaybook: kpisBy(views ?? [], window, "playbook"),
      ...owed(views, toMs),
      signals: signals && asSeenAt(signals.signals, toMs),
      lastTickAtMs: status?.lastTickAtMs ?? null,
      cadenceMs: status?.cadenceMs ?? null,
    });
    return c.text(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
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
