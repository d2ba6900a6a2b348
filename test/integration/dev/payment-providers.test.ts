/** The stand-ins of the payment providers: as strict as the providers, and failing on demand. */
import { beforeAll, beforeEach, describe, it } from "vitest";
import { startVendors } from "../../../dev/vendors.ts";
import { squareApi } from "../../../dev/vendors/square-api.ts";
import { stripeApi } from "../../../dev/vendors/stripe-api.ts";
import type { LoopbackServer } from "../../../dev/loopback.ts";

const TOLD: string[] = [];
let server: LoopbackServer;
beforeAll(async () => {
  const stripe = stripeApi({ key: "rk_1", onCharged: ({ order }) => TOLD.push(order) });
  server = await startVendors({ vendors: [stripe, squareApi({ token: "sq_1" })] });
  return () => server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  TOLD.length = 0;
  for (const name of ["stripe-api", "square-api"]) {
    await fetch(`${server.url}/__vendor/${name}`, { method: "DELETE" });
  }
});

const STRIPE = {
  authorization: "Bearer rk_1",
  "stripe-version": "2026-09-30",
  "idempotency-key": "order-1",
};
const INTENT = {
  amount: "4900",
  currency: "usd",
  confirm: "true",
  payment_method: "pm_card_visa",
  "payment_method_types[]": "card",
  "metadata[order]": "order-1",
};
const intent = (fields: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/stripe-api/v1/payment_intents`, {
    method: "POST",
    headers: { ...STRIPE, ...headers },
    body: new URLSearchParams({ ...INTENT, ...fields }),
  });

const SQUARE = {
  authorization: "Bearer sq_1",
  "square-version": "2026-09-17",
  "content-type": "application/json",
};
const PAYMENT = {
  source_id: "cnon:card-nonce-ok",
  idempotency_key: "order-1",
  amount_money: { amount: 4_900, currency: "USD" },
  reference_id: "order-1",
  autocomplete: true,
};
const payment = (fields: object = {}, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/square-api/v2/payments`, {
    method: "POST",
    headers: { ...SQUARE, ...headers },
    body: JSON.stringify({ ...PAYMENT, ...fields }),
  });

async function chargesOf(name: string): Promise<number> {
  const response = await fetch(`${server.url}/__vendor/${name}`);
  const { state } = (await response.json()) as { state: { charges: unknown[] } };
  return state.charges.length;
}

