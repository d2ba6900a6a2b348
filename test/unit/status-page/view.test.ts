import { describe, it } from "vitest";
import type { IncidentView, LeaseView } from "../../../src/incidents/view.ts";
import type { PublicStatus } from "../../../src/incidents/public.ts";
import {
  LOOK_MS_MIN,
  publish,
  statusView,
  type PublicIncident,
  type Seen,
} from "../../../src/status-page/view.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const site = {
  title: "Shop",
  components: [
    { id: "website", name: "Website" },
    { id: "api", name: "API" },
  ],
};
const fresh = {
  lastTickAtMs: NOW_MS - 1_000,
  cadenceMs: 10_000,
  seesProduction: true,
  probesFail: false,
};
const old = { ...fresh, lastTickAtMs: NOW_MS - 26_000 };

const anIncident = (given: Partial<PublicIncident> = {}): PublicIncident => ({
  id: "inc_1",
  component: "website",
  impact: "critical",
  status: "investigating",
  startedAtMs: NOW_MS - 60_000,
  resolvedAtMs: null,
  updates: [
    { id: "inc_1-1", atMs: NOW_MS - 60_000, status: "investigating", message: "We are on it." },
  ],
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
    const updates = [
      { id: "inc_1-1", atMs: NOW_MS - 60_000, status: "identified", message: "We are on it." },
    ] as const;
    expect(publish(anIncidentView())).toEqual(anIncident({ status: "identified", updates }));
  });

  it.for([
    ["its playbook publishes nothing", { statusPage: null }],
    ["it is a rehearsal", { drill: true }],
  ] as const)("keeps an incident to itself when %s", ([, given], { expect }) => {
    expect(publish(anIncidentView(given))).toBeNull();
  });

  const said = (
    seq: number,
    status: PublicStatus,
    message: string | null = null,
    component: string | null = null,
  ) => ({ seq, atMs: NOW_MS + seq, status, message, component });

  it("tells the story in the playbook's words, people's, and those of the statuses", ({
    expect,
  }) => {
    const updates = [
      said(1, "investigating"),
      said(4, "identified"),
      said(7, "identified", "Orders are slow; none is lost.", "api"),
      said(9, "resolved"),
    ];
    expect(publish(anIncidentView({ status: "resolved", updates }))).toMatchObject({
      component: "api",
      status: "resolved",
      updates: [
        { id: "inc_1-1", message: "We are on it." },
        { id: "inc_1-4", message: "We are taking measures against it." },
        { id: "inc_1-7", message: "Orders are slow; none is lost." },
        { id: "inc_1-9", message: "It is over." },
      ],
    });
  });

  it("begins with what a person says where no playbook publishes anything", ({ expect }) => {
    const updates = [said(1, "investigating"), said(7, "identified", "Orders are slow.")];
    expect(
      publish(anIncidentView({ statusPage: null, severity: "SEV-3", status: "triaged", updates })),
    ).toMatchObject({
      component: "*",
      impact: "minor",
      status: "identified",
      updates: [{ id: "inc_1-7", message: "Orders are slow." }],
    });
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
  const seen: Seen = { look: fresh, incidents: [], isListed: true, pastSinceMs: 0, windows: [] };
  const viewOf = (given: Partial<Seen>) => statusView(site, { ...seen, ...given }, NOW_MS);

  it("is green only when somebody looked just now", ({ expect }) => {
    expect(viewOf({})).toMatchObject({
      indicator: "none",
      headline: "All systems operational",
      components: [{ status: "operational" }, { status: "operational" }],
    });
  });

  it.for([
    ["nobody could say when production was looked at", { look: null }],
    ["nothing was ever looked at", { look: { ...fresh, lastTickAtMs: null } }],
    ["the last look is too old", { look: old }],
    ["nobody saw production", { look: { ...fresh, seesProduction: false } }],
    ["nobody could ever list the incidents", { incidents: null, isListed: false }],
    ["nobody can list the incidents any more", { isListed: false }],
  ] as const)("is unknown, not green, when %s", ([, given], { expect }) => {
    const view = viewOf(given);
    expect(view.indicator).toBe("unknown");
    expect(view.headline).toContain("unknown");
    expect(view.components.map((component) => component.status)).toEqual(["unknown", "unknown"]);
  });

  it("is not green while our own probes fail, though no incident is open yet", ({ expect }) => {
    expect(viewOf({ look: { ...fresh, probesFail: true } })).toMatchObject({
      indicator: "minor",
      headline: expect.stringContaining("checks fail"),
      components: [{ status: "degraded_performance" }, { status: "degraded_performance" }],
    });
  });

  it("takes no look for old that the next may still be at", ({ expect }) => {
    const fast = { ...fresh, cadenceMs: 1_000 };
    const at = (ageMs: number) => viewOf({ look: { ...fast, lastTickAtMs: NOW_MS - ageMs } });
    expect(at(LOOK_MS_MIN).indicator).toBe("none");
    expect(at(LOOK_MS_MIN + 1).indicator).toBe("unknown");
  });

  it("takes the worst of what is open, per component and overall", ({ expect }) => {
    const incidents = [
      anIncident({ component: "api", impact: "minor" }),
      anIncident({ impact: "major" }),
      anIncident({ status: "resolved", resolvedAtMs: NOW_MS }),
    ];
    expect(viewOf({ incidents })).toMatchObject({
      indicator: "major",
      components: [{ status: "partial_outage" }, { status: "degraded_performance" }],
      open: [{ impact: "minor" }, { impact: "major" }],
      past: [{ status: "resolved" }],
    });
  });

  it.for([
    ["it has lost sight of the rest", { look: old }],
    ["it can only remember it", { isListed: false }],
  ] as const)("still shows a known outage when %s", ([, given], { expect }) => {
    expect(viewOf({ ...given, incidents: [anIncident()] })).toMatchObject({
      indicator: "critical",
      components: [{ status: "major_outage" }, { status: "unknown" }],
    });
  });
});
