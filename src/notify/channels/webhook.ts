/** Sends a message as JSON to any HTTPS receiver, signed as Standard Webhooks says (https://www.standardwebhooks.com). */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { formatDuration } from "../../shared/duration.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { defineChannel, type ChannelMessage } from "../channel.ts";

const KEY_PREFIX = "whsec_";
const KEY_BYTES_MIN = 24;
const KEY_BYTES_MAX = 64;
const RETRY_AFTER_MS_MAX = 60 * 60_000;
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

const secret = z.strictObject({
  url: z
    .url()
    .refine(isPrivateOnTheWay, "write an https address; plain http is for this machine only"),
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

  async send(message, { url, secret: key }, { fetch, atMs, deadlineMs }) {
    const body = JSON.stringify(payload(message, atMs));
    const timestamp = String(Math.floor(atMs / 1_000));
    const signature = await sign(key, `${message.deliveryId}.${timestamp}.${body}`);
    let response: Response;
    try {
      response = await fetch(url, {
        method: "POST",
        // A redirect would carry the message to an address that nobody configured.
        redirect: "manual",
        signal: AbortSignal.timeout(deadlineMs),
        headers: {
          "content-type": "application/json",
          "user-agent": "firebreak",
          "webhook-id": message.deliveryId,
          "webhook-timestamp": timestamp,
          "webhook-signature": `v1,${signature}`,
        },
        body,
      });
    } catch (error) {
      return err(unanswered(error, deadlineMs));
    }
    // The answer's body is not ours to read; leaving it open would hold the connection.
    await response.body?.cancel();
    return classify(response, atMs);
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
  },
});

async function sign(key: Uint8Array<ArrayBuffer>, text: string): Promise<string> {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, hmac, false, ["sign"]);
  const mac = await crypto.subtle.sign(hmac.name, imported, new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(mac)));
}

function classify(response: Response, atMs: number): Result<{ status: number }, Failure> {
  const { status } = response;
  if (status >= 200 && status < 300) return ok({ status });
  if (status >= 500 || RETRYABLE_STATUSES.has(status)) {
    const wait = retryAfter(response.headers.get("retry-after"), atMs);
    return err({ class: "retry", detail: `the receiver answered ${status}${wait}` });
  }
  return err({ class: "refuse", detail: `the receiver answered ${status}${meaning(status)}` });
}

function meaning(status: number): string {
  if (status === 410) return ": it unsubscribed";
  if (status >= 300 && status < 400) return ": put the address it redirects to into the secret";
  return "";
}

/** Seconds or a date, as RFC 9110 allows; anything else is as if it were not there. */
function retryAfter(header: string | null, atMs: number): string {
  if (header === null) return "";
  const waitMs = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - atMs;
  if (!(waitMs > 0)) return "";
  return `, and asks to wait ${formatDuration(Math.min(waitMs, RETRY_AFTER_MS_MAX))}`;
}

/** A message that may have arrived is sent again all the same: receivers drop a `webhook-id` they have seen. */
function unanswered(error: unknown, deadlineMs: number): Failure {
  const isTimeout = error instanceof DOMException && error.name === "TimeoutError";
  // The runtime's own words could hold the address, and addresses of webhooks hold keys.
  const detail = isTimeout
    ? `the receiver did not answer within ${formatDuration(deadlineMs)}`
    : "the receiver could not be reached";
  return { class: "retry", detail };
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

function isPrivateOnTheWay(text: string): boolean {
  const url = URL.parse(text);
  if (url === null) return false;
  return (
    url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK_HOSTS.has(url.hostname))
  );
}
