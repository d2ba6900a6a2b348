/** A site as its metrics see it: some of everything that they tell. */
import { kpisBy } from "../../src/metrics/breakdown.ts";
import type { Metrics } from "../../src/metrics/exposition.ts";
import { kpis } from "../../src/metrics/kpis.ts";
import type { IncidentView, LeaseView } from "../../src/incidents/view.ts";
import { measured, unknownSignal } from "../../src/signals/signal.ts";

export const NOW_MS = Date.UTC(2026, 10, 23, 12);
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Detected ten days ago, and resolved half an hour later. */
export const aView = (given: Partial<IncidentView> = {}): IncidentView => {
  const detectedAtMs = NOW_MS - 10 * DAY_MS;
  return {
    id: "inc_1",
    instance: "shop.test",
    playbook: "outage",
    scope: "site",
    title: "An incident",
    severity: "SEV-1",
    status: "resolved",
    lead: null,
    acknowledgedBy: "ada",
    drill: false,
    firingRules: [],
    leases: [],
    acts: [],
    anchors: {
      onsetAtMs: detectedAtMs - MINUTE_MS,
      detectedAtMs,
      respondedAtMs: null,
      acknowledgedAtMs: detectedAtMs + 2 * MINUTE_MS,
      mitigatedAtMs: null,
      enforcedAtMs: null,
      recoveredAtMs: null,
      releasedAtMs: null,
      resolvedAtMs: detectedAtMs + 30 * MINUTE_MS,
    },
    postmortem: "drafted",
    nextWakeAtMs: null,
    seq: 1,
    statusPage: null,
    ...given,
  };
};

const aLease = (id: string, status: LeaseView["status"]): LeaseView => ({
  id,
  step: "close",
  actuator: "maintenance-mode",
  status,
  mode: "auto",
  shadow: false,
  siteWide: true,
  share: 1,
  expiresAtMs: null,
  why: "",
});

export const someMetrics = (given: Partial<Metrics> = {}): Metrics => {
  const views = [
    aView(),
    aView({ id: "inc_2", playbook: 'na"me\\\nof', severity: "SEV-3" }),
    aView({ id: "inc_3", drill: true }),
  ];
  const window = { fromMs: NOW_MS - 30 * DAY_MS, toMs: NOW_MS };
  const at = { atMs: NOW_MS, freshMs: 60_000 };
  return {
    parts: { monitor: true, desk: true },
    alerts: [
      { source: "alertmanager", severity: "SEV-1", status: "firing" },
      { source: "alertmanager", severity: "SEV-1", status: "firing" },
      { source: "sentry", severity: "SEV-3", status: "firing" },
      { source: "grafana", severity: "SEV-3", status: "resolved" },
    ],
    lastAlertAtMs: NOW_MS - 90_000,
    policy: {
      version: 42,
      compiledAtMs: NOW_MS - 30_000,
      kinds: ["block", "block", "maintenance"],
    },
    reportsMissing: 3,
    open: [
      aView({
        id: "inc_4",
        status: "mitigating",
        acknowledgedBy: null,
        reachedAtMs: null,
        mutedMessages: 2,
        leases: [aLease("lse_1", "applied"), aLease("lse_2", "proposed")],
      }),
      aView({ id: "inc_5", status: "mitigating", drill: true }),
    ],
    kpis: kpis(views, window),
    bySeverity: kpisBy(views, window, "severity"),
    byPlaybook: kpisBy(views, window, "playbook"),
    overduePostmortems: 1,
    overdueActionItems: 2,
    signals: {
      "traffic.error_ratio": measured("traffic.error_ratio", 0.25, at),
      "redis.latency_ms": unknownSignal("redis.latency_ms", "timeout", at),
    },
    lastTickAtMs: NOW_MS - 1_500,
    cadenceMs: 10_000,
    ...given,
  };
};
