import { env } from "cloudflare:workers";
import { it } from "vitest";
import { SHARD_QUIET_MS } from "../../../../src/guard/limits/asks.ts";
import {
  LimiterLink,
  STRICT_DEADLINE_MS,
  WAIT_DEADLINE_MS,
} from "../../../../src/guard/limits/limiter-link.ts";
import { quotaOf } from "../../../../src/guard/limits/gcra.ts";
import { RateLimits } from "../../../../src/guard/limits/rate-limit.ts";
import type { LimitRule } from "../../../../src/guard/limits/rule.ts";
import { aRule } from "../../../support/limits.ts";

type Shard = ReturnType<ConstructorParameters<typeof LimiterLink>[0]["shard"]>;

/** Long enough that nothing of a quota comes back during a test. */
const quota = quotaOf(100, 600_000);

/** Awake already: how long a first call takes is the machine's business. */
async function realShard(): Promise<Shard> {
  const shard = env.TEST_LIMITER.getByName(crypto.randomUUID());
  await shard.lease(0, []);
  return shard;
}

const broken = (answer: () => Promise<unknown>): Shard => ({ lease: answer, take: answer });

/** An isolate at a shard, and what it left to do after its answers. */
function anIsolate(shard: Shard, id = 1) {
  const limits = new RateLimits(1, 256);
  const link = new LimiterLink({ limits, shard: () => shard, newIsolateId: () => id });
  const later: Promise<unknown>[] = [];
  const key = Uint32Array.of(11, 22);
  return {
    check: async (rule: LimitRule) => link.check(rule, key, (promise) => void later.push(promise)),
    settled: async () => {
      while (later.length > 0) await later.shift();
    },
  };
}

async function admitted(isolate: ReturnType<typeof anIsolate>, rule: LimitRule, requests: number) {
  const decisions = await Promise.all(Array.from({ length: requests }, () => isolate.check(rule)));
  await isolate.settled();
  return decisions.filter(({ kind }) => kind === "admit").length;
}

it("shares one limit between isolates, and takes back what it lent them", async ({ expect }) => {
  const shard = await realShard();
  const isolates = [1, 2, 3, 4].map((id) => anIsolate(shard, id));
  const rule = aRule({ quota, fail: "closed" });
  const perTurn: number[] = [];
  for (let turn = 0; turn < 10; turn += 1) {
    let served = 0;
    for (const isolate of isolates) served += await admitted(isolate, rule, 10);
    perTurn.push(served);
  }
  const total = perTurn.reduce((sum, served) => sum + served, 0);
  expect(total).toBeGreaterThanOrEqual(100);
  // The first asked alone, the second as one of two, …: each was lent half of what was its part when it asked.
  expect(total).toBeLessThanOrEqual(100 + 50 * (1 + 1 / 2 + 1 / 3 + 1 / 4));
  expect(perTurn.slice(-3)).toEqual([0, 0, 0]);
});

it("is exact where the rule is strict, however many ask at once", async ({ expect }) => {
  const shard = await realShard();
  const rule = aRule({ quota, accuracy: "strict", fail: "closed" });
  const isolates = [1, 2, 3].map((id) => anIsolate(shard, id));
  const counts = await Promise.all(isolates.map((isolate) => admitted(isolate, rule, 50)));
  // An answer that came too late counted at the shard and admitted nobody.
  expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(100);
  expect(await shard.take(11, 22, quota)).toMatchObject({ isAdmitted: false });
});

const FAULTS: Readonly<Record<string, () => Promise<unknown>>> = {
  throws: () => Promise.reject(new Error("overloaded")),
  hangs: () => new Promise(() => {}),
  "answers nothing": () => Promise.resolve(null),
  "answers garbage": () => Promise.resolve([{ granted: -1, pauseMs: "soon", participants: NaN }]),
  "answers too little": () => Promise.resolve([]),
};

it.for(Object.keys(FAULTS))(
  "does what the rule says when the shard %s",
  async (fault, { expect }) => {
    const shard = broken(FAULTS[fault] ?? (() => Promise.resolve(null)));
    for (const [accuracy, deadlineMs] of [
      ["shared", WAIT_DEADLINE_MS],
      ["strict", STRICT_DEADLINE_MS],
    ] as const) {
      const open = anIsolate(shard);
      const startMs = Date.now();
      const decisions = await Promise.all(
        Array.from({ length: 60 }, () => open.check(aRule({ accuracy, fail: "open" }))),
      );
      expect(Date.now() - startMs).toBeLessThan(deadlineMs + 400);
      expect(
        decisions.every(({ kind }) => kind === "admit"),
        accuracy,
      ).toBe(true);

      const closed = anIsolate(shard);
      const rule = aRule({ accuracy, fail: "closed" });
      const refused = (
        await Promise.all(Array.from({ length: 60 }, () => closed.check(rule)))
      ).filter(({ kind }) => kind === "refuse");
      expect(refused.length, accuracy).toBeGreaterThanOrEqual(56);
      for (const decision of refused) {
        expect(decision).toEqual({
          kind: "refuse",
          reason: "unavailable",
          retryAfterMs: SHARD_QUIET_MS,
        });
      }
    }
  },
);

it("asks a shard that failed no more for a moment", async ({ expect }) => {
  let calls = 0;
  const isolate = anIsolate(
    broken(() => {
      calls += 1;
      return Promise.reject(new Error("down"));
    }),
  );
  await admitted(isolate, aRule({ accuracy: "strict" }), 1);
  await admitted(isolate, aRule({ accuracy: "strict" }), 40);
  expect(calls).toBe(1);
});
