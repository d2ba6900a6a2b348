import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { describe, it } from "vitest";
import { publicKeyOf } from "../../../src/webhooks/certificate.ts";
import { cloudwatch } from "../../../src/webhooks/cloudwatch.ts";
import { CONTEXT, deliveryOf } from "../../contract/webhook.ts";
import { captured, capturedBut } from "../../support/captured.ts";
import { signedBySns, snsCertificate, TOPIC } from "../../support/sns.ts";

const atMs = Date.UTC(2026, 10, 24);
const notification = captured("aws-sns-notification");
const confirmation = capturedBut("aws-sns-subscription-confirmation", {
  TopicArn: TOPIC,
  SubscribeURL: `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336`,
  SigningCertURL: "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-c.pem",
});

/** Whether it is let in, and whom it asked. */
async function verify(body: string, answer: () => Response = () => new Response(snsCertificate)) {
  const asked: string[] = [];
  const fetch = async (url: string, init: RequestInit) => {
    asked.push(`${url} ${init.redirect ?? "follow"}`);
    return answer();
  };
  const isIn = await cloudwatch.verify(deliveryOf({ body }), TOPIC, { atMs, fetch });
  return { isIn, asked };
}
const withFields = (body: string, given: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ ...(JSON.parse(body) as object), ...given });
/** Every address a fresh one, as certificates are remembered. */
let count = 0;
const fresh = (body: string): string => {
  count += 1;
  const url = `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${count}.pem`;
  return withFields(body, { SigningCertURL: url });
};

describe("verify", () => {
  it.for(["1", "2"] as const)("takes signature version %s", async (version, { expect }) => {
    for (const body of [notification, confirmation]) {
      expect(await verify(signedBySns(body, atMs, version))).toMatchObject({ isIn: true });
    }
  });

  it.for([
    "Message",
    "MessageId",
    "Subject",
    "SubscribeURL",
    "Token",
    "Timestamp",
    "Type",
    "Signature",
  ])("refuses another %s", async (name, { expect }) => {
    for (const body of [notification, confirmation]) {
      const signed = signedBySns(body, atMs);
      const value = (JSON.parse(signed) as Record<string, string>)[name];
      if (value === undefined) continue;
      const other = name === "Timestamp" ? "2026-11-24T00:00:01.000Z" : `#${value.slice(1)}`;
      expect(await verify(withFields(signed, { [name]: other }))).toMatchObject({ isIn: false });
    }
  });

  it.for([
    ["http", "http://sns.eu-west-1.amazonaws.com/a.pem"],
    ["another host", "https://evil.example/a.pem"],
    ["a host that begins alike", "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem"],
    ["a user", "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem"],
    ["a user at the right host", "https://me@sns.eu-west-1.amazonaws.com/a.pem"],
    ["a port", "https://sns.eu-west-1.amazonaws.com:8443/a.pem"],
    ["another region", "https://sns.us-east-1.amazonaws.com/a.pem"],
    ["a bucket", "https://s3.eu-west-1.amazonaws.com/sns/a.pem"],
    ["no certificate", "https://sns.eu-west-1.amazonaws.com/?Action=Publish"],
    ["this machine", "https://127.0.0.1/a.pem"],
    ["no address", "a.pem"],
  ])("asks nobody for a certificate at %s", async ([, url], { expect }) => {
    const body = signedBySns(withFields(notification, { SigningCertURL: url }), atMs);
    expect(await verify(body)).toEqual({ isIn: false, asked: [] });
  });

  it("asks nobody for a topic that is not ours", async ({ expect }) => {
    const body = withFields(notification, { TopicArn: TOPIC.replace("mf", "fm") });
    expect(await verify(signedBySns(body, atMs))).toEqual({ isIn: false, asked: [] });
  });

  it("asks once for a certificate, and follows it nowhere", async ({ expect }) => {
    const body = fresh(signedBySns(notification, atMs));
    expect((await verify(body)).asked).toEqual([expect.stringMatching(/\.pem manual$/)]);
    expect(await verify(body)).toEqual({ isIn: true, asked: [] });
  });

  it.for([
    ["a redirect", () => new Response(null, { status: 302 })],
    ["an error", () => new Response("", { status: 500 })],
    ["no certificate", () => new Response("<html>")],
    ["a broken one", () => new Response(snsCertificate.slice(0, 200))],
    ["an endless one", () => new Response(snsCertificate + " ".repeat(20_000))],
    [
      "nothing at all",
      () => {
        throw new TypeError("unreachable");
      },
    ],
  ] as const)("lets nobody in by %s", async ([, answer], { expect }) => {
    expect(await verify(fresh(signedBySns(notification, atMs)), answer)).toMatchObject({
      isIn: false,
    });
  });
});

describe("parse", () => {
  const read = (body: string) => cloudwatch.parse(deliveryOf({ body }), { ...CONTEXT, atMs });

  it("wants a subscription confirmed where the topic lives, and nowhere else", ({ expect }) => {
    const url = expect.stringMatching(
      /^https:\/\/sns\.eu-west-1\.amazonaws\.com\/\?Action=Confirm/,
    );
    expect(read(confirmation)).toMatchObject({ ok: true, value: { visitUrl: url, alerts: [] } });
    for (const elsewhere of ["https://evil.example/", "http://169.254.169.254/latest/meta-data"]) {
      expect(read(withFields(confirmation, { SubscribeURL: elsewhere })).ok).toBe(false);
    }
  });

  it("notes a message that is no alarm", ({ expect }) => {
    const body = withFields(notification, { Message: "a person wrote this" });
    expect(read(body)).toMatchObject({ value: { alerts: [], note: "Notification" } });
  });

  it("reads an alarm of before alarms had ARNs", ({ expect }) => {
    const atThen = Date.UTC(2017, 0, 9, 17, 13);
    const parsed = cloudwatch.parse(deliveryOf({ body: notification }), {
      ...CONTEXT,
      atMs: atThen,
    });
    expect(parsed).toMatchObject({
      value: {
        alerts: [
          {
            fingerprint: `${TOPIC} 659378156385 mf-alarm-three`,
            startsAtMs: Date.UTC(2017, 0, 9, 17, 12, 45, 390),
            severity: "SEV-3",
          },
        ],
      },
    });
  });
});

describe("publicKeyOf", () => {
  it("reads every root certificate that Node ships", ({ expect }) => {
    expect(rootCertificates.length).toBeGreaterThan(100);
    for (const pem of rootCertificates) {
      const spki = new X509Certificate(pem).publicKey.export({ format: "der", type: "spki" });
      expect(Buffer.from(publicKeyOf(pem) ?? []).equals(spki)).toBe(true);
    }
  });

  it("reads nothing from less than a whole one", ({ expect }) => {
    const [pem = ""] = rootCertificates;
    const base64 = pem.replaceAll(/-----[A-Z ]+-----|\s/g, "");
    for (let length = 0; length < base64.length; length += 4) {
      const part = `-----BEGIN CERTIFICATE-----\n${base64.slice(0, length)}\n-----END CERTIFICATE-----`;
      expect(publicKeyOf(part)).toBeNull();
    }
  });
});
