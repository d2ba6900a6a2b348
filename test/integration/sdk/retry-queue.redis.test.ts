/** The retry queue on a real Redis: workers that are killed, workers in each other's way, and outcomes that nobody knows. */
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest";
import { backup, stripe } from "../../../examples/storefront/src/providers.ts";
import { attempt, firstAttempt, type AttemptDeps } from "../../../src/payments/attempt.ts";
import { ATTEMPTS_MAX } from "../../../src/payments/backoff.ts";
import type { Payment, Settlement } from "../../../src/payments/payment.ts";
import { RetryQueue, type Claim } from "../../../src/payments/retry-queue.ts";
import { aPayment, paymentGround, type PaymentGround } from "../../support/payments.ts";

let ground: PaymentGround;
beforeAll(async () => {
  ground = await paymentGround();
});
afterAll(() => ground[Symbol.asyncDispose]());
beforeEach(() => ground.reset());

type Step = "redis" | "charge" | "find" | "books";

/** A worker that can be killed: from then on nothing that it does reaches anybody. */
class Worker {
  readonly deps: AttemptDeps;
  readonly queue: RetryQueue;
  /** What it has done so far that reaches anybody, in order. */
  readonly kinds: Step[] = [];
  readonly #books: Map<string, Settlement>;
  readonly #killAt: { readonly step: number; readonly when: "before" | "after" } | null;
  #isDead = false;

  constructor(
    books: Map<string, Settlement>,
    killAt: { readonly step: number; readonly when: "before" | "after" } | null = null,
  ) {
    this.#books = books;
    this.#killAt = killAt;
    const reach = <A extends unknown[], T>(kind: Step, act: (...given: A) => Promise<T>) => {
      return (...given: A) => this.#step(kind, () => act(...given));
    };
    const providers = [stripe(ground.env), backup(ground.env)].map((provider) => ({
      ...provider,
      charge: reach("charge", provider.charge),
      find: reach("find", provider.find),
    }));
    const evaluated = reach("redis", (...given: [string, string[], string[]]) =>
      ground.store.eval(...given),
    );
    this.queue = new RetryQueue({ eval: evaluated }, "shop", 1);
    this.deps = {
      queue: this.queue,
      provider: (id) => providers.find((one) => one.id === id) ?? null,
      onSettled: reach("books", async (payment: Payment, settlement: Settlement) => {
        this.#books.set(payment.key, settlement);
      }),
      deadlineMs: 500,
      believedAfterMs: 0,
      random: () => 0,
    };
  }

  get steps(): number {
    return this.kinds.length;
  }

