/** What the storefront does with its payment provider's events, and what Firebreak hears of those that it cannot take. */
import { createHmac } from "node:crypto";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, it } from "vitest";
import { z } from "zod";
import type { App } from "../../../examples/storefront/src/app.ts";
import type { Env } from "../../../examples/storefront/src/env.ts";
import { paymentWebhook } from "../../../examples/storefront/src/payment-webhook.ts";
import { openStores } from "../../../examples/storefront/src/stores.ts";
import type { ReportFlush } from "../../../src/traffic/traffic-api.ts";
import { aSession, startStorefront, type Storefront } from "../../support/storefront.ts";

const SECRET = "whsec_of_the_test";
const EVENT = {
  id: "evt_1",
  type: "payment_intent.succeeded",
  data: { object: { id: "pi_1" } },
};

let storefront: Storefront;
beforeAll(async () => {
  storefront = await startStorefront();
});
afterAll(() => storefront?.[Symbol.asyncDispose]());

function shop(postgresUrl = storefront.database.ownerUrl) {
  const flushes: ReportFlush[] = [];
  const left: Promise<unknown>[] = [];
  const env: Env = {
    POSTGRES_URL: postgresUrl,
    POSTGRES_REPLICA_URL: "",
    POSTGRES_FETCH_ENDPOINT: storefront.fetchEndpoint,
    REDIS_URL: "http://127.0.0.1:1",
    REDIS_TOKEN: "t",
    STRIPE_API_URL: "http://127.0.0.1:1",
    STRIPE_API_KEY: "rk_test_1",
    SQUARE_API_URL: "http://127.0.0.1:1",
    SQUARE_ACCESS_TOKEN: "sq_1",
    STRIPE_WEBHOOK_SECRET: SECRET,
    FIREBREAK_INSTANCE: "shop.test",
    FIREBREAK_TRAFFIC: {
      getByName: () => ({ report: async (flush) => void flushes.push(flush) }),
    },
  };
  const waitUntil = (promise: Promise<unknown>): void => void left.push(promise);
  const app = new Hono<App>()
    .use(async (c, next) => {
      c.set("stores", openStores(env, { session: { key: "stripe", wroteAtMs: null }, waitUntil }));
      await next();
    })
    .route("/", paymentWebhook);
  app.onError((_, c) => c.json({ error: "the storefront failed" }, 500));
  return {
    /** As Stripe sends it, by default rightly signed. */
    deliver: async (body: string, secret = SECRET): Promise<number> => {
      const at = Math.floor(Date.now() / 1_000);
      const signature = createHmac("sha256", secret).update(`${at}.${body}`).digest("hex");
      const headers = { "stripe-signature": `t=${at},v1=${signature}` };
      return (await app.request("/", { method: "POST", body, headers }, env)).status;
    },
    /** What was reported of payments' events, once all of it is out. */
    reported: async (): Promise<Readonly<Record<string, number>>> => {
      while (left.length > 0) await left.shift();
      const counts: Record<string, number> = {};
      const all = flushes.flatMap(({ seconds }) => seconds.map((second) => second.counts));
      for (const [kind, by] of all.flatMap((one) => Object.entries(one))) {
        if (kind.startsWith("payment.")) counts[kind] = (counts[kind] ?? 0) + by;
      }
      return counts;
    },
  };
}

describe("an event of the payment provider", () => {
  it("that is believed and booked is an event, once in the books", async ({ expect }) => {
    const { deliver, reported } = shop();
    const owner = await aSession(storefront.database.ownerUrl);
    await owner.query("TRUNCATE payment_events");
    const body = JSON.stringify(EVENT);
    expect([await deliver(body), await deliver(body)]).toEqual([200, 200]);
    const { rows } = await owner.query("SELECT event_id FROM payment_events");
    expect(z.array(z.unknown()).parse(rows)).toEqual([{ event_id: "evt_1" }]);
    expect(await reported()).toEqual({ "payment.event": 2 });
  });

  it.for([
    ["is signed by somebody else", JSON.stringify(EVENT), "whsec_of_another", 401],
    ["says nothing of a payment", JSON.stringify({ id: "evt_2", type: "x" }), SECRET, 422],
    ["cannot be read", '{"id":', SECRET, 422],
  ] as const)("that %s is told to Firebreak", async ([, body, secret, status], { expect }) => {
    const { deliver, reported } = shop();
    expect(await deliver(body, secret)).toBe(status);
    expect(await reported()).toEqual({ "payment.event_failed": 1 });
  });

  it("that cannot be booked is told, and asked for again", async ({ expect }) => {
    const url = new URL(storefront.database.ownerUrl);
    url.pathname = "/nowhere";
    const { deliver, reported } = shop(url.href);
    expect(await deliver(JSON.stringify(EVENT))).toBe(500);
    expect(await reported()).toEqual({ "payment.event_failed": 1 });
  });
});
