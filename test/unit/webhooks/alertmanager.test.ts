import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { alertmanager } from "../../../src/webhooks/alertmanager.ts";
import { CONTEXT, deliveryOf } from "../../contract/webhook.ts";
import { ALERTS_PER_DELIVERY_MAX } from "../../../src/webhooks/webhook.ts";

const context = { ...CONTEXT, atMs: Date.UTC(2026, 10, 24) };
const fixture = (name: string): string =>
  readFileSync(new URL(`../../fixtures/webhooks/${name}.json`, import.meta.url), "utf8");
const firingGroup = fixture("alertmanager-firing-group");
const mixedGroup = fixture("alertmanager-mixed-firing-resolved");

const aMember = {
  status: "firing",
  labels: { alertname: "ApiErrors" },
  annotations: {},
  startsAt: "2026-11-23T12:00:00.5+02:00",
  fingerprint: "f1",
};
const aGroup = (given: Record<string, unknown> = {}): string =>
  JSON.stringify({ version: "4", groupKey: "{}", alerts: [aMember], ...given });

/** What the body means; throws when it was refused. */
function read(body: string) {
  const parsed = alertmanager.parse(deliveryOf({ body }), context);
  if (!parsed.ok) throw new Error(parsed.error.join("; "));
  return parsed.value;
}

describe("parse", () => {
  it("reads every member of a captured firing group", ({ expect }) => {
    expect(read(firingGroup).alerts).toMatchObject([
      {
        source: "alertmanager",
        fingerprint: "a1bc48475b20e73d",
        status: "firing",
        title: "High CPU core temperature",
        severity: "SEV-1",
        startsAtMs: Date.UTC(2020, 1, 6, 0, 17, 58, 432),
        endsAtMs: null,
      },
      { fingerprint: "c2ea85182f28cbd9", status: "firing" },
    ]);
  });

  it("resolves one member and keeps the other firing in the same delivery", ({ expect }) => {
    expect(read(mixedGroup).alerts).toMatchObject([
      {
        fingerprint: "20ff339993fb7178",
        status: "resolved",
        endsAtMs: Date.UTC(2022, 0, 26, 3, 36, 17, 802),
      },
      { fingerprint: "30ff339993fb7179", status: "firing", endsAtMs: null, severity: "SEV-3" },
    ]);
  });

  it("names a delivery by what it says, in whatever order", ({ expect }) => {
    const group = JSON.parse(firingGroup) as { alerts: { status: string }[] };
    const reordered = JSON.stringify({ ...group, alerts: group.alerts.toReversed() });
    const resolved = firingGroup.replaceAll('"status": "firing"', '"status": "resolved"');
    expect(read(reordered).id).toBe(read(firingGroup).id);
    expect(read(resolved).id).not.toBe(read(firingGroup).id);
  });

  it.for([
    ["critical", "SEV-1"],
    ["SEV-2", "SEV-2"],
    [" Warning ", "SEV-3"],
    ["info", "SEV-4"],
    ["spicy", "SEV-3"],
  ] as const)("maps the label severity=%s to %s", ([severity, expected], { expect }) => {
    const body = aGroup({ alerts: [{ ...aMember, labels: { severity } }] });
    expect(read(body).alerts[0]?.severity).toBe(expected);
  });

  it("recognises our own alerts and keeps those of another instance", ({ expect }) => {
    const member = (fingerprint: string, instance: string) => ({
      ...aMember,
      fingerprint,
      labels: { firebreak_instance: instance },
    });
    const parsed = read(
      aGroup({ alerts: [member("a", "shop.production"), member("b", "shop.staging")] }),
    );
    expect(parsed).toMatchObject({ ownCount: 1, alerts: [{ fingerprint: "b" }] });
  });

  it("says how much was left out, by the tool and by our limit", ({ expect }) => {
    const alerts = Array.from({ length: ALERTS_PER_DELIVERY_MAX + 2 }, (_, n) => ({
      ...aMember,
      fingerprint: `f${n}`,
    }));
    const parsed = read(aGroup({ alerts, truncatedAlerts: 3 }));
    expect(parsed.alerts).toHaveLength(ALERTS_PER_DELIVERY_MAX);
    expect(parsed.truncatedCount).toBe(5);
  });

  it("does not lose good members to a bad one", ({ expect }) => {
    const parsed = read(aGroup({ alerts: [aMember, { status: "odd" }] }));
    expect(parsed).toMatchObject({ malformedCount: 1, alerts: [{ fingerprint: "f1" }] });
  });

  it("drops a link that is not a web address", ({ expect }) => {
    const body = aGroup({ alerts: [{ ...aMember, generatorURL: "javascript:alert(1)" }] });
    expect(read(body).alerts[0]?.url).toBeNull();
  });

  it.for([
    ["not JSON", "{", "body: "],
    ["another version", aGroup({ version: "3" }), "version: "],
    ["no members", aGroup({ alerts: [] }), "alerts: "],
    ["only bad members", aGroup({ alerts: [{ ...aMember, startsAt: "now" }] }), "startsAt: "],
  ] as const)("refuses %s, and says where", ([, body, start], { expect }) => {
    const parsed = alertmanager.parse(deliveryOf({ body }), context);
    expect(parsed).toMatchObject({ ok: false });
    expect(parsed.ok ? [] : parsed.error).toContainEqual(expect.stringContaining(start));
  });
});

describe("verify", () => {
  it.for([
    ["Bearer s3cret", true],
    ["bearer s3cret", true],
    ["Bearer s3cre", false],
    ["Basic s3cret", false],
    ["Bearer ", false],
    [null, false],
  ] as const)("answers %s with %s", async ([authorization, expected], { expect }) => {
    const delivery = deliveryOf({ body: "", ...(authorization && { headers: { authorization } }) });
    const reach = { atMs: context.atMs, fetch: () => Promise.reject(new Error("asked")) };
    expect(await alertmanager.verify(delivery, "s3cret", reach)).toBe(expected);
  });
});
