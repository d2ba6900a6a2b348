/**
 * CloudWatch alarms via SNS. SNS signs with a certificate of its own; what we hold is no secret but the ARNs of the topics that may
 * speak to us, one a line. The only host that is ever asked for anything is the one where such a topic lives.
 */
import { z } from "zod";
import { fromBase64, utf8 } from "../guard/write-journal/bytes.ts";
import { secretsIn } from "../guard/write-journal/schemes.ts";
import type { Severity } from "../playbooks/schema.ts";
import { parseJson } from "../shared/json.ts";
import { err, ok } from "../shared/result.ts";
import { publicKeyOf } from "./certificate.ts";
import { deliveryIdOf, event, noted, readJson, time } from "./reading.ts";
import { severityOf } from "./severity.ts";
import { defineWebhook, type WebhookReach } from "./webhook.ts";

/** SNS tries again within minutes by default; what was published longer ago is repeated by someone else. */
export const AGE_MS_MAX = 60 * 60_000;
const CERTIFICATE_MS_MAX = 3_000;
const CERTIFICATE_CHARACTERS_MAX = 16_384;
const CERTIFICATES_MAX = 8;

const text = z.string().optional();
const envelope = z.looseObject({
  Type: z.string(),
  MessageId: z.string().min(1),
  TopicArn: z.string(),
  Message: z.string(),
  Timestamp: time,
  Subject: text,
  Token: text,
  SubscribeURL: text,
  SignatureVersion: z.enum(["1", "2"]),
  Signature: z.string(),
  SigningCertURL: z.string(),
});

const alarm = z.looseObject({
  AlarmName: z.string().min(1),
  AlarmDescription: z.string().nullish(),
  AlarmArn: text,
  AWSAccountId: text,
  NewStateValue: z.string(),
  NewStateReason: text,
  Region: text,
  // Its offset has no colon: `+0000`.
  StateChangeTime: z
    .string()
    .transform((at) => at.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"))
    .pipe(time),
});
const STATUSES: ReadonlyMap<string, "firing" | "resolved"> = new Map([
  ["ALARM", "firing"],
  ["OK", "resolved"],
]);
const HASHES = { "1": "SHA-1", "2": "SHA-256" } as const;
const SIGNED = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  confirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
} as const;

export const cloudwatch = defineWebhook({
  vendor: "cloudwatch",

  verify: async ({ body }, topics, reach) => {
    const read = envelope.safeParse(parseJson(body));
    if (!read.success) return false;
    const { TopicArn, SigningCertURL, SignatureVersion, Signature, Timestamp } = read.data;
    if (!secretsIn(topics).includes(TopicArn)) return false;
    if (Math.abs(reach.atMs - Timestamp) > AGE_MS_MAX) return false;
    const url = urlAt(SigningCertURL, TopicArn);
    if (url === null || !url.pathname.endsWith(".pem")) return false;
    const key = await keyAt(url.href, reach);
    const signature = fromBase64(Signature);
    if (key === null || signature === null) return false;
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: HASHES[SignatureVersion] };
    const imported = await crypto.subtle
      .importKey("spki", key, algorithm, false, ["verify"])
      .catch(() => null);
    if (imported === null) return false;
    return crypto.subtle.verify(algorithm.name, imported, signature, utf8(signedText(body)));
  },

  parse: ({ body }, context) => {
    const read = readJson(envelope, body);
    if (!read.ok) return read;
    const { Type: kind, MessageId, TopicArn, Message, SubscribeURL } = read.value;
    const delivery = deliveryIdOf("cloudwatch", [MessageId]);
    if (kind === "SubscriptionConfirmation") {
      const url = urlAt(SubscribeURL ?? "", TopicArn);
      if (url === null) return err(["SubscribeURL: not where the topic lives"]);
      return ok({ ...noted(delivery, "subscription"), visitUrl: url.href });
    }
    const about = alarm.safeParse(parseJson(Message));
    if (kind !== "Notification" || !about.success) return ok(noted(delivery, kind));
    const { AlarmName, AlarmArn, AWSAccountId, NewStateValue, NewStateReason } = about.data;
    const status = STATUSES.get(NewStateValue);
    // INSUFFICIENT_DATA is neither: nothing was seen to be well again.
    if (status === undefined) return ok(noted(delivery, NewStateValue));
    const saidAtMs = about.data.StateChangeTime;
    const said = {
      source: "cloudwatch",
      fingerprint: AlarmArn ?? [TopicArn, AWSAccountId, AlarmName].join(" "),
      status,
      title: AlarmName,
      severity: severityIn(`${AlarmName} ${about.data.AlarmDescription ?? ""}`),
      startsAtMs: saidAtMs,
      labels: { reason: NewStateReason, region: about.data.Region, account: AWSAccountId },
      url: null,
    };
    return ok(
      event(delivery, said, { ...context, saidAtMs, texts: [about.data.AlarmDescription] }),
    );
  },
});

/** An https address at the region's SNS, where this topic lives; the topic is one of ours, so the host is not the sender's choice. */
function urlAt(text: string, topicArn: string): URL | null {
  const [, partition, , region = ""] = topicArn.split(":");
  const host = `sns.${region}.amazonaws.com${partition === "aws-cn" ? ".cn" : ""}`;
  const url = URL.parse(text);
  const isThere = url?.origin === `https://${host}` && url.username === "" && url.password === "";
  return isThere ? url : null;
}

/** By address; a certificate never changes where it is. */
const keys = new Map<string, Uint8Array<ArrayBuffer>>();

async function keyAt(url: string, { fetch }: WebhookReach) {
  const known = keys.get(url);
  if (known !== undefined) return known;
  const signal = AbortSignal.timeout(CERTIFICATE_MS_MAX);
  const answer = await fetch(url, { redirect: "manual", signal }).catch(() => null);
  if (answer?.ok !== true) {
    await answer?.body?.cancel();
    return null;
  }
  const certificate = await answer.text();
  const key = certificate.length > CERTIFICATE_CHARACTERS_MAX ? null : publicKeyOf(certificate);
  if (key === null) return null;
  if (keys.size >= CERTIFICATES_MAX) keys.clear();
  keys.set(url, key);
  return key;
}

const texts = z.record(z.string(), z.unknown()).transform((all) => new Map(Object.entries(all)));

/** `Name\nvalue\n` for each that is there, as it was written. */
function signedText(body: string): string {
  const given = texts.parse(parseJson(body));
  const names = given.get("Type") === "Notification" ? SIGNED.Notification : SIGNED.confirmation;
  const lines = names.map((name) => [name, given.get(name)] as const);
  return lines
    .map(([name, value]) => (typeof value === "string" ? `${name}\n${value}\n` : ""))
    .join("");
}

/** CloudWatch has no severities; people write one into the name or the description of an alarm. */
const severityIn = (words: string): Severity =>
  severityOf(/\b(?:SEV-?[1-4]|P[1-5]|critical|warning)\b/i.exec(words)?.[0]);
