import { beforeEach, describe, it, vi } from "vitest";
import { sign } from "@octokit/webhooks-methods";
import deploymentStatus from "../../fixtures/webhooks/github-deployment-status-success.json";
import firingGroup from "../../fixtures/webhooks/alertmanager-firing-group.json";
import grafanaTest from "../../fixtures/webhooks/grafana-13-test-button.json";
import pagerdutyAcknowledged from "../../fixtures/webhooks/pagerduty-v3-acknowledged.json";
import statuspageUpdate from "../../fixtures/webhooks/statuspage-incident-update.json";
import uptimerobotQuery from "../../fixtures/webhooks/uptimerobot-default-query.json";
import { webhooks, webhookSecretName } from "../../../src/webhooks/registry.ts";
import { signedByStripe } from "../../../dev/payment-provider.ts";
import { mappedWebhook } from "../../../src/playbooks/site-webhooks.ts";
import { mapped } from "../../../src/webhooks/mapped.ts";
import { ownStatuspages } from "../../../src/wiring/webhooks.ts";
import { ALERTMANAGER_TOKEN, but, client, declared, deps } from "./api.ts";

const PATH = "/webhooks/alertmanager";
const ask = client();
const authorization = `Bearer ${ALERTMANAGER_TOKEN}`;
const signed = (body: unknown) => ({ as: null, body, headers: { authorization } });

/** One alert nobody else has. */
const aGroup = (status = "firing", fingerprint: string = crypto.randomUUID()) => ({
  ...firingGroup,
  alerts: [
    {
      status,
      labels: { alertname: "DiskFull", severity: "critical" },
      annotations: {},
      startsAt: "2026-11-23T12:00:00Z",
      endsAt: "0001-01-01T00:00:00Z",
      fingerprint,
    },
  ],
});

describe("POST /webhooks/alertmanager", () => {
  it("takes a captured delivery once, and knows it again", async ({ expect }) => {
    const first = await ask(PATH, signed(firingGroup));
    const again = await ask(PATH, signed(firingGroup));
    expect([first.status, again.status]).toEqual([202, 202]);
    const receipt = await first.json<{ id: string }>();
    expect(receipt).toEqual({
      accepted: true,
      id: expect.stringMatching(/^whk_/),
      duplicate: false,
      note: null,
    });
    expect(await again.json()).toEqual({ ...receipt, duplicate: true });
    const fingerprints = (await deps.desk.alerts()).map((alert) => alert.fingerprint);
    expect(fingerprints).toEqual(expect.arrayContaining(["a1bc48475b20e73d", "c2ea85182f28cbd9"]));
  });

  it("counts what fires, and no longer what has ended", async ({ expect }) => {
    const before = (await deps.desk.alertCounts()).critical;
    const fingerprint = crypto.randomUUID();
    await ask(PATH, signed(aGroup("firing", fingerprint)));
    expect((await deps.desk.alertCounts()).critical).toBe(before + 1);
    await ask(PATH, signed(aGroup("resolved", fingerprint)));
    expect((await deps.desk.alertCounts()).critical).toBe(before);
  });

  it("wakes the monitor for a firing alert that is news, and for nothing else", async ({
    expect,
  }) => {
    const pokes: string[] = [];
    const watched = client({
      monitor: but(() => deps.monitor, {
        poke: async (why) => {
          pokes.push(why);
          return { ticked: false };
        },
      }),
    });
    const group = aGroup();
    await watched(PATH, signed(group));
    await watched(PATH, signed(group));
    await watched(PATH, signed(aGroup("resolved")));
    expect(pokes).toEqual(["suspicion"]);
  });
});

it("answers once the alert is kept, however long it takes to act on it", async ({ expect }) => {
  const told: string[] = [];
  const answer = Promise.withResolvers<void>();
  const busy = client({
    monitor: but(() => deps.monitor, {
      // Had the sender to wait for this, neither would ever end.
      poke: async () => {
        await answer.promise;
        told.push("acted on");
        return { ticked: true };
      },
    }),
  });
  const group = aGroup();
  const response = await busy(PATH, {
    ...signed(group),
    answered: () => {
      told.push("answered");
      answer.resolve();
    },
  });
  expect(response.status).toBe(202);
  expect(told).toEqual(["answered", "acted on"]);
  const fingerprint = group.alerts[0]?.fingerprint;
  expect((await deps.desk.alerts()).map((alert) => alert.fingerprint)).toContain(fingerprint);
});

