import { describe, it } from "vitest";
import type { IncidentView, LeaseView } from "../../../src/incidents/view.ts";
import { publish, statusView, type PublicIncident } from "../../../src/status-page/view.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const site = {
  title: "Shop",
  components: [
    { id: "website", name: "Website" },
    { id: "api", name: "API" },
  ],
};
const fresh = { lastTickAtMs: NOW_MS - 1_000, cadenceMs: 10_000, seesProduction: true };
const old = { ...fresh, lastTickAtMs: NOW_MS - 26_000 };

const anIncident = (given: Partial<PublicIncident> = {}): PublicIncident => ({
  id: "inc_1",
  component: "website",
  message: "We are on it.",
  impact: "critical",
  status: "investigating",
  startedAtMs: NOW_MS - 60_000,
  resolvedAtMs: null,
  ...given,
});

const anIncidentView = (given: Partial<IncidentView> = {}): IncidentView => ({
  id: "inc_1",
  instance: "shop.production",
  playbook: "outage",
  scope: "site",
  title: "db-7.internal is down",
  severity: "SEV-1",
  status: "mitigating",
  lead: "ada@example.com",
  acknowledgedBy: null,
  drill: false,
  firingRules: ["database-unreachable"],
  leases: [],
  acts: [],
  anchors: {
    onsetAtMs: NOW_MS - 60_000,
    detectedAtMs: NOW_MS - 50_000,
    respondedAtMs: null,
    acknowledgedAtMs: null,
    mitigatedAtMs: null,
    enforcedAtMs: null,
    recoveredAtMs: null,
    releasedAtMs: null,
    resolvedAtMs: null,
  },
  postmortem: "none",
  nextWakeAtMs: null,
  seq: 7,
  statusPage: { component: "website", message: "We are on it." },
  ...given,
});

const aLease = (given: Partial<LeaseView> = {}): LeaseView => ({
  id: "lse_1",
  step: "by-hand-maintenance-mode",
  actuator: "maintenance-mode",
  status: "applied",
  mode: "manual",
  shadow: false,
  siteWide: true,
  share: 1,
  expiresAtMs: NOW_MS + 60_000,
  why: "",
  ...given,
});

describe("publish", () => {
  it("says what every visitor meets, although no playbook publishes it", ({ expect }) => {
    const byHand = anIncidentView({ statusPage: null, severity: "SEV-3", leases: [aLease()] });
    expect(publish(byHand)).toMatchObject({ component: "*", impact: "major" });
  });

  it.for([
    { what: "a shadow", lease: { shadow: true } },
    { what: "a lease that is gone", lease: { status: "reverted" } },
    { what: "a lease that touches some visitors", lease: { siteWide: false } },
  ] as const)("does not publish $what", ({ lease }, { expect }) => {
    const byHand = anIncidentView({ statusPage: null, leases: [aLease(lease)] });
    expect(publish(byHand)).toBeNull();
  });

  it("lets nothing internal pass", ({ expect }) => {
    expect(publish(anIncidentView())).toEqual(anIncident({ status: "identified" }));
  });

  it.for([
    ["its playbook publishes nothing", { statusPage: null }],
    ["it is a rehearsal", { drill: true }],
  ] as const)("keeps an incident to itself when %s", ([, given], { expect }) => {
    expect(publish(anIncidentView(given))).toBeNull();
  });

  it("shows a reopened incident as open again", ({ expect }) => {
    const anchors = { ...anIncidentView().anchors, resolvedAtMs: NOW_MS };
    expect(publish(anIncidentView({ status: "reopened", anchors }))).toMatchObject({
      status: "investigating",
      resolvedAtMs: null,
    });
  });
});

describe("statusView", () => {
  it("is green only when somebody looked just now", ({ expect }) => {
    const view = statusView(site, { look: fresh, incidents: [], windows: [] }, NOW_MS);
    expect(view).toMatchObject({
      indicator: "none",
      headline: "All systems operational",
      components: [{ status: "operational" }, { status: "operational" }],
    });
  });

  it.for([
    ["nobody could say when production was looked at", { look: null, incidents: [] }],
    ["nothing was ever looked at", { look: { ...fresh, lastTickAtMs: null }, incidents: [] }],
    ["the last look is too old", { look: old, incidents: [] }],
    ["nobody saw production", { look: { ...fresh, seesProduction: false }, incidents: [] }],
    ["nobody could list the incidents", { look: fresh, incidents: null }],
  ] as const)("is unknown, not green, when %s", ([, seen], { expect }) => {
    const view = statusView(site, { ...seen, windows: [] }, NOW_MS);
    expect(view.indicator).toBe("unknown");
    expect(view.headline).toContain("unknown");
    expect(view.components.map((component) => component.status)).toEqual(["unknown", "unknown"]);
  });

  it("takes the worst of what is open, per component and overall", ({ expect }) => {
    const incidents = [
      anIncident({ component: "api", impact: "minor" }),
      anIncident({ impact: "major" }),
      anIncident({ status: "resolved", resolvedAtMs: NOW_MS }),
    ];
    const view = statusView(site, { look: fresh, incidents, windows: [] }, NOW_MS);
    expect(view).toMatchObject({
      indicator: "major",
      components: [{ status: "partial_outage" }, { status: "degraded_performance" }],
      open: [{ impact: "minor" }, { impact: "major" }],
      past: [{ status: "resolved" }],
    });
  });

  it("still shows a known outage when it has lost sight of the rest", ({ expect }) => {
    const view = statusView(site, { look: old, incidents: [anIncident()], windows: [] }, NOW_MS);
    expect(view).toMatchObject({
      indicator: "critical",
      components: [{ status: "major_outage" }, { status: "unknown" }],
    });
  });
});
