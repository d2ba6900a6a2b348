/** Payments as production makes them, on a real Redis and with both providers. */
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest";
import type { Fault } from "../../../dev/vendors/vendor.ts";
import { backup, stripe } from "../../../examples/storefront/src/providers.ts";
import type { Settlement } from "../../../src/payments/payment.ts";
import { Payments, PaymentsMemory, type Receipt } from "../../../src/payments/payments.ts";
import type { PaymentProvider } from "../../../src/payments/provider.ts";
import type { Asked } from "../../../src/sdk/policy-view.ts";
import { aPayment, paymentGround, type PaymentGround } from "../../support/payments.ts";

let ground: PaymentGround;
beforeAll(async () => {
  ground = await paymentGround();
});
afterAll(() => ground[Symbol.asyncDispose]());
beforeEach(() => ground.reset());

describe("payments as production makes them", () => {
  const NOTHING = {
    "payment-provider": null,
    "payment-bypass": null,
  } as unknown as Asked;
  function shop(
    asked: Partial<Asked> = {},
    providers?: readonly PaymentProvider[],
    onSettled?: () => Promise<void>,
  ) {
    const reports: string[] = [];
    const left: Promise<unknown>[] = [];
    const books = new Map<string, Settlement>();
    const [first = stripe(ground.env), ...others] = providers ?? [
      stripe(ground.env),
      backup(ground.env),
    ];
    const payments = new Payments({
      options: {
        providers: [first, ...others],
        store: ground.store,
        queue: "shop",
        deadlineMs: 300,
        believedAfterMs: 0,
        drainPerSecond: 1_000,
        onSettled: onSettled ?? (async ({ key }, settlement) => void books.set(key, settlement)),
      },
      memory: new PaymentsMemory(),
      asked: () => ({ ...NOTHING, ...asked }),
      sessionKey: "ada",
      waitUntil: (promise) => void left.push(promise),
      report: (kind) => void reports.push(kind),
      random: () => 0,
      newToken: () => crypto.randomUUID(),
    });
    const work = async () => {
      payments.work();
      while (left.length > 0) await left.shift();
    };
    return { payments, reports, books, work };
  }

  const outages: readonly Partial<Fault>[] = [
    { kind: "5xx" },
    { kind: "garbage" },
    { kind: "timeout" },
    { kind: "swallowed" },
    { kind: "duplicate" },
  ];
  for (const fault of outages) {
    it(`${fault.kind} leaves a payment pending, and it is charged once`, async ({ expect }) => {
      const { payments, reports, books, work } = shop();
      await ground.fail("stripe-api", fault);
      expect(await payments.charge(aPayment())).toEqual<Receipt>({ status: "pending" });
      expect(reports).toEqual(["payment.failed"]);
      await ground.mend("stripe-api");
      await work();
      expect(await ground.charges()).toEqual(["order-1 by stripe-api"]);
      expect(books.get("order-1")).toMatchObject({ status: "charged", provider: "stripe" });
      expect(await payments.charge(aPayment())).toMatchObject({ status: "charged" });
      expect(await ground.charges()).toHaveLength(1);
    });
  }

  it("a declined card is no outage, and is not tried again", async ({ expect }) => {
    const declining: PaymentProvider = {
      ...stripe(ground.env),
      charge: async () => ({ status: "declined", code: "card_declined" }),
    };
    const { payments, reports, work } = shop({}, [declining]);
    expect(await payments.charge(aPayment())).toMatchObject({ status: "declined" });
    expect(reports).toEqual(["payment.declined"]);
    await work();
    expect(await ground.charges()).toEqual([]);
  });

  it("charges elsewhere while that is asked, and tries the first again", async ({ expect }) => {
    const switched = { "payment-provider": { to: "backup", probeEveryMs: 60_000 } };
    const { payments, reports, work } = shop(switched);
    await payments.charge(aPayment("order-1"));
    await work();
    await payments.charge(aPayment("order-2"));
    await payments.charge(aPayment("order-3"));
    expect(await ground.charges()).toEqual([
      "order-2 by stripe-api",
      "order-1 by square-api",
      "order-3 by square-api",
    ]);
    expect(reports).toContain("payment.trial_passed");
    expect(reports.filter((kind) => kind === "payment.elsewhere")).toHaveLength(2);
  });

  it.for([
    // Surely nobody was charged, so it is the same attempt at another door.
    ["took nothing", "429", "order-1"],
    // The first said afterwards that it knows nothing of it; of that attempt no answer may come back.
    ["lost its answer", "5xx", "order-1~1"],
  ] as const)(
    "the idempotency key is the order's at both providers, when the first %s",
    async ([, kind, key], { expect }) => {
      await ground.fail("stripe-api", { kind, method: "POST" });
      expect(await shop().payments.charge(aPayment())).toEqual({ status: "pending" });
      const { work } = shop({ "payment-provider": { to: "backup", probeEveryMs: 60_000 } });
      await work();
      expect(await ground.charges()).toEqual(["order-1 by square-api"]);
      expect(await ground.keysSentTo("stripe-api")).toEqual(["order-1"]);
      expect(await ground.keysSentTo("square-api")).toEqual([key]);
    },
  );

  it("a first provider that does not answer gets no trial", async ({ expect }) => {
    const switched = { "payment-provider": { to: "backup", probeEveryMs: 60_000 } };
    const { payments, reports, work } = shop(switched);
    await ground.fail("stripe-api", { kind: "garbage" });
    await work();
    await payments.charge(aPayment());
    expect(reports).toContain("payment.trial_failed");
    expect(await ground.charges()).toEqual(["order-1 by square-api"]);
  });

  it("switches to nobody where production has no such provider", async ({ expect }) => {
    const { payments } = shop({ "payment-provider": { to: "paypal", probeEveryMs: 60_000 } });
    await payments.charge(aPayment());
    expect(await ground.charges()).toEqual(["order-1 by stripe-api"]);
  });

  it("takes orders unpaid while that is asked, within bounds, and charges them", async ({
    expect,
  }) => {
    const bypass = { "payment-bypass": { currency: "usd", amountMax: 5_000, countMax: 10 } };
    const { payments, reports, work } = shop(bypass);
    expect(await payments.charge(aPayment("order-1"))).toEqual({ status: "deferred" });
    expect(await ground.charges()).toEqual([]);
    expect(await payments.charge(aPayment("order-2"))).toMatchObject({ status: "charged" });
    const euros = { ...aPayment("order-3"), currency: "eur" };
    expect(await payments.charge(euros)).toMatchObject({ status: "charged" });
    await work();
    expect(await ground.charges()).toHaveLength(3);
    expect(reports).toEqual(
      expect.arrayContaining(["payment.deferred", "payment.charged", "payment.trial_passed"]),
    );
  });

  it("charges without Redis, once, and says so when it cannot know", async ({ expect }) => {
    await ground.server.stop();
    try {
      const { payments, books } = shop();
      expect(await payments.charge(aPayment())).toMatchObject({ status: "charged" });
      expect(books.size).toBe(1);
      await payments.charge(aPayment());
      expect(await ground.charges()).toHaveLength(1);
      await ground.fail("stripe-api", { kind: "5xx" });
      expect(await payments.charge(aPayment("order-2"))).toEqual({ status: "unknown" });
    } finally {
      await ground.server.start();
    }
  });

  it("without Redis, an order that another provider charged, or a later round, is not charged again", async ({
    expect,
  }) => {
    const elsewhere = shop({ "payment-provider": { to: "backup", probeEveryMs: 60_000 } });
    await ground.fail("stripe-api", { kind: "5xx" });
    const here = shop();
    expect(await here.payments.charge(aPayment("order-1"))).toEqual({ status: "pending" });
    await ground.mend("stripe-api");
    await here.work();
    expect(await elsewhere.payments.charge(aPayment("order-2"))).toMatchObject({
      status: "charged",
      provider: "backup",
    });
    await ground.server.stop();
    try {
      const { payments, books, reports } = shop();
      expect(await payments.charge(aPayment("order-1"))).toMatchObject({ provider: "stripe" });
      expect(await payments.charge(aPayment("order-2"))).toMatchObject({ provider: "backup" });
      expect(books.size).toBe(2);
      expect(reports).toEqual([]);
      expect(await ground.charges()).toHaveLength(2);
      await ground.fail("square-api", { kind: "timeout" });
      expect(await payments.charge(aPayment("order-3"))).toEqual({ status: "unknown" });
      expect(await ground.charges()).toHaveLength(2);
    } finally {
      await ground.server.start();
    }
  });

  it("books that fail are no exception at the checkout, with Redis or without", async ({
    expect,
  }) => {
    const failing = shop({}, undefined, () => {
      throw new Error("the database is down");
    });
    expect(await failing.payments.charge(aPayment("order-1"))).toEqual({ status: "pending" });
    await ground.server.stop();
    try {
      expect(await failing.payments.charge(aPayment("order-2"))).toEqual({ status: "unknown" });
    } finally {
      await ground.server.start();
    }
    expect(await ground.charges()).toHaveLength(2);
  });

  it("a provider that refuses our requests has failed, and passes no trial", async ({ expect }) => {
    const refusing: PaymentProvider = {
      ...stripe(ground.env),
      charge: async () => ({ status: "refused", code: "parameter_invalid" }),
    };
    const plain = shop({}, [refusing]);
    expect(await plain.payments.charge(aPayment("order-1"))).toMatchObject({ status: "refused" });
    expect(plain.reports).toEqual(["payment.failed"]);
    const switched = { "payment-provider": { to: "backup", probeEveryMs: 60_000 } };
    const { payments, reports, work } = shop(switched, [refusing, backup(ground.env)]);
    await work();
    await payments.charge(aPayment("order-2"));
    expect(reports).toContain("payment.trial_failed");
    expect(reports).not.toContain("payment.trial_passed");
  });

  it("a key that the provider does not know any more charges nobody, and is tried again", async ({
    expect,
  }) => {
    const revoked = { ...ground.env, STRIPE_API_KEY: "rk_test_revoked" };
    const { payments, reports } = shop({}, [stripe(revoked)]);
    expect(await payments.charge(aPayment())).toEqual({ status: "pending" });
    expect(reports).toEqual(["payment.failed"]);
  });

  it("names the field of a payment that is none", async ({ expect }) => {
    const { payments } = shop();
    await expect(payments.charge({ ...aPayment(), key: "a b" })).rejects.toThrow(
      /payment\.key is not 1 to 120 letters/,
    );
    await expect(payments.charge({ ...aPayment(), amount: 0.5 })).rejects.toThrow(/amount/);
  });
});