describe("every vendor", () => {
  const secrets = Object.fromEntries(
    [...webhooks.keys()].map((vendor) => [vendor, "whsec_dGVzdA=="]),
  );
  const configured = client({ webhookSecrets: secrets });

  it.for([...webhooks.keys()])(
    "refuses what is not proved or too large: %s",
    async (vendor, { expect }) => {
      const path = `/webhooks/${vendor}`;
      const unproved = await configured(path, { as: null, body: {} });
      expect(unproved.status).toBe(401);
      const large = await configured(path, { as: null, body: "x".repeat(1_100_000) });
      expect(large.status).toBe(413);
      expect(webhookSecretName(vendor)).toMatch(/^(?:ALERTMANAGER_TOKEN|WEBHOOK_[A-Z_]+)$/);
    },
  );

  it("notes a test button, and bothers nobody", async ({ expect }) => {
    const headers = { authorization: `Bearer ${secrets["grafana"]}` };
    const quiet = client({
      webhookSecrets: secrets,
      desk: but(() => deps.desk, {
        receive: () => Promise.reject(new Error("nothing to receive")),
      }),
    });
    const answer = await quiet("/webhooks/grafana", { as: null, body: grafanaTest, headers });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ accepted: true, duplicate: false, note: "test" });
  });

  it("checks a signature over the bytes that arrived", async ({ expect }) => {
    const seconds = Math.floor(Date.now() / 1_000);
    const body = JSON.stringify({
      id: `evt_${crypto.randomUUID()}`,
      type: "payment_intent.payment_failed",
      object: "event",
      created: seconds,
      livemode: true,
      data: {
        object: { id: `pi_${crypto.randomUUID()}`, last_payment_error: { type: "api_error" } },
      },
    });
    const headers = await signedByStripe(secrets["stripe"] ?? "", body);
    const marked = new TextEncoder().encode(`\ufeff${body}`);
    expect((await configured("/webhooks/stripe", { as: null, body: marked, headers })).status).toBe(
      401,
    );
    const taken = await configured("/webhooks/stripe", { as: null, body, headers });
    expect(await taken.json()).toMatchObject({ accepted: true, duplicate: false, note: null });
    const again = await configured("/webhooks/stripe", { as: null, body, headers });
    expect(await again.json()).toMatchObject({ accepted: true, duplicate: true });
  });
});

describe("UptimeRobot's default, a GET", () => {
  const uptimerobot = client({ webhookSecrets: { uptimerobot: "s3cret" } });
  const said = (given: Readonly<Record<string, string>> = {}): string =>
    new URLSearchParams({ ...uptimerobotQuery.query, key: "s3cret", ...given }).toString();

  it("is taken once, with names as people wrote them", async ({ expect }) => {
    const monitorID = crypto.randomUUID();
    const query = said({ monitorID, monitorFriendlyName: "Shop &amp; &lt;till&gt;", ...now() });
    const path = `/webhooks/uptimerobot?${query}`;
    const answer = await uptimerobot(path, { as: null });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ accepted: true, duplicate: false, note: null });
    const again = await uptimerobot(path, { as: null });
    expect(await again.json()).toMatchObject({ duplicate: true });
    const alerts = await deps.desk.alerts();
    expect(alerts.filter(({ fingerprint }) => fingerprint === monitorID)).toMatchObject([
      { source: "uptimerobot", title: "Shop & <till>: HTTP 500 - Internal Server Error" },
    ]);
  });

  it.for([
    ["without the secret", said({ key: "another" }), 401],
    ["with a query that says nothing", "key=s3cret", 422],
    ["with a query of more than a few values", said({ alertDetails: "x".repeat(9_000) }), 413],
  ] as const)("%s is refused", async ([, query, status], { expect }) => {
    const answer = await uptimerobot(`/webhooks/uptimerobot?${query}`, { as: null });
    expect(answer.status).toBe(status);
    expect(await answer.text()).not.toContain("s3cret");
  });

  it("is not how others deliver", async ({ expect }) => {
    const answer = await uptimerobot("/webhooks/pingdom?key=s3cret", { as: null });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("POST");
  });
});