describe("Stripe's stand-in", () => {
  const refused: readonly (readonly [string, () => Promise<Response>, number])[] = [
    ["another key", () => intent({}, { authorization: "Bearer rk_2" }), 401],
    ["no version", () => intent({}, { "stripe-version": "" }), 400],
    ["no idempotency key", () => intent({}, { "idempotency-key": "" }), 400],
    ["an amount that is no number", () => intent({ amount: "49.00" }), 400],
    ["a field that it does not know", () => intent({ colour: "red" }), 400],
    ["JSON", () => intent({}, { "content-type": "application/json" }), 400],
    ["another path", () => fetch(`${server.url}/stripe-api/v1/charges`, { headers: STRIPE }), 404],
  ];
  for (const [what, ask, status] of refused) {
    it(`refuses ${what}`, async ({ expect }) => {
      expect((await ask()).status).toBe(status);
      expect(await chargesOf("stripe-api")).toBe(0);
    });
  }

  it("answers a key as it did the first time, and no other request with it", async ({ expect }) => {
    const first = await (await intent()).text();
    const again = await intent();
    expect(await again.text()).toBe(first);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect((await intent({ amount: "5000" })).status).toBe(400);
    expect(await chargesOf("stripe-api")).toBe(1);
    expect(TOLD).toEqual(["order-1"]);
  });

  it("declines the card that is always declined, and charges nobody", async ({ expect }) => {
    const answer = await intent({ payment_method: "pm_card_chargeDeclined" });
    expect(answer.status).toBe(402);
    expect(await answer.json()).toMatchObject({ error: { type: "card_error" } });
    expect(await chargesOf("stripe-api")).toBe(0);
    expect(TOLD).toEqual([]);
  });

  it("lists what it knows in pages, newest first", async ({ expect }) => {
    for (const n of [1, 2, 3]) {
      await intent({ "metadata[order]": `order-${n}` }, { "idempotency-key": `order-${n}` });
    }
    const list = async (query: string) => {
      const path = `${server.url}/stripe-api/v1/payment_intents?created[gte]=1700000000${query}`;
      const response = await fetch(path, { headers: STRIPE });
      return (await response.json()) as {
        data: { id: string; metadata: { order: string } }[];
        has_more: boolean;
      };
    };
    const page = await list("&limit=2");
    expect(page.data.map(({ metadata }) => metadata.order)).toEqual(["order-3", "order-2"]);
    expect(page.has_more).toBe(true);
    const rest = await list(`&limit=2&starting_after=${page.data[1]?.id}`);
    expect(rest.data.map(({ metadata }) => metadata.order)).toEqual(["order-1"]);
    expect(rest.has_more).toBe(false);
  });

  it("charges and loses the answer, half of the time", async ({ expect }) => {
    await fetch(`${server.url}/__vendor/stripe-api`, {
      method: "POST",
      body: JSON.stringify({ kind: "duplicate", times: 100, every: 2 }),
    });
    const statuses: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      const order = `order-${n}`;
      const answer = await intent({ "metadata[order]": order }, { "idempotency-key": order });
      statuses.push(answer.status);
    }
    expect(statuses).toEqual([200, 502, 200, 502]);
    expect(await chargesOf("stripe-api")).toBe(4);
    await fetch(`${server.url}/__vendor/stripe-api/fault`, { method: "DELETE" });
    expect(await chargesOf("stripe-api")).toBe(4);
    expect((await intent()).status).toBe(200);
  });

  it("charges and never answers", async ({ expect }) => {
    await fetch(`${server.url}/__vendor/stripe-api`, {
      method: "POST",
      body: JSON.stringify({ kind: "swallowed" }),
    });
    const asked = fetch(`${server.url}/stripe-api/v1/payment_intents`, {
      method: "POST",
      headers: STRIPE,
      body: new URLSearchParams(INTENT),
      signal: AbortSignal.timeout(200),
    });
    await expect(asked).rejects.toThrow(/timeout|aborted/i);
    expect(await chargesOf("stripe-api")).toBe(1);
  });
});

describe("Square's stand-in", () => {
  const refused: readonly (readonly [string, () => Promise<Response>, number])[] = [
    ["another token", () => payment({}, { authorization: "Bearer sq_2" }), 401],
    ["no version", () => payment({}, { "square-version": "" }), 400],
    ["a key that is too long", () => payment({ idempotency_key: "k".repeat(46) }), 400],
    [
      "a currency in small letters",
      () => payment({ amount_money: { amount: 1, currency: "usd" } }),
      400,
    ],
    ["a field that it does not know", () => payment({ colour: "red" }), 400],
  ];
  for (const [what, ask, status] of refused) {
    it(`refuses ${what}`, async ({ expect }) => {
      expect((await ask()).status).toBe(status);
      expect(await chargesOf("square-api")).toBe(0);
    });
  }

  it("answers a key as it did the first time, and no other request with it", async ({ expect }) => {
    const first = await (await payment()).text();
    expect(await (await payment()).text()).toBe(first);
    const reused = await payment({ amount_money: { amount: 1, currency: "USD" } });
    expect(reused.status).toBe(400);
    expect(await reused.json()).toMatchObject({ errors: [{ code: "IDEMPOTENCY_KEY_REUSED" }] });
    expect(await chargesOf("square-api")).toBe(1);
  });

  it("declines the card that is always declined, and charges nobody", async ({ expect }) => {
    const answer = await payment({ source_id: "cnon:card-nonce-declined" });
    expect(await answer.json()).toMatchObject({ errors: [{ category: "PAYMENT_METHOD_ERROR" }] });
    expect(await chargesOf("square-api")).toBe(0);
  });
});
