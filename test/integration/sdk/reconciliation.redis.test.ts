/** Reconciliation as production's job: on a real Redis, against both providers, by one at a time, and whoever dies in it. */
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest";
import { backup, stripe } from "../../../examples/storefront/src/providers.ts";
import { newJob } from "../../../src/payments/payment.ts";
import { askToCharge, type PaymentProvider } from "../../../src/payments/provider.ts";
import type { BookedOrder } from "../../../src/payments/reconcile.ts";
import {
  LOOK_LEASE_MS,
  LOOKED_AT_MAX,
  lookOnce,
  reconciliationText,
  type Books,
} from "../../../src/payments/reconciliation.ts";
import { RetryQueue, type PaymentStore } from "../../../src/payments/retry-queue.ts";
import { aPayment, paymentGround, type PaymentGround } from "../../support/payments.ts";

let ground: PaymentGround;
beforeAll(async () => {
  ground = await paymentGround();
});
afterAll(() => ground[Symbol.asyncDispose]());
beforeEach(() => ground.reset());

const AT_ONCE = { leaseMs: LOOK_LEASE_MS, everyMs: 0, againAfterMs: 0 };
const both = (): readonly PaymentProvider[] => [stripe(ground.env), backup(ground.env)];
const queueOn = (store: PaymentStore = ground.store) => new RetryQueue(store, "shop");

async function charged(provider: PaymentProvider, key: string): Promise<string> {
  const said = await askToCharge(provider, newJob(aPayment(key)), 1_000);
  if (said.status !== "charged") throw new Error(said.status);
  return said.reference;
}

/** Books as production has them, in the order of their orders. */
function booksOf(orders: readonly BookedOrder[]): Books {
  return async ({ after, max }) => {
    const from = orders.findIndex(({ payment }) => payment.key === after) + 1;
    return orders.slice(from, from + max);
  };
}
const order = (key: string, ...references: readonly string[]): BookedOrder => ({
  payment: aPayment(key),
  references,
});

/** A payment had to wait, and is over. */
async function trouble(key = "trouble"): Promise<void> {
  const queue = queueOn();
  const begun = await queue.begin(aPayment(key), "stripe", "t");
  if (begun?.state !== "begun") throw new Error("not begun");
  await queue.again(begun.claim, begun.claim.job, 0);
  const taken = await queue.claim("t", 0);
  if (taken?.state !== "claimed") throw new Error("not claimed");
  await queue.settle(taken.claim, { status: "declined", provider: "stripe", code: "x" });
  // The next pass begins after it, in Redis's milliseconds.
  await new Promise((resolve) => setTimeout(resolve, 5));
}

const look = (orders: readonly BookedOrder[], queue = queueOn(), token = "me") =>
  lookOnce(
    { queue, books: booksOf(orders), providers: both(), deadlineMs: 1_000, times: AT_ONCE },
    token,
  );
const report = async () => (await queueOn().reconciled())?.report ?? null;