const now = () => ({ alertDateTime: String(Math.floor(Date.now() / 1_000)) });

describe("a page at Statuspage that we write", () => {
  it("opens no incident when it says what we said", async ({ expect }) => {
    const received: unknown[] = [];
    const given = {
      webhookSecrets: { statuspage: "s3cret" },
      desk: but(() => deps.desk, {
        receive: async (alerts) => {
          received.push(...alerts);
          return { accepted: alerts.length, duplicates: 0 };
        },
      }),
    };
    const said = {
      as: null,
      body: {
        ...statuspageUpdate,
        incident: { ...statuspageUpdate.incident, updated_at: new Date() },
      },
    };
    const path = "/webhooks/statuspage?key=s3cret";
    const ours = await client({ ...given, ownStatuspages: [said.body.page.id] })(path, said);
    expect(await ours.json()).toMatchObject({ accepted: true, note: "own" });
    expect(received).toEqual([]);
    const theirs = await client(given)(path, said);
    expect(await theirs.json()).toMatchObject({ accepted: true, note: null });
    expect(received).toMatchObject([{ source: "statuspage", status: "firing" }]);
  });
});

describe("an answer in PagerDuty", () => {
  const secret = "a secret of pagerduty";
  const pager = client({ webhookSecrets: { pagerduty: secret } });
  const say = async (id: string, kind: string, incidentKey: string) => {
    const { event } = pagerdutyAcknowledged;
    const data = { ...event.data, incident_key: incidentKey };
    const occurredAt = new Date().toISOString();
    const said = { ...event, id, event_type: kind, occurred_at: occurredAt, data };
    const body = JSON.stringify({ event: said });
    const signature = (await sign(secret, body)).replace("sha256=", "v1=");
    const headers = { "x-pagerduty-signature": signature };
    return pager("/webhooks/pagerduty", { as: null, body, headers });
  };
  const journalOf = async (id: string) =>
    (await deps.incident(id).journal(0)).map(({ type, actor }) => `${type} ${actor.id}`);

  it("acknowledges our incident once, and its resolution is noted", async ({ expect }) => {
    const id = await declared();
    for (const _ of [1, 2]) {
      const answer = await say("01EVENT", "incident.acknowledged", id);
      expect(answer.status).toBe(202);
      expect(await answer.json()).toMatchObject({ accepted: true, note: "own" });
    }
    await vi.waitFor(async () => {
      expect((await deps.incident(id).view())?.acknowledgedBy).toBe("PIG 208 (PagerDuty)");
    });
    await say("02EVENT", "incident.resolved", id);
    await vi.waitFor(async () => {
      expect(await journalOf(id)).toContain("incident.noted PIG 208 (PagerDuty)");
    });
    expect((await deps.incident(id).view())?.status).not.toBe("resolved");
    const acknowledged = (await journalOf(id)).filter((row) => row.includes("acknowledged"));
    expect(acknowledged).toHaveLength(1);
  });

  it("about an incident that is not ours opens none", async ({ expect }) => {
    const other = "inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4";
    const answer = await say("03EVENT", "incident.acknowledged", other);
    expect(answer.status).toBe(202);
    expect(await deps.incident(other).view()).toBeNull();
  });
});

it("knows its pages at Statuspage by the secrets of its public channels", ({ expect }) => {
  const secrets = new Map([
    ["CHANNEL_PAGE", JSON.stringify({ api_key: "x".repeat(20), page: "kctbh9vrtdwd" })],
    ["CHANNEL_ODD", "{"],
  ]);
  const channel = (kind: string, secret: string) => ({ id: kind, kind, secret, components: {} });
  const channels = [
    channel("statuspage", "CHANNEL_PAGE"),
    channel("statuspage", "CHANNEL_ODD"),
    channel("statuspage", "CHANNEL_UNSET"),
    channel("instatus", "CHANNEL_PAGE"),
  ];
  expect(ownStatuspages(channels, (name) => secrets.get(name))).toEqual(["kctbh9vrtdwd"]);
});

