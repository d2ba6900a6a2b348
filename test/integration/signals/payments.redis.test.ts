/** What Firebreak sees of the shop's payments: the queue on a real Redis, and its books in a real database. */
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest";
import { createRedis, type Redis } from "../../../src/platform/redis.ts";
import { collectEvidence } from "../../../src/signals/collectors/registry.ts";
import { LOOK_TIMES, newReconciliation } from "../../../src/payments/reconciliation.ts";
import { RetryQueue } from "../../../src/payments/retry-queue.ts";
import { bundle } from "../../../src/playbooks/deployed.ts";
import { ok } from "../../../src/shared/result.ts";
import { payments } from "../../../src/signals/sources/payments.ts";
import type { SourceReach } from "../../../src/signals/source.ts";
import { aPayment, paymentGround, type PaymentGround } from "../../support/payments.ts";
import { aCollection, aPoll } from "../../support/signals.ts";
import { aSession, startStorefront, type Storefront } from "../../support/storefront.ts";

let ground: PaymentGround;
let storefront: Storefront;
let redis: Redis;
beforeAll(async () => {
  [ground, storefront] = await Promise.all([paymentGround(), startStorefront()]);
  redis = createRedis({ url: ground.url, token: "t" });
}, 60_000);
afterAll(async () => {
  await ground[Symbol.asyncDispose]();
  await storefront[Symbol.asyncDispose]();
});
beforeEach(() => ground.reset());

/** As site.yaml has it, the document's query included. */
const SPEC = bundle.site.payments ?? null;
const poll = (reach: Partial<SourceReach> = {}) =>
  payments.poll(aPoll({ redis, postgres: storefront.watcher, payments: SPEC, ...reach }));

const collectionOf = (queue: string) => aCollection({ redis, payments: { queue } });

describe("the payments source", () => {
  it("counts what waits, since when, what owes and what was given up", async ({ expect }) => {
    expect(await poll()).toMatchObject({
      "payments.queued_count": { value: 0 },
      "payments.queue_age_seconds": { value: 0 },
      "payments.given_up_count": { value: 0 },
      "payments.owing_count": { value: 0 },
    });
    const queue = new RetryQueue(ground.store, SPEC?.queue ?? "");
    await queue.defer(aPayment("order-1"), "stripe", { amountMax: 10_000, countMax: 5 });
    await queue.defer(aPayment("order-2"), "stripe", { amountMax: 10_000, countMax: 5 });
    const taken = await queue.claim("t", 0);
    if (taken?.state !== "claimed") throw new Error("not due");
    await queue.bury(taken.claim, taken.claim.job);
    const answers = await poll();
    expect(answers).toMatchObject({
      "payments.queued_count": { value: 1 },
      "payments.given_up_count": { value: 1 },
      "payments.owing_count": { value: 2 },
    });
    const age = answers["payments.queue_age_seconds"];
    expect("value" in age && Number(age.value)).toBeGreaterThan(0);
  });

  it("counts what books and providers tell differently, and knows nothing before somebody looked", async ({
    expect,
  }) => {
    const signal = "payments.unreconciled_count";
    const name = SPEC?.queue ?? "";
    const collect = () => collectEvidence("payments-reconciled", collectionOf(name));
    expect((await poll())[signal]).toEqual({ value: 0 });
    const queue = new RetryQueue(ground.store, name);
    await queue.defer(aPayment("order-1"), "stripe", { amountMax: 10_000, countMax: 5 });
    expect((await poll())[signal]).toMatchObject({ unknown: "no_data" });
    expect(await collect()).toMatchObject({
      value: { summary: "The books were not held against the providers yet" },
    });
    const turn = await queue.takeLook("t", LOOK_TIMES);
    const before = turn?.before ?? newReconciliation(0);
    const problems = [{ key: "order-1", verdict: "double" }] as const;
    const found = { ...before, after: "order-1", isComplete: true, doubleCount: 1 };
    await queue.endLook("t", { ...found, problems: [...problems] });
    expect((await poll())[signal]).toEqual({ value: 1 });
    expect(await collect()).toMatchObject({
      value: { summary: "Books against providers: 1 orders: 1 double (order-1 double)" },
    });
  });

  it("adds up by currency what waits or was given up, and says nothing of whose it is", async ({
    expect,
  }) => {
    const collect = (given: { readonly redis?: Redis | null; readonly queue?: string } = {}) =>
      collectEvidence("payments-unpaid", {
        ...collectionOf(given.queue ?? "shop"),
        ...(given.redis === undefined ? {} : { redis: given.redis }),
      });
    expect(await collect()).toEqual(
      ok({ summary: "Waits to be charged: nothing", facts: { unpaid: [], leftOutCount: 0 } }),
    );
    const queue = new RetryQueue(ground.store, "shop");
    const bounds = { amountMax: 1_000_000, countMax: 5 };
    for (const key of ["order-1", "order-2"]) await queue.defer(aPayment(key), "stripe", bounds);
    const inEuros = { ...aPayment("order-3"), amount: 12_345, currency: "eur" };
    await queue.defer(inEuros, "stripe", bounds);
    const taken = await queue.claim("t", 0);
    if (taken?.state !== "claimed") throw new Error("not due");
    await queue.bury(taken.claim, taken.claim.job);
    // Who is asked right now may be charged in a moment: it does not wait.
    await queue.begin(aPayment("order-4"), "stripe", "t");
    const unpaid = [
      { currency: "eur", count: 1, amount: 12_345 },
      { currency: "usd", count: 2, amount: 9_800 },
    ];
    const found = await collect();
    expect(found).toMatchObject({ ok: true, value: { facts: { unpaid, leftOutCount: 0 } } });
    expect(JSON.stringify(found)).not.toContain("order-");
    await ground.server.command(["HSET", "firebreak:payments:{shop}:jobs", "order-1", "p9:later"]);
    expect(await collect()).toMatchObject({ value: { facts: { leftOutCount: 1 } } });
    expect(await collect({ redis: null })).toMatchObject({ ok: false });
    const gone = createRedis({ url: "http://127.0.0.1:9", token: "t" });
    expect(await collect({ redis: gone })).toMatchObject({ ok: false, error: { class: "retry" } });
  });

  it("finds pending payments without a transaction by the declared query", async ({ expect }) => {
    const before = await poll();
    expect(before["payments.unmatched_count"]).toEqual({ value: 0 });
    const owner = await aSession(storefront.database.ownerUrl);
    await owner.query(
      `WITH made AS (INSERT INTO payments (user_id, pitch_id, amount, status)
         VALUES (1, 1, 100, 'pending'), (1, 1, 200, 'pending'), (1, 1, 300, 'failed') RETURNING id, amount)
       INSERT INTO transactions (payment_id, stripe_id) SELECT id, 'pi_1' FROM made WHERE amount = 200`,
    );
    expect((await poll())["payments.unmatched_count"]).toEqual({ value: 1 });
  });

  it("knows nothing of what is not configured, and of a Redis that is gone", async ({ expect }) => {
    expect(await poll({ payments: null })).toMatchObject({
      "payments.queued_count": { unknown: "not_configured" },
      "payments.unmatched_count": { unknown: "not_configured" },
    });
    expect(await poll({ redis: null, payments: { queue: "storefront" } })).toMatchObject({
      "payments.queued_count": { unknown: "not_configured" },
      "payments.unmatched_count": { unknown: "not_configured" },
    });
    await ground.server.stop();
    try {
      expect(await poll()).toMatchObject({
        "payments.queued_count": { unknown: "no_data" },
        "payments.unmatched_count": { value: 1 },
      });
    } finally {
      await ground.server.start();
    }
  });
});