describe("reconciliation as a job", () => {
  it("looks at nothing while no payment had to wait", async ({ expect }) => {
    await look([order("unbooked")]);
    expect(await queueOn().reconciled()).toEqual({ troubleAtMs: null, report: null });
  });

  it("names what is unmatched, double and missing at both, and looks again until it agrees", async ({
    expect,
  }) => {
    const [first, second] = [stripe(ground.env), backup(ground.env)];
    const well = order("well", await charged(first, "well"));
    const reference = await charged(second, "unbooked");
    const twice = [await charged(first, "twice"), await charged(second, "twice")];
    await trouble();
    await look([well, order("unbooked"), order("twice", ...twice), order("gone", "pi_of_nobody")]);
    expect(await report()).toMatchObject({
      isComplete: true,
      agreeCount: 1,
      problems: [
        { key: "unbooked", verdict: "unmatched" },
        { key: "twice", verdict: "double" },
        { key: "gone", verdict: "missing" },
      ],
    });
    const found = await report();
    expect(found === null ? "" : reconciliationText(found)).toBe(
      "4 orders: 1 unmatched, 1 double, 1 missing (unbooked unmatched, twice double, gone missing)",
    );
    const mended = [well, order("unbooked", reference)];
    await look(mended);
    expect(await report()).toMatchObject({ agreeCount: 2, problems: [] });
    // All agree since the last trouble: there is nothing more to look for.
    await look(mended);
    await look([order("well")]);
    expect(await report()).toMatchObject({ agreeCount: 2, problems: [] });
    await trouble("more-trouble");
    await look([order("well")]);
    expect(await report()).toMatchObject({ unmatchedCount: 1 });
  });

  it("goes through many orders a few at a time, and tells of them when it is through", async ({
    expect,
  }) => {
    const orders = Array.from({ length: LOOKED_AT_MAX + 3 }, (_, n) => order(`order-${n}`));
    await trouble();
    await look(orders);
    expect(await report()).toBeNull();
    await look(orders);
    expect(await report()).toMatchObject({ agreeCount: orders.length, isComplete: true });
  });

  it("gives the turn back where the books cannot be read", async ({ expect }) => {
    await trouble();
    const books: Books = async () => {
      throw new Error("no database");
    };
    const queue = queueOn();
    await lookOnce({ queue, books, providers: both(), deadlineMs: 100, times: AT_ONCE }, "me");
    expect(await report()).toBeNull();
    await look([order("unpaid")], queueOn(), "other");
    expect(await report()).toMatchObject({ agreeCount: 1, isComplete: true });
  });

  it("is one isolate's at a time", async ({ expect }) => {
    await trouble();
    expect(await queueOn().takeLook("one", AT_ONCE)).not.toBeNull();
    expect(await queueOn().takeLook("other", AT_ONCE)).toBeNull();
    await look([]);
    expect(await report()).toBeNull();
  });

  it("takes what is under way or not said for no difference, and not for agreement", async ({
    expect,
  }) => {
    const begun = await queueOn().begin(aPayment("on-its-way"), "stripe", "t");
    if (begun?.state !== "begun") throw new Error("not begun");
    await charged(stripe(ground.env), "on-its-way");
    await trouble();
    await ground.fail("square-api", { kind: "5xx" });
    await look([order("on-its-way"), order("silent")]);
    expect(await report()).toMatchObject({ underWayCount: 1, unknownCount: 1, problems: [] });
    await ground.mend("square-api");
    await queueOn().settle(begun.claim, { status: "charged", provider: "stripe", reference: "r" });
    await look([order("on-its-way"), order("silent")]);
    expect(await report()).toMatchObject({ unmatchedCount: 1, agreeCount: 1 });
  });

  it("comes to the same wherever whoever looks dies", async ({ expect }) => {
    const orders = [
      order("well", await charged(stripe(ground.env), "well")),
      order("unbooked"),
      order("gone", "pi_of_nobody"),
    ];
    await charged(backup(ground.env), "unbooked");
    const STEPS = 3;
    for (let dies = 1; dies <= STEPS + 1; dies += 1) {
      await ground.server.command(["FLUSHALL"]);
      await trouble();
      let step = 0;
      const eval_: PaymentStore["eval"] = async (...asked) => {
        if (step >= dies) throw new Error("dead");
        step += 1;
        const answer = await ground.store.eval(...asked);
        // The step is done, and nobody hears of it.
        if (step === dies) throw new Error("dead");
        return answer;
      };
      await look(orders, queueOn({ eval: eval_ }), "dead");
      expect(step).toBe(Math.min(dies, STEPS));
      // The lease of the dead runs out.
      await ground.server.command(["HDEL", "firebreak:payments:{shop}:reconcile", "holder"]);
      await look(orders);
      expect(await report()).toMatchObject({
        agreeCount: 1,
        unmatchedCount: 1,
        missingCount: 1,
        problems: [{ key: "unbooked" }, { key: "gone" }],
      });
    }
  });
});