describe("refusals", () => {
  let before: number;
  beforeEach(async () => {
    before = (await deps.desk.alerts()).length;
  });

  it.for([
    ["a wrong token", { headers: { authorization: "Bearer nope" } }, 401],
    ["no token", { headers: {} }, 401],
    ["an API token instead", { headers: { authorization: "Bearer admin-token" } }, 401],
    ["another payload version", { body: { ...firingGroup, version: "3" } }, 422],
    ["not JSON", { body: "{" }, 422],
    ["more than a megabyte", { body: "x".repeat(1_100_000) }, 413],
  ] as const)("%s gets %o", async ([, wanted, status], { expect }) => {
    const answer = await ask(PATH, { method: "POST", ...signed(aGroup()), ...wanted });
    const body = await answer.text();
    expect(answer.status).toBe(status);
    expect(body).not.toContain(ALERTMANAGER_TOKEN);
    expect(body).not.toContain("nope");
    expect((await deps.desk.alerts()).length).toBe(before);
  });

  it("without a secret lets nobody in, and asks the sender to try again", async ({ expect }) => {
    const unconfigured = client({ webhookSecrets: {} });
    const answer = await unconfigured(PATH, signed(aGroup()));
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).not.toBeNull();
  });

  it("an unknown tool is not found", async ({ expect }) => {
    expect((await ask("/webhooks/nagios", signed(aGroup()))).status).toBe(404);
  });
});

it("a tool that the site maps is read by its mapping, in workerd too", async ({ expect }) => {
  const spec = mappedWebhook.parse({
    id: "nagios",
    firing: "body.state == 2",
    fingerprint: 'body.host + "/" + body.service',
    title: "body.output",
    severity: '"warning"',
  });
  const nagios = client({
    webhooks: new Map([[spec.id, mapped(spec)]]),
    webhookSecrets: { nagios: "s3cret" },
  });
  const service = crypto.randomUUID();
  const body = { state: 2, host: "db-1", service, output: "Disk is full" };
  const headers = { authorization: "Bearer s3cret" };
  const taken = await nagios("/webhooks/nagios", { as: null, body, headers });
  expect(taken.status).toBe(202);
  const alerts = await deps.desk.alerts();
  expect(alerts.find(({ fingerprint }) => fingerprint === `db-1/${service}`)).toMatchObject({
    source: "nagios",
    status: "firing",
    title: "Disk is full",
    severity: "SEV-3",
  });
  const odd = await nagios("/webhooks/nagios", { as: null, body: { state: 2 }, headers });
  expect(odd.status).toBe(422);
  const forged = { as: null, body, headers: { authorization: "Bearer other" } };
  expect((await nagios("/webhooks/nagios", forged)).status).toBe(401);
});

it("what GitHub says was deployed is kept as evidence, once", async ({ expect }) => {
  const secret = "a secret of github";
  const github = client({ webhookSecrets: { github: secret } });
  const body = JSON.stringify(deploymentStatus);
  const signature = await sign(secret, body);
  const headers = {
    "x-hub-signature-256": signature,
    "x-github-event": "deployment_status",
    "content-type": "application/json",
  };
  const before = await deps.desk.deployments(Date.now());
  for (const _ of [1, 2]) {
    expect((await github("/webhooks/github", { as: null, body, headers })).status).toBe(202);
  }
  expect(await deps.desk.deployments(Date.parse("2019-05-15T15:20:54Z"))).toEqual([]);
  const kept = await deps.desk.deployments(Date.now());
  expect(kept).toHaveLength(before.length + 1);
  expect(kept[0]).toEqual({
    id: "145988746:success",
    source: "github",
    atMs: Date.parse("2019-05-15T15:20:55Z"),
    environment: "production",
    sha: "f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
    state: "success",
  });
});