  async #step<T>(kind: Step, act: () => Promise<T>): Promise<T> {
    if (this.#isDead) throw new Error("killed");
    this.kinds.push(kind);
    const isLast = this.steps === this.#killAt?.step;
    if (isLast) this.#isDead = true;
    if (isLast && this.#killAt?.when === "before") throw new Error("killed");
    const answer = await act();
    if (isLast) throw new Error("killed");
    return answer;
  }

  async first(payment: Payment): Promise<void> {
    const begun = await this.queue.begin(payment, "stripe", crypto.randomUUID());
    const provider = this.deps.provider("stripe");
    if (begun?.state !== "begun" || provider === null) return;
    await firstAttempt(this.deps, begun.claim, provider);
  }

  /** One turn of the drain; false when nothing was due. */
  async turn(target = "backup"): Promise<boolean> {
    const taken = await this.queue.claim(crypto.randomUUID(), 0);
    if (taken?.state !== "claimed") return false;
    await attempt(this.deps, taken.claim, target);
    return true;
  }
}

/** Others drain until the queue knows of nothing, and people have given-up payments tried again. */
async function drainAll(books: Map<string, Settlement>, target = "backup"): Promise<void> {
  const worker = new Worker(books);
  for (let turn = 0; turn < 500; turn += 1) {
    const state = await worker.queue.state();
    if (state?.queuedCount === 0 && state.heldCount === 0) {
      if (state.deadCount === 0) return;
      await worker.queue.redrive(null);
    }
    await worker.turn(target);
  }
  throw new Error("the queue does not drain");
}

describe("a worker that is killed at any step", () => {
  /** How a payment comes to be in the queue, and who works on it when it is killed. */
  const lives: Readonly<Record<string, (worker: Worker) => Promise<unknown>>> = {
    "charging at once": (worker) => worker.first(aPayment()),
    "draining what a provider failed": (worker) => worker.turn(),
    "draining what a provider charged and did not say": (worker) => worker.turn(),
    "putting back what a provider fails again": async (worker) => {
      await worker.turn();
      await ground.mend("stripe-api");
    },
    "giving up what a provider failed to the last": async (worker) => {
      await worker.turn();
      await ground.mend("stripe-api");
    },
    "having what was given up tried again": (worker) => worker.queue.redrive(null),
    "taking an order unpaid": (worker) => defer(worker),
    "draining an order that was taken unpaid": (worker) => worker.turn("stripe"),
  };
  /** All that each does in Redis, at providers and in the books: what a kill must be tried around. */
  const STEPS: Readonly<Record<string, readonly Step[]>> = {
    "charging at once": ["redis", "charge", "books", "redis"],
    "draining what a provider failed": ["redis", "find", "redis", "charge", "books", "redis"],
    "draining what a provider charged and did not say": ["redis", "find", "books", "redis"],
    "putting back what a provider fails again": ["redis", "find", "redis"],
    "giving up what a provider failed to the last": ["redis", "find", "redis"],
    "having what was given up tried again": ["redis"],
    "taking an order unpaid": ["redis"],
    "draining an order that was taken unpaid": [
      "redis",
      "find",
      "redis",
      "charge",
      "books",
      "redis",
    ],
  };
  /** Of these, the first step is the one that tells anybody else of the payment. */
  const BEGINS: readonly string[] = ["charging at once", "taking an order unpaid"];
  const defer = (worker: Worker) =>
    worker.queue.defer(aPayment(), "stripe", { amountMax: 10_000, countMax: 10 });
  async function prepare(life: string, books: Map<string, Settlement>): Promise<void> {
    const worker = new Worker(books);
    switch (life) {
      case "draining what a provider failed":
        await ground.fail("stripe-api", { kind: "5xx" });
        await worker.first(aPayment());
        return ground.mend("stripe-api");
      case "draining what a provider charged and did not say":
        await ground.fail("stripe-api", { kind: "duplicate", method: "POST" });
        await worker.first(aPayment());
        return ground.mend("stripe-api");
      case "putting back what a provider fails again":
        await ground.fail("stripe-api", { kind: "5xx" });
        return worker.first(aPayment());
      case "giving up what a provider failed to the last":
        await ground.fail("stripe-api", { kind: "5xx" });
        await worker.first(aPayment());
        return turns(worker, ATTEMPTS_MAX - 2);
      case "having what was given up tried again":
        await ground.fail("stripe-api", { kind: "5xx" });
        await worker.first(aPayment());
        await turns(worker, ATTEMPTS_MAX - 1);
        return ground.mend("stripe-api");
      case "draining an order that was taken unpaid":
        await defer(worker);
    }
  }
  async function turns(worker: Worker, count: number): Promise<void> {
    for (let turn = 0; turn < count; turn += 1) await worker.turn();
  }

  for (const [life, live] of Object.entries(lives)) {
    it(`${life}: nothing is lost, and nobody is charged twice`, async ({ expect }) => {
      const rehearsal = new Worker(new Map());
      await prepare(life, new Map());
      await live(rehearsal);
      expect(rehearsal.kinds).toEqual(STEPS[life]);
      for (let step = 1; step <= rehearsal.steps; step += 1) {
        for (const when of ["before", "after"] as const) {
          await ground.reset();
          const books = new Map<string, Settlement>();
          await prepare(life, books);
          await live(new Worker(books, { step, when }));
          await drainAll(books);
          const says = `killed ${when} step ${step} of ${rehearsal.steps}`;
          // Killed before anything was written down: the visitor got an error, and the order is asked for again.
          if (BEGINS.includes(life) && step === 1 && when === "before") {
            await new Worker(books).first(aPayment());
          }
          expect(await ground.charges(), says).toHaveLength(1);
          expect(books.get("order-1"), says).toMatchObject({ status: "charged" });
        }
      }
    });
  }
});

describe("many workers at once", () => {
  it("charge each of forty payments once, while one provider loses every second answer and the other every third", async ({
    expect,
  }) => {
    const books = new Map<string, Settlement>();
    const keys = Array.from({ length: 40 }, (_, n) => `order-${n}`);
    await ground.fail("stripe-api", { kind: "duplicate", every: 2 });
    await ground.fail("square-api", { kind: "duplicate", every: 3 });
    await Promise.all(keys.map((key) => new Worker(books).first(aPayment(key))));
    const drain = async () => {
      const queue = new RetryQueue(ground.store, "shop", 60_000);
      const worker = new Worker(books);
      for (;;) {
        const taken = await queue.claim(crypto.randomUUID(), 0);
        if (taken?.state !== "claimed") return;
        await attempt({ ...worker.deps, queue }, taken.claim, "backup");
      }
    };
    for (let round = 0; round < 20; round += 1) {
      await Promise.all([drain(), drain(), drain(), drain()]);
    }
    expect((await ground.charges()).map((line) => line.split(" ")[0]).toSorted()).toEqual(
      keys.toSorted(),
    );
    expect(books.size).toBe(keys.length);
    const queue = new RetryQueue(ground.store, "shop");
    expect(await queue.state()).toMatchObject({ queuedCount: 0, heldCount: 0, deadCount: 0 });
  });
});

describe("an outcome that nobody knows", () => {
  it("is asked of the first provider before the second charges", async ({ expect }) => {
    const books = new Map<string, Settlement>();
    await ground.fail("stripe-api", { kind: "swallowed", method: "POST" });
    await new Worker(books).first(aPayment());
    expect(books.size).toBe(0);
    await drainAll(books);
    expect(await ground.charges()).toEqual(["order-1 by stripe-api"]);
  });

  it("waits while the first provider cannot be asked", async ({ expect }) => {
    const books = new Map<string, Settlement>();
    await ground.fail("stripe-api", { kind: "5xx" });
    const worker = new Worker(books);
    await worker.first(aPayment());
    for (let turn = 0; turn < 3; turn += 1) await worker.turn();
    expect(await ground.charges()).toEqual([]);
    await ground.mend("stripe-api");
    await drainAll(books);
    expect(await ground.charges()).toEqual(["order-1 by square-api"]);
  });

  it("is not believed to be none too early", async ({ expect }) => {
    const books = new Map<string, Settlement>();
    await ground.fail("stripe-api", { kind: "5xx" });
    const worker = new Worker(books);
    await worker.first(aPayment());
    await ground.mend("stripe-api");
    const taken = await worker.queue.claim("t", 0);
    if (taken?.state !== "claimed") throw new Error("not due");
    const late = { ...worker.deps, believedAfterMs: 60_000 };
    expect(await attempt(late, taken.claim, "backup")).toEqual({
      state: "again",
      failure: "undecided",
    });
    expect(await ground.charges()).toEqual([]);
  });

  it("is for people after so many attempts, and goes on when they say so", async ({ expect }) => {
    const books = new Map<string, Settlement>();
    await ground.fail("stripe-api", { kind: "5xx" });
    const worker = new Worker(books);
    await worker.first(aPayment());
    for (let turn = 1; turn < ATTEMPTS_MAX; turn += 1) await worker.turn();
    expect(await worker.turn()).toBe(false);
    const [dead] = (await worker.queue.dead(0, 10)) ?? [];
    expect(dead).toMatchObject({
      key: "order-1",
      attempts: ATTEMPTS_MAX,
      job: { asked: "stripe", failure: "unknown_outcome" },
    });
    expect(await worker.queue.state()).toMatchObject({ queuedCount: 0, deadCount: 1 });
    await ground.mend("stripe-api");
    expect(await worker.queue.redrive("order-2")).toBe(0);
    expect(await worker.queue.redrive(null)).toBe(1);
    await drainAll(books);
    expect(await ground.charges()).toHaveLength(1);
  });
});

describe("the queue", () => {
  const held = async (queue: RetryQueue, key = "order-1"): Promise<Claim> => {
    const begun = await queue.begin(aPayment(key), "stripe", "one");
    if (begun?.state !== "begun") throw new Error("not begun");
    return begun.claim;
  };

  it("leaves a payment to its holder, and nothing to one who lost it", async ({ expect }) => {
    const claim = await held(new RetryQueue(ground.store, "shop", 60_000));
    const queue = new RetryQueue(ground.store, "shop", 60_000);
    expect(await queue.claim("two", 0)).toEqual({ state: "empty" });
    const stale = { ...claim, token: "somebody else" };
    expect(await queue.settle(stale, { status: "declined", provider: "p", code: "c" })).toBe(false);
    expect(await queue.mark(stale, claim.job, 2)).toBeNull();
    expect(await queue.again(stale, claim.job, 0)).toBe(false);
    expect(await queue.bury(stale, claim.job)).toBe(false);
    expect(await queue.settle(claim, { status: "declined", provider: "p", code: "c" })).toBe(true);
  });

  it("answers for a payment that has ended as it ended", async ({ expect }) => {
    const queue = new RetryQueue(ground.store, "shop");
    const ended = { status: "charged", provider: "stripe", reference: "pi_1" } as const;
    await queue.settle(await held(queue), ended);
    expect(await queue.begin(aPayment(), "stripe", "two")).toEqual({
      state: "settled",
      settlement: ended,
    });
  });

  it("hands out no more than its rate, to all together", async ({ expect }) => {
    const queue = new RetryQueue(ground.store, "shop", 1);
    await held(queue, "order-1");
    await held(queue, "order-2");
    expect(await queue.claim("a", 60_000)).toMatchObject({ state: "claimed" });
    expect(await queue.claim("b", 60_000)).toMatchObject({ state: "wait" });
  });

  it("takes orders unpaid up to their amount and their number, and again once they are paid", async ({
    expect,
  }) => {
    const queue = new RetryQueue(ground.store, "shop", 60_000);
    const bounds = { amountMax: 10_000, countMax: 5 };
    const state = async (key: string, given = bounds) =>
      (await queue.defer(aPayment(key), "stripe", given))?.state;
    expect(await state("order-1")).toBe("deferred");
    expect(await state("order-1")).toBe("known");
    expect(await state("order-2")).toBe("deferred");
    expect(await state("order-3")).toBe("full");
    expect(await state("order-3", { amountMax: 1_000_000, countMax: 2 })).toBe("full");
    expect(await queue.state()).toMatchObject({ owingCount: 2, queuedCount: 2 });
    const taken = await queue.claim("t", 0);
    if (taken?.state !== "claimed") throw new Error("not due");
    await queue.settle(taken.claim, { status: "declined", provider: "p", code: "c" });
    expect(await state("order-3")).toBe("deferred");
  });

  it("forgives an order that costs nothing like any other", async ({ expect }) => {
    const queue = new RetryQueue(ground.store, "shop", 60_000);
    const bounds = { amountMax: 10_000, countMax: 1 };
    expect(await queue.defer({ ...aPayment(), amount: 0 }, "stripe", bounds)).toEqual({
      state: "deferred",
    });
    const taken = await queue.claim("t", 0);
    if (taken?.state !== "claimed") throw new Error("not due");
    expect(
      await queue.settle(taken.claim, { status: "charged", provider: "p", reference: "r" }),
    ).toBe(true);
    expect(await queue.state()).toMatchObject({ owingCount: 0, queuedCount: 0 });
    expect(await queue.defer(aPayment("order-2"), "stripe", bounds)).toEqual({ state: "deferred" });
  });

  it("counts who was left by their holder, although nobody looks", async ({ expect }) => {
    const queue = new RetryQueue(ground.store, "shop", 1);
    await held(queue, "order-1");
    await new Promise((resolve) => setTimeout(resolve, 20));
    const state = await queue.state();
    expect(state).toMatchObject({ queuedCount: 1, heldCount: 1 });
    expect(state?.oldestAgeMs).toBeGreaterThan(0);
  });

  it("goes on past what it cannot read", async ({ expect }) => {
    const queue = new RetryQueue(ground.store, "shop", 60_000);
    const bounds = { amountMax: 10_000, countMax: 5 };
    await queue.defer(aPayment("order-1"), "stripe", bounds);
    await queue.defer(aPayment("order-2"), "stripe", bounds);
    await ground.server.command(["HSET", "firebreak:payments:{shop}:jobs", "order-1", "p9:later"]);
    expect(await queue.claim("a", 0)).toEqual({ state: "unreadable" });
    expect(await queue.claim("a", 0)).toMatchObject({
      state: "claimed",
      claim: { key: "order-2" },
    });
    expect(await queue.state()).toMatchObject({ queuedCount: 2 });
  });
});
