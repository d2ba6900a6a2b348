/** Sends a message as JSON to any HTTPS receiver, signed as Standard Webhooks says (https://www.standardwebhooks.com). */
import { z } from "zod";
import { ok } from "../../shared/result.ts";
import { asking, httpsAddress } from "../ask.ts";
import { defineChannel, type ChannelMessage } from "../channel.ts";

const KEY_PREFIX = "whsec_";
const KEY_BYTES_MIN = 24;
const KEY_BYTES_MAX = 64;

const secret = z.strictObject({
  url: httpsAddress,
  secret: z
    .string()
    .refine(
      (value) => keyBytes(value) !== null,
      `write ${KEY_PREFIX} and the base64 of ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} random bytes`,
    )
    .transform((value) => keyBytes(value) ?? new Uint8Array()),
});

export const webhook = defineChannel({
  id: "webhook",
  secret,

  async send(message, { url, secret: key }, reach) {
    const { atMs } = reach;
    const body = JSON.stringify(payload(message, atMs));
    const timestamp = String(Math.floor(atMs / 1_000));
    const signature = await sign(key, `${message.deliveryId}.${timestamp}.${body}`);
    const answer = await asking(reach)(url, {
      headers: {
        "content-type": "application/json",
        "webhook-id": message.deliveryId,
        "webhook-timestamp": timestamp,
        "webhook-signature": `v1,${signature}`,
      },
      body,
      // Not ours to read.
      isBlind: true,
    });
    return answer.ok ? ok({ status: answer.value.status }) : answer;
  },
});

/** What receivers parse: additive only, as docs/notifications.md promises. */
const payload = (message: ChannelMessage, atMs: number): Record<string, unknown> => ({
  type: "incident.message",
  timestamp: new Date(atMs).toISOString(),
  data: {
    id: message.deliveryId,
    incident: message.incidentId,
    instance: message.instance,
    message: message.message,
    subject: message.subject,
    body: message.body,
    severity: message.severity,
    state: message.state,
    ...(message.bundled === undefined ? {} : { bundled: message.bundled }),
  },
});

async function sign(key: Uint8Array<ArrayBuffer>, text: string): Promise<string> {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, hmac, false, ["sign"]);
  const mac = await crypto.subtle.sign(hmac.name, imported, new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(mac)));
}

/** The bytes of a `whsec_` key, or null when it is not one. */
function keyBytes(text: string): Uint8Array<ArrayBuffer> | null {
  if (!text.startsWith(KEY_PREFIX)) return null;
  let decoded: string;
  try {
    decoded = atob(text.slice(KEY_PREFIX.length));
  } catch {
    // Not base64, which is the answer.
    return null;
  }
  const isLongEnough = decoded.length >= KEY_BYTES_MIN && decoded.length <= KEY_BYTES_MAX;
  return isLongEnough ? Uint8Array.from(decoded, (character) => character.charCodeAt(0)) : null;
}
