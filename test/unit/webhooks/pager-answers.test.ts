/** Which webhooks of a pager are a person's answer about an incident of ours, and which are not. */
import { describe, it } from "vitest";
import { WEBHOOKS } from "../../../src/webhooks/registry.ts";
import { CONTEXT, deliveryOf } from "../../contract/webhook.ts";
import { capturedBut } from "../../support/captured.ts";

const OURS = "inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4";
const AT_MS = Date.parse("2026-11-24T10:00:00Z");

function read(vendor: "pagerduty" | "opsgenie", fixture: string, given: object) {
  const body = capturedBut(fixture, given as Record<string, unknown>);
  const parsed = WEBHOOKS[vendor].parse(deliveryOf({ body }), { ...CONTEXT, atMs: AT_MS });
  if (!parsed.ok) throw new Error(parsed.error.join("; "));
  return parsed.value;
}
const ACKNOWLEDGED = "pagerduty-v3-acknowledged";
const key = { "event.data.incident_key": OURS };

describe("PagerDuty", () => {
  it.for([
    [ACKNOWLEDGED, "acknowledge", "2021-06-04T13:55:30.394Z"],
    ["pagerduty-v3-resolved", "resolve", null],
  ] as const)("%s about an incident of ours", ([fixture, deed, at], { expect }) => {
    const { alerts, answer, note } = read("pagerduty", fixture, key);
    expect({ alerts, note }).toEqual({ alerts: [], note: "own" });
    expect(answer).toMatchObject({
      id: expect.stringMatching(/^whk_/),
      incidentId: OURS,
      pager: "PagerDuty",
      who: "PIG 208",
      deed,
    });
    if (at !== null) expect(answer?.saidAtMs).toBe(Date.parse(at));
  });

  it.for([
    ["another tool's alert", { "event.data.incident_key": "d3640fbd41094207a1c11e58e46b1662" }],
    ["a key that only contains our id", { "event.data.incident_key": `${OURS} and more` }],
    ["what nobody touched", { ...key, "event.agent": null }],
    [
      "what we said by our own integration",
      { ...key, "event.agent": { id: "PA2P440", summary: "shop", type: "service_reference" } },
    ],
    ["another event", { ...key, "event.event_type": "incident.escalated" }],
    [
      "what was merged into another",
      {
        ...key,
        "event.event_type": "incident.resolved",
        "event.data.resolve_reason": { type: "merge_resolve_reason" },
      },
    ],
  ] as const)("%s is no answer", ([, given], { expect }) => {
    const { answer = null, alerts } = read("pagerduty", ACKNOWLEDGED, given);
    expect({ answer, alerts }).toEqual({ answer: null, alerts: [] });
  });
});

describe("Opsgenie", () => {
  it.for([
    ["opsgenie-acknowledge", "acknowledge", 1_420_452_224_764],
    ["opsgenie-close", "resolve", 1_420_452_374_669],
  ] as const)("%s about an incident of ours", ([fixture, deed, saidAtMs], { expect }) => {
    const { alerts, answer, note } = read("opsgenie", fixture, { "alert.alias": OURS });
    expect({ alerts, note }).toEqual({ alerts: [], note: "own" });
    expect(answer).toMatchObject({
      incidentId: OURS,
      pager: "Opsgenie",
      who: "fili@ifountain.com",
      deed,
      saidAtMs,
    });
  });

  it.for([
    ["another tool's alert", {}],
    ["what no person did", { "alert.alias": OURS, "alert.userId": "" }],
    ["another action", { "alert.alias": OURS, action: "AddNote" }],
  ] as const)("%s is no answer", ([, given], { expect }) => {
    const { answer = null } = read("opsgenie", "opsgenie-acknowledge", given);
    expect(answer).toBeNull();
  });
});
