/** What the captured bodies mean, one by one. */
import { describe, it } from "vitest";
import { WEBHOOKS } from "../../../src/webhooks/registry.ts";
import { CONTEXT, deliveryOf, type Sent } from "../../contract/webhook.ts";
import { captured, capturedBut } from "../../support/captured.ts";

/** As if each had just happened: nothing is too old. */
function read(vendor: keyof typeof WEBHOOKS, sent: Sent) {
  const parsed = WEBHOOKS[vendor].parse(deliveryOf(sent), { ...CONTEXT, atMs: 0 });
  if (!parsed.ok) throw new Error(parsed.error.join("; "));
  return parsed.value;
}
const { query } = JSON.parse(captured("uptimerobot-default-query")) as {
  query: Record<string, string>;
};

describe("captured bodies", () => {
  it.for([
    [
      "grafana",
      { body: captured("grafana-resolved") },
      { fingerprint: "d8a21484c9c25a60", status: "resolved" },
    ],
    [
      "pagerduty",
      { body: captured("pagerduty-v3-resolved") },
      { status: "resolved", severity: "SEV-2" },
    ],
    [
      "sentry",
      {
        body: captured("sentry-metric-alert-resolved"),
        headers: { "sentry-hook-resource": "metric_alert" },
      },
      { fingerprint: "metric:4", status: "resolved", title: "Too many errors" },
    ],
    [
      "opsgenie",
      { body: captured("opsgenie-create") },
      { status: "firing", severity: "SEV-3", labels: { alias: "alert-alias", entity: "Server" } },
    ],
    ["opsgenie", { body: captured("opsgenie-close") }, { status: "resolved" }],
    [
      "new-relic",
      { body: captured("newrelic-closed") },
      { status: "resolved", severity: "SEV-1", endsAtMs: 1_713_766_657_383 },
    ],
    [
      "pingdom",
      { body: captured("pingdom-up") },
      { fingerprint: "2051859", status: "resolved", severity: "SEV-2" },
    ],
    [
      "uptimerobot",
      { body: "", query: new URLSearchParams(query).toString() },
      {
        fingerprint: "778368750",
        status: "firing",
        title: "ur checker: HTTP 500 - Internal Server Error",
        startsAtMs: 1_480_215_246_000,
      },
    ],
    [
      "uptimerobot",
      { body: new URLSearchParams(query).toString() },
      { fingerprint: "778368750", status: "firing" },
    ],
    ["uptimerobot", { body: captured("uptimerobot-down") }, { fingerprint: "server1.example.com" }],
    ["uptimerobot", { body: captured("uptimerobot-up") }, { status: "resolved" }],
    [
      "datadog",
      { body: captured("datadog-triggered-rendered") },
      { severity: "SEV-1", labels: { service: "payments", env: "prod" } },
    ],
    [
      "statuspage",
      {
        body: capturedBut("statuspage-component-update", {
          "component_update.new_status": "partial_outage",
        }),
      },
      { fingerprint: "component:sqm6pl84wzjc", status: "firing", severity: "SEV-2" },
    ],
    [
      "cloudflare",
      { body: capturedBut("cloudflare-health-check", { "data.new_health_status": "Healthy" }) },
      { status: "resolved", severity: "SEV-2" },
    ],
    [
      "cloudflare",
      { body: captured("cloudflare-workers-observability") },
      { fingerprint: "string", status: "firing", severity: "SEV-3" },
    ],
  ] as const)("%s: %o", ([vendor, sent, expected], { expect }) => {
    expect(read(vendor, sent).alerts).toMatchObject([{ source: vendor, ...expected }]);
  });

  it.for([
    ["Triggered", "firing"],
    ["Re-Triggered", "firing"],
    ["No Data", "firing"],
    ["Re-Warn", "firing"],
    ["Recovered", "resolved"],
    ["Muted", undefined],
    ["$ALERT_TRANSITION", undefined],
    ["", undefined],
  ] as const)("Datadog's transition %s is %s", ([transition, status], { expect }) => {
    const body = capturedBut("datadog-triggered-rendered", { alert_transition: transition });
    expect(read("datadog", { body }).alerts[0]?.status).toBe(status);
  });

  it("takes Datadog's payload with no variable filled in", ({ expect }) => {
    const body = captured("datadog-recommended-template");
    expect(read("datadog", { body })).toMatchObject({ alerts: [], note: "no_alert_transition" });
  });

  it.for([
    ["deployment", "github-deployment-created", "deployment:production:f95f852bd8fc"],
    [
      "deployment_status",
      "github-deployment-status-in-progress",
      "deployment_status:github-pages:f95f852bd8fc:in_progress",
    ],
    ["workflow_run", "github-workflow-run-completed", "workflow_run:completed"],
  ] as const)("GitHub's %s is noted with what it says", ([kind, name, note], { expect }) => {
    const sent = { body: captured(name), headers: { "x-github-event": kind } };
    expect(read("github", sent)).toMatchObject({ alerts: [], note });
  });

  it("keeps no link that is not a web address", ({ expect }) => {
    const body = capturedBut("newrelic-activated", { issueUrl: "javascript:alert(1)" });
    expect(read("new-relic", { body }).alerts[0]?.url).toBeNull();
  });
});
