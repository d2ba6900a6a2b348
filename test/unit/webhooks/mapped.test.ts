import { createHmac } from "node:crypto";
import { describe, it } from "vitest";
import { mappedWebhook } from "../../../src/playbooks/site-webhooks.ts";
import { mapped } from "../../../src/webhooks/mapped.ts";
import { CONTEXT, deliveryOf, INSTANCE, webhookContract } from "../../contract/webhook.ts";

const AT_MS = Date.UTC(2026, 10, 23, 12);

/** As somebody would write it for a tool that sends one check at a time. */
const NAGIOS = mappedWebhook.parse({
  id: "nagios",
  proof: "hmac-sha256",
  header: "X-Nagios-Signature",
  prefix: "sha256=",
  ignored: 'body.kind != "PROBLEM" && body.kind != "RECOVERY"',
  firing: "item.state == 2",
  fingerprint: 'item.host + "/" + item.service',
  title: "item.output",
  severity: 'item.state == 2 ? "critical" : "warning"',
  starts_at: "item.since",
  said_at: "item.since",
});
/** Another, that sends lists. */
const LISTS = mappedWebhook.parse({
  id: "lists",
  items: "body.checks",
  firing: "!item.ok",
  fingerprint: "item.id",
  title: 'has(item.name) ? item.name : "a check"',
  group: "body.team",
});

const check = (given: object = {}) =>
  JSON.stringify({
    kind: "PROBLEM",
    host: "db-1",
    service: "disk",
    state: 2,
    output: "Disk is full",
    since: 1_795_435_200,
    ...given,
  });

webhookContract({
  webhook: mapped(NAGIOS),
  secret: "a secret of nagios",
  sign: (sent, { secret }) => ({
    ...sent,
    headers: {
      ...sent.headers,
      "x-nagios-signature": `sha256=${createHmac("sha256", secret).update(sent.body).digest("hex")}`,
    },
  }),
  proofHeader: "x-nagios-signature",
  signsBody: true,
  toleranceMs: null,
  atMs: AT_MS,
  firing: { body: check() },
  resolved: { body: check({ kind: "RECOVERY", state: 0 }) },
  test: null,
  own: { body: check({ host: "db-2", notes: { ours: `firebreak_instance=${INSTANCE}` } }) },
  unknown: { body: check({ kind: "ACKNOWLEDGEMENT" }) },
});

const parse = (webhook: ReturnType<typeof mapped>, body: unknown) =>
  webhook.parse(deliveryOf({ body: typeof body === "string" ? body : JSON.stringify(body) }), {
    ...CONTEXT,
    atMs: AT_MS,
  });

describe("what visitors can write into a log", () => {
  it.for([`GET /inc_${"0".repeat(26)} failed`, `agent firebreak_instance=${INSTANCE}`])(
    "hides no alert: %s",
    (text, { expect }) => {
      const parsed = parse(mapped(NAGIOS), check({ notes: { line: text } }));
      expect(parsed).toMatchObject({ ok: true, value: { alerts: [{ status: "firing" }] } });
    },
  );
});

describe("a mapping", () => {
  it("says what each field is", ({ expect }) => {
    expect(parse(mapped(NAGIOS), check())).toMatchObject({
      ok: true,
      value: {
        alerts: [
          {
            source: "nagios",
            fingerprint: "db-1/disk",
            status: "firing",
            title: "Disk is full",
            severity: "SEV-1",
            startsAtMs: 1_795_435_200_000,
          },
        ],
      },
    });
  });

  it("reads a list, leaves out what it cannot read, and groups", ({ expect }) => {
    const checks = [{ id: "a", ok: false }, { id: "b", ok: true, name: "Login" }, { ok: false }];
    expect(parse(mapped(LISTS), { team: "shop", checks })).toMatchObject({
      ok: true,
      value: {
        malformedCount: 1,
        alerts: [
          { fingerprint: "a", title: "a check", group: expect.stringMatching(/^[0-9a-f]{26}$/) },
          { fingerprint: "b", status: "resolved", title: "Login", startsAtMs: AT_MS },
        ],
      },
    });
    expect(parse(mapped(LISTS), { team: "shop", checks: [] })).toMatchObject({
      ok: true,
      value: { alerts: [], note: "empty" },
    });
  });

  it.for([
    ["not JSON", "<xml/>", "body: not JSON"],
    ["a missing field", { kind: "PROBLEM", state: 2 }, "fingerprint: "],
    ["a time that is none", check({ since: "yesterday" }), "starts_at: not a time"],
    ["a fingerprint that is empty", check({ host: { a: "s3cret" } }), "fingerprint: "],
  ] as const)("refuses %s with the field, and repeats nothing", ([, body, said], { expect }) => {
    const read = parse(mapped(NAGIOS), body);
    expect(read.ok).toBe(false);
    if (read.ok) return;
    expect(read.error.join("; ")).toContain(said);
    expect(read.error.join("; ")).not.toContain("s3cret");
  });
});

describe("site.yaml", () => {
  const problems = (given: object) =>
    mappedWebhook
      .safeParse({ id: "x", firing: "true", fingerprint: '"a"', title: '"b"', ...given })
      .error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];

  it.for([
    ["no CEL", { firing: "item.state ==" }, "firing: "],
    ["a name that is not there", { title: "alert.title" }, "title: Unknown variable: alert"],
    ["the wrong type", { firing: '"yes"' }, "firing: the expression must be a bool"],
    ["an HMAC without its header", { proof: "hmac-sha256" }, "header: "],
    ["more than anybody reads", { title: `"${"a".repeat(600)}"` }, "title: "],
  ] as const)("is told of %s", ([, given, said], { expect }) => {
    expect(problems(given).join("; ")).toContain(said);
  });
});
