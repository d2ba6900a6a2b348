import { Webhook } from "standardwebhooks";
import { describe, it } from "vitest";
import { webhook } from "../../../../src/notify/channels/webhook.ts";
import { channelContract, MESSAGE } from "../../../contract/channel.ts";
import { withReceiver, type Received } from "../../../support/http-receiver.ts";

const KEY = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const header = (request: Received, name: string): string => String(request.headers[name]);

channelContract({
  channel: webhook,
  secretFor: (url) => ({
    secret: { url: `${url}/hooks/t0ken`, secret: KEY },
    hidden: [KEY, KEY.slice("whsec_".length), "t0ken"],
  }),
  messageIdOf: (request) => request.headers["webhook-id"],
});

/** One delivery to a receiver that answers as told. */
const delivered = (
  answer: { readonly status: number; readonly headers?: Record<string, string> },
  atMs = Date.now(),
) =>
  withReceiver(
    () => answer,
    async (receiver) => {
      const secret = { url: `${receiver.url}/hooks/t0ken`, secret: KEY };
      const result = await webhook.deliver(MESSAGE, secret, { fetch, atMs, deadlineMs: 5_000 });
      return { result, request: receiver.received[0] };
    },
  );

describe("what a receiver gets", () => {
  it("verifies with the reference implementation of Standard Webhooks", async ({ expect }) => {
    const { request } = await delivered({ status: 204 });
    if (request === undefined) return expect.unreachable();
    const verified = new Webhook(KEY).verify(request.body, {
      "webhook-id": header(request, "webhook-id"),
      "webhook-timestamp": header(request, "webhook-timestamp"),
      "webhook-signature": header(request, "webhook-signature"),
    });
    expect(verified).toMatchObject({ type: "incident.message" });
  });

  it("does not verify once a byte of the body changed", async ({ expect }) => {
    const { request } = await delivered({ status: 204 });
    if (request === undefined) return expect.unreachable();
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const forged = request.body.replace("opened", "0pened");
    expect(() => new Webhook(KEY).verify(forged, headers)).toThrow("No matching signature found");
  });

  it("is the documented payload, at the moment it was sent", async ({ expect }) => {
    const { request } = await delivered({ status: 204 }, Date.UTC(2026, 10, 23, 14, 2, 11, 900));
    expect(request?.path).toBe("/hooks/t0ken");
    expect(request?.headers).toMatchObject({
      "content-type": "application/json",
      "webhook-id": MESSAGE.deliveryId,
      "webhook-timestamp": "1795442531",
    });
    expect(JSON.parse(request?.body ?? "null")).toEqual({
      type: "incident.message",
      timestamp: "2026-11-23T14:02:11.900Z",
      data: {
        id: MESSAGE.deliveryId,
        incident: MESSAGE.incidentId,
        instance: MESSAGE.instance,
        message: MESSAGE.message,
        subject: MESSAGE.subject,
        body: MESSAGE.body,
        severity: "SEV-1",
        state: "open",
      },
    });
  });
});

describe("what the journal reads when it fails", () => {
  const detailOf = async (
    answer: { readonly status: number; readonly headers?: Record<string, string> },
    atMs?: number,
  ): Promise<string | null> => {
    const { result } = await delivered(answer, atMs);
    return result.ok ? null : result.error.detail;
  };

  it("says that the receiver unsubscribed", async ({ expect }) => {
    expect(await detailOf({ status: 410 })).toBe("the receiver answered 410: it unsubscribed");
  });

  it("says what to do about a redirect", async ({ expect }) => {
    const detail = await detailOf({ status: 308, headers: { location: "https://elsewhere.test" } });
    expect(detail).toBe(
      "the receiver answered 308: put the address it redirects to into the secret",
    );
  });

  const nowMs = Date.UTC(2026, 10, 23, 14, 0, 0);
  it.for([
    ["seconds", "30", { said: ", and asks to wait 30s", afterMs: 30_000 }],
    [
      "a date",
      "Mon, 23 Nov 2026 14:02:00 GMT",
      { said: ", and asks to wait 2m", afterMs: 120_000 },
    ],
    ["a date in the past", "Mon, 23 Nov 2026 13:00:00 GMT", { said: "" }],
    ["more than an hour", "86400", { said: ", and asks to wait 1h", afterMs: 3_600_000 }],
    ["zero", "0", { said: "" }],
    ["nonsense", "soon", { said: "" }],
  ] as const)("reads Retry-After as %s", async ([, value, { said, ...waits }], { expect }) => {
    const { result } = await delivered({ status: 503, headers: { "retry-after": value } }, nowMs);
    const detail = `the receiver answered 503${said}`;
    expect(result).toEqual({ ok: false, error: { class: "retry", detail, ...waits } });
  });
});

describe("a secret", () => {
  const key = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 1).toString("base64")}`;
  const url = "https://hooks.example/firebreak";

  it.for([
    ["the shortest key", { url, secret: key(24) }],
    ["the longest key", { url, secret: key(64) }],
    ["plain http on this machine", { url: "http://127.0.0.1:9/x", secret: key(32) }],
    ["plain http by its name", { url: "http://localhost:9/x", secret: key(32) }],
  ] as const)("may have %s", ([, secret], { expect }) => {
    expect(webhook.problemsWith(secret)).toEqual([]);
  });

  it.for([
    ["too short a key", { url, secret: key(23) }, "secret:"],
    ["too long a key", { url, secret: key(65) }, "secret:"],
    ["a key without its prefix", { url, secret: key(32).slice(6) }, "secret:"],
    ["a key that is not base64", { url, secret: "whsec_%%%%" }, "secret:"],
    ["plain http elsewhere", { url: "http://hooks.example/x", secret: key(32) }, "url:"],
    ["another scheme", { url: "file:///etc/passwd", secret: key(32) }, "url:"],
    ["a typo", { url, secret: key(32), sercet: "x" }, "1 unknown field(s)"],
  ] as const)("may not have %s", ([, secret, said], { expect }) => {
    const problems = webhook.problemsWith(secret).join("; ");
    expect(problems).toContain(said);
    expect(problems).not.toContain("sercet");
    expect(problems).not.toContain("hooks.example");
  });
});
