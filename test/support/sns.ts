/** SNS as it signs, with a key and a certificate of this run. */
import { createSign, generateKeyPairSync } from "node:crypto";

export const TOPIC = "arn:aws:sns:eu-west-1:659378156385:mf-topicthree";
const snsKey = generateKeyPairSync("rsa", { modulusLength: 2_048 });

const der = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const content = Buffer.concat(parts);
  const long = Buffer.from([0x82, content.length >> 8, content.length & 0xff]);
  return Buffer.concat([
    Buffer.from([tag]),
    content.length < 128 ? Buffer.from([content.length]) : long,
    content,
  ]);
};
const empty = der(0x30);
/** A certificate of SNS's key; its own signature is nobody's, as only the address vouches for it. */
export const snsCertificate = (() => {
  const spki = snsKey.publicKey.export({ format: "der", type: "spki" });
  const version = der(0xa0, der(0x02, Buffer.from([2])));
  const body = der(0x30, version, der(0x02, Buffer.from([1])), empty, empty, empty, empty, spki);
  const base64 = Buffer.from(der(0x30, body, empty, der(0x03))).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
})();

const SNS_NAMES = [
  "Message",
  "MessageId",
  "Subject",
  "SubscribeURL",
  "Timestamp",
  "Token",
  "TopicArn",
  "Type",
];

/** As SNS signs; only what is in `Type`'s list counts, which for these bodies is each that is there. */
export function signedBySns(text: string, atMs: number, version: "1" | "2" = "2"): string {
  const body = JSON.parse(text) as Record<string, string>;
  const { Signature: _, ...said } = {
    ...body,
    Timestamp: new Date(atMs).toISOString(),
    SignatureVersion: version,
  } as Record<string, string>;
  const names =
    said["Type"] === "Notification"
      ? SNS_NAMES.filter((name) => !["SubscribeURL", "Token"].includes(name))
      : SNS_NAMES.filter((name) => name !== "Subject");
  const lines = names.flatMap((name) =>
    said[name] === undefined ? [] : [`${name}\n${said[name]}\n`],
  );
  const signer = createSign(version === "2" ? "RSA-SHA256" : "RSA-SHA1").update(lines.join(""));
  return JSON.stringify({ ...said, Signature: signer.sign(snsKey.privateKey, "base64") });
}
