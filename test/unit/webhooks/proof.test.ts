/** Each scheme against published vectors, and what the contract suite does not ask of every vendor. */
import { createHmac } from "node:crypto";
import { describe, it } from "vitest";
import { z } from "zod";
import { WEBHOOKS } from "../../../src/webhooks/registry.ts";
import { deliveryOf, type Sent } from "../../contract/webhook.ts";
import { captured } from "../../support/captured.ts";

const vectors = z
  .array(z.looseObject({ scheme: z.string() }))
  .parse(JSON.parse(captured("signature-vectors")));
const vector = (scheme: string): Readonly<Record<string, string>> =>
  z.record(z.string(), z.string()).parse(vectors.find((one) => one.scheme === scheme));

const verify = (
  vendor: keyof typeof WEBHOOKS,
  sent: Sent,
  { secret, atMs = 0 }: { readonly secret: string | undefined; readonly atMs?: number },
) => {
  const fetch = () => Promise.reject(new Error("nobody is to be asked"));
  return WEBHOOKS[vendor].verify(deliveryOf(sent), secret ?? "", { atMs, fetch });
};

describe("published vectors", () => {
  const pagerduty = { body: captured("pagerduty-v3-signature-vector") };
  const { secret: pagerdutySecret, header: right = "" } = vector("pagerduty v1");
  const wrong = "v1=7020c8a7ec668a9b7012bc3dd82e483394b038f4230acc6785efbf2a7d8bcaf5";

  it.for([
    [right, true],
    [wrong, false],
    // While a secret is rolled there are several, with and without spaces.
    [`${wrong},${right}`, true],
    [`${right}, ${wrong}`, true],
    [`v2=${right.slice(3)}`, false],
    [right.slice(3), false],
    ["", false],
    [`${`${wrong},`.repeat(8)}${right}`, false],
  ] as const)("PagerDuty: %s is %s", async ([signature, expected], { expect }) => {
    const headers = { "x-pagerduty-signature": signature };
    expect(await verify("pagerduty", { ...pagerduty, headers }, { secret: pagerdutySecret })).toBe(
      expected,
    );
  });

  it("Standard Webhooks", async ({ expect }) => {
    const given = vector("standard-webhooks v1");
    const atMs = Number(given["webhook-timestamp"]) * 1_000;
    const headers = {
      "webhook-id": given["webhook-id"] ?? "",
      "webhook-timestamp": given["webhook-timestamp"] ?? "",
      "webhook-signature": given["header"] ?? "",
    };
    const sent = { body: given["body"] ?? "", headers };
    expect(await verify("standard-webhooks", sent, { secret: given["secret"], atMs })).toBe(true);
  });

  it("Stripe", async ({ expect }) => {
    const given = vector("stripe v1");
    const sent = {
      body: given["body"] ?? "",
      headers: { "stripe-signature": given["header"] ?? "" },
    };
    const atMs = Number(given["timestamp"]) * 1_000;
    expect(await verify("stripe", sent, { secret: given["secret"], atMs })).toBe(true);
  });

  it("GitHub", async ({ expect }) => {
    const given = vector("github X-Hub-Signature-256");
    const headers = { "x-hub-signature-256": given["header"] ?? "" };
    const sent = { body: given["body"] ?? "", headers };
    expect(await verify("github", sent, { secret: given["secret"] })).toBe(true);
  });

  it("Sentry, an empty body", async ({ expect }) => {
    const given = vector("sentry empty body");
    const sent = { body: "", headers: { "sentry-hook-signature": given["header"] ?? "" } };
    expect(await verify("sentry", sent, { secret: given["client_secret"] })).toBe(true);
  });

  it("Grafana, with and without a time", async ({ expect }) => {
    const [bare, timed] = [vector("grafana body-only"), vector("grafana timestamped")];
    const atMs = Number(timed["timestamp"]) * 1_000;
    const by = { secret: bare["secret"], atMs };
    const signed = (signature = "", time?: string): Sent => ({
      body: bare["body"] ?? "",
      headers: {
        "x-grafana-alerting-signature": signature,
        ...(time !== undefined && { "x-grafana-alerting-timestamp": time }),
      },
    });
    expect(await verify("grafana", signed(bare["header"]), by)).toBe(true);
    expect(await verify("grafana", signed(timed["header"], timed["timestamp"]), by)).toBe(true);
    expect(await verify("grafana", signed(timed["header"]), by)).toBe(false);
    expect(await verify("grafana", signed(bare["header"], timed["timestamp"]), by)).toBe(false);
    expect(await verify("grafana", signed(timed["header"], "soon"), by)).toBe(false);
  });
});

describe("a secret that is shown", () => {
  const secret = "s3cret:with a colon";
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`;

  it.for([
    [`Bearer token`, "token", true],
    [`bearer token`, "token", true],
    [basic(`firebreak:${secret}`), secret, true],
    [basic(`:token`), "token", true],
    [basic(`token:`), "token", false],
    ["Basic ***", "token", false],
    ["token", "token", false],
    ["Digest token", "token", false],
    ["Bearer ", "token", false],
    ["Bearer ", "", false],
  ] as const)("%s against %s is %s", async ([authorization, wanted, expected], { expect }) => {
    const sent = { body: "{}", headers: { authorization } };
    expect(await verify("datadog", sent, { secret: wanted })).toBe(expected);
  });

  it("stands in an address only for tools that can send no header", async ({ expect }) => {
    const sent = { body: "{}", query: "key=token" };
    expect(await verify("pingdom", sent, { secret: "token" })).toBe(true);
    expect(await verify("pingdom", { ...sent, query: "key=toke" }, { secret: "token" })).toBe(
      false,
    );
    expect(await verify("datadog", sent, { secret: "token" })).toBe(false);
  });

  it("does for Grafana only while nothing is signed", async ({ expect }) => {
    const headers = { authorization: "Bearer token", "x-grafana-alerting-signature": "00" };
    expect(await verify("grafana", { body: "{}", headers }, { secret: "token" })).toBe(false);
    const plain = { authorization: headers.authorization };
    expect(await verify("grafana", { body: "{}", headers: plain }, { secret: "token" })).toBe(true);
  });
});

it("a bare signature is over the bytes, not over what they decode to", async ({ expect }) => {
  const bytes = Uint8Array.of(0x7b, 0xff, 0x7d);
  const signature = createHmac("sha256", "key").update(bytes).digest("hex");
  const headers = { "sentry-hook-signature": signature };
  const delivery = { ...deliveryOf({ body: "", headers }), bytes, body: "{\ufffd}" };
  const reach = { atMs: 0, fetch: () => Promise.reject(new Error("asked")) };
  expect(await WEBHOOKS.sentry.verify(delivery, "key", reach)).toBe(true);
});
