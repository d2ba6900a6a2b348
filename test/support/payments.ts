/** A shop's Redis and both payment providers for tests: a real server, and the strict stand-ins over HTTP with the storefront's own adapters. */
import { Redis } from "@upstash/redis";
import { z } from "zod";
import { startRedis, type Redis as RedisServer } from "../../dev/redis.ts";
import { startUpstashBridge } from "../../dev/upstash-bridge.ts";
import { startVendors } from "../../dev/vendors.ts";
import { squareApi } from "../../dev/vendors/square-api.ts";
import { stripeApi } from "../../dev/vendors/stripe-api.ts";
import type { Fault } from "../../dev/vendors/vendor.ts";
import { startWarden } from "../../dev/warden.ts";
import type { Env } from "../../examples/storefront/src/env.ts";
import type { Payment } from "../../src/payments/payment.ts";

const KEYS = { stripe: "rk_test_1", square: "sq_1" };
const VENDORS = ["stripe-api", "square-api"] as const;
type VendorName = (typeof VENDORS)[number];

export type PaymentGround = AsyncDisposable & {
  readonly server: RedisServer;
  /** Of its REST bridge, with the token `t`. */
  readonly url: string;
  readonly store: Redis;
  /** What the storefront's adapters need of their environment. */
  readonly env: Env;
  /** As if nothing had ever happened. */
  readonly reset: () => Promise<void>;
  readonly fail: (name: VendorName, fault: Partial<Fault>) => Promise<void>;
  readonly mend: (name: VendorName) => Promise<void>;
  /** Which orders each provider has charged, a line for each charge. */
  readonly charges: () => Promise<readonly string[]>;
  /** Under which idempotency keys a provider was asked to charge, answered or not. */
  readonly keysSentTo: (name: VendorName) => Promise<readonly string[]>;
};

const desk = z.object({ state: z.object({ charges: z.array(z.object({ order: z.string() })) }) });

const sent = z.object({
  calls: z.array(
    z.object({
      method: z.string(),
      headers: z.record(z.string(), z.string()),
      body: z.string(),
    }),
  ),
});
const keyed = z.object({ idempotency_key: z.string() });

export async function paymentGround(): Promise<PaymentGround> {
  await using starting = new AsyncDisposableStack();
  const { directory } = starting.use(startWarden());
  const server = starting.use(await startRedis({ directory, warn: () => {} }));
  const bridge = starting.use(await startUpstashBridge({ redis: server, token: "t" }));
  const vendors = [stripeApi({ key: KEYS.stripe }), squareApi({ token: KEYS.square })];
  const { url } = starting.use(await startVendors({ vendors }));
  const tell = async (path: string, method: string, body?: unknown): Promise<void> => {
    const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(`${url}/__vendor/${path}`, init);
    if (!response.ok) throw new Error(await response.text());
  };
  const taken = starting.move();
  return {
    server,
    url: bridge.url,
    store: new Redis({ url: bridge.url, token: "t", retry: false }),
    env: {
      STRIPE_API_URL: `${url}/stripe-api`,
      STRIPE_API_KEY: KEYS.stripe,
      SQUARE_API_URL: `${url}/square-api`,
      SQUARE_ACCESS_TOKEN: KEYS.square,
    } as Env,
    async reset() {
      await server.command(["FLUSHALL"]);
      for (const name of VENDORS) await tell(name, "DELETE");
    },
    fail: (name, fault) => tell(name, "POST", { times: 1_000_000, ...fault }),
    mend: (name) => tell(`${name}/fault`, "DELETE"),
    async charges() {
      const of = async (name: VendorName) => {
        const read = desk.parse(await (await fetch(`${url}/__vendor/${name}`)).json());
        return read.state.charges.map(({ order }) => `${order} by ${name}`);
      };
      return (await Promise.all(VENDORS.map(of))).flat();
    },
    async keysSentTo(name) {
      const { calls } = sent.parse(await (await fetch(`${url}/__vendor/${name}`)).json());
      return calls
        .filter(({ method }) => method === "POST")
        .map(
          // Stripe has it in a header, Square in the body.
          ({ headers, body }) =>
            headers["idempotency-key"] ?? keyed.parse(JSON.parse(body)).idempotency_key,
        );
    },
    [Symbol.asyncDispose]: () => taken.disposeAsync(),
  };
}

export const aPayment = (key = "order-1"): Payment => ({
  key,
  amount: 4_900,
  currency: "usd",
  details: { made_at: Math.floor(Date.now() / 1_000) },
});
