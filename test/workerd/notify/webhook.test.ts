import { it } from "vitest";
import { webhook } from "../../../src/notify/channels/webhook.ts";
import type { ChannelMessage, ChannelReach } from "../../../src/notify/channel.ts";

const KEY_BYTES = new Uint8Array(32).fill(7);
const secret = {
  url: "https://hooks.example/t0ken",
  secret: `whsec_${btoa(String.fromCharCode(...KEY_BYTES))}`,
};
const message: ChannelMessage = {
  deliveryId: "dlv_1",
  incidentId: "inc_1",
  instance: "shop.test",
  message: "opened",
  subject: "SEV-1 opened",
  body: "Impact: äöü 🔥",
  title: "Complete service outage",
  news: "Opened.",
  severity: "SEV-1",
  state: "open",
  link: null,
  people: [],
  buttons: [],
  ref: null,
  triedAtMs: null,
};
const reach = (fetch: ChannelReach["fetch"], deadlineMs = 5_000): ChannelReach => ({
  fetch,
  atMs: Date.UTC(2026, 10, 23, 14, 2, 11),
  deadlineMs,
});

it("signs the bytes that workerd sends", async ({ expect }) => {
  let sent: Request | null = null;
  const result = await webhook.deliver(
    message,
    secret,
    reach(async (url, init) => {
      sent = new Request(url, init);
      return new Response(null, { status: 204 });
    }),
  );
  expect(result).toEqual({ ok: true, value: { status: 204 } });
  if (sent === null) return expect.unreachable();
  const request: Request = sent;
  const { headers } = request;
  const [version, signature = ""] = (headers.get("webhook-signature") ?? "").split(",");
  const signed = `${headers.get("webhook-id")}.${headers.get("webhook-timestamp")}.${await request.text()}`;
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", KEY_BYTES, hmac, false, ["verify"]);
  const mac = Uint8Array.from(atob(signature), (character) => character.charCodeAt(0));
  expect(version).toBe("v1");
  expect(await crypto.subtle.verify("HMAC", key, mac, new TextEncoder().encode(signed))).toBe(true);
});

it("knows workerd's timeout from a receiver that cannot be reached", async ({ expect }) => {
  const hangs: ChannelReach["fetch"] = (_url, init) =>
    new Promise((_resolve, reject) => {
      init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
    });
  const hung = await webhook.deliver(message, secret, reach(hangs, 20));
  expect(hung).toEqual({
    ok: false,
    error: { class: "retry", detail: "the receiver did not answer within 20ms" },
  });
  const broken: ChannelReach["fetch"] = async () => {
    throw new TypeError("Network connection lost: https://hooks.example/t0ken");
  };
  expect(await webhook.deliver(message, secret, reach(broken))).toEqual({
    ok: false,
    error: { class: "retry", detail: "the receiver could not be reached" },
  });
});
