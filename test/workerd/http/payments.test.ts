/** Payments that were given up, over HTTP. The queue itself is tested on a real Redis (test/integration/sdk/retry-queue.redis.test.ts). */
import { describe, it } from "vitest";
import { RetryQueue } from "../../../src/payments/retry-queue.ts";
import { client } from "./api.ts";

const JOB = {
  payment: { key: "order-7", amount: 4_900, currency: "usd", details: { customer: "cus_secret" } },
  asked: "stripe",
  round: 1,
  failure: "unknown_outcome",
  isDeferred: false,
};
const DEAD = ["done", "1795000000000", "k:order-7", `p1:24:1794990000000:${JSON.stringify(JOB)}`];

/** Redis as it answers the queue's scripts: by the first argument that tells them apart. */
function aQueue(answer: readonly unknown[] | Error) {
  const asked: string[][] = [];
  const queue = new RetryQueue(
    {
      eval: async (_, __, args) => {
        asked.push(args);
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    "shop",
  );
  return { queue, asked };
}

describe("payments that were given up", () => {
  it("are listed without what they are charged with", async ({ expect }) => {
    const { queue } = aQueue([...DEAD, "1794999000000"]);
    const response = await client({ payments: queue })("/api/v1/payments/dead-letters", {
      as: "viewer",
    });
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).not.toContain("cus_secret");
    expect(JSON.parse(text)).toEqual({
      items: [
        {
          key: "order-7",
          amount: 4_900,
          currency: "usd",
          attempts: 24,
          deadAt: new Date(1_794_999_000_000).toISOString(),
          asked: "stripe",
          failure: "unknown_outcome",
          isDeferred: false,
        },
      ],
      next: null,
    });
  });

  it("are tried again by a responder, all or one", async ({ expect }) => {
    const { queue, asked } = aQueue(["done", "1795000000000", "1"]);
    const ask = client({ payments: queue });
    const all = await ask("/api/v1/payments/redrive", { method: "POST" });
    expect(await all.json()).toEqual({ redriven: 1 });
    const one = await ask("/api/v1/payments/dead-letters/order-7/redrive", { method: "POST" });
    expect(await one.json()).toEqual({ redriven: 1 });
    expect(asked).toEqual([["100"], ["100", "order-7"]]);
    const viewer = await ask("/api/v1/payments/redrive", { method: "POST", as: "viewer" });
    expect(viewer.status).toBe(403);
  });

  it("are dropped by an admin only, who says why", async ({ expect }) => {
    const { queue, asked } = aQueue(["gone", "1795000000000"]);
    const ask = client({ payments: queue });
    const path = "/api/v1/payments/dead-letters/order-7/discard";
    expect((await ask(path, { body: { why: "refunded by hand" } })).status).toBe(403);
    expect((await ask(path, { as: "admin", body: {} })).status).toBe(422);
    expect(asked).toEqual([]);
    const answer = await ask(path, { as: "admin", body: { why: "refunded by hand" } });
    expect(await answer.json()).toEqual({ discarded: false });
  });

  it("are nothing where there is no queue, and unknown while Redis is silent", async ({
    expect,
  }) => {
    const path = "/api/v1/payments/dead-letters";
    expect((await client({ payments: null })(path)).status).toBe(404);
    const { queue } = aQueue(new Error("down"));
    const silent = await client({ payments: queue })(path);
    expect(silent.status).toBe(503);
    expect(await silent.text()).toContain("Redis does not answer");
    expect(
      (await client({ payments: queue })(`${path}/a!b/redrive`, { method: "POST" })).status,
    ).toBe(404);
  });
});
