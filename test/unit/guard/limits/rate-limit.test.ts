import fc from "fast-check";
import { it } from "vitest";
import { SHARD_QUIET_MS } from "../../../../src/guard/limits/asks.ts";
import { quotaOf } from "../../../../src/guard/limits/gcra.ts";
import {
  PARTICIPANTS_ASSUMED,
  RateLimits,
  type LimitDecision,
} from "../../../../src/guard/limits/rate-limit.ts";
import { penaltyMs, type LimitRule } from "../../../../src/guard/limits/rule.ts";
import { LeaseTable } from "../../../../src/limiter/lease.ts";
import { mix32 } from "../../../../src/sketches/hash.ts";
import { aRule } from "../../../support/limits.ts";

const START_MS = 1_700_000_000_000;
const KEY = Uint32Array.of(1, 2);
const PENALTY = { firstMs: 1_000, maxMs: 60_000, forgetMs: 10_000 };

/** One isolate and one key; the shard answers at once, or not at all. */
class Scene {
  readonly limits = new RateLimits(1, 64);
  readonly shard = new LeaseTable(64);
  readonly rule: LimitRule;
  isShardUp = true;
  #nowMs = START_MS;

  constructor(rule: Parameters<typeof aRule>[0]) {
    this.rule = aRule(rule);
  }

  later(ms: number): this {
    this.#nowMs += ms;
    return this;
  }

  request(): LimitDecision {
    const { rule, limits } = this;
    const decision = limits.decide(rule, KEY, this.#nowMs);
    if (decision.kind === "ask") limits.ask({ rule, key: KEY }, this.#nowMs);
    const keys = limits.asks.take(0);
    const asks = limits.prepare(keys);
    if (keys.length > 0 && this.isShardUp) {
      const leases = asks.map((ask) => this.shard.lease(7, ask, this.#nowMs));
      limits.settle(keys, leases, this.#nowMs);
    } else if (keys.length > 0) limits.fail(0, asks, this.#nowMs);
    return decision.kind === "ask" ? limits.decideAgain({ rule, key: KEY }, this.#nowMs) : decision;
  }

  /** How many of so many at once are let through. */
  admitted(requests: number): number {
    const decisions = Array.from({ length: requests }, () => this.request());
    return decisions.filter(({ kind }) => kind === "admit").length;
  }
}

it.for(["isolate", "shared"] as const)(
  "admits a burst of exactly the limit (%s)",
  (accuracy, { expect }) => {
    const scene = new Scene({ accuracy });
    expect(scene.admitted(100)).toBe(100);
    expect(scene.admitted(50)).toBe(0);
    expect(scene.later(10_000).admitted(150)).toBeGreaterThanOrEqual(98);
  },
);

it("says when to come back, and then it is so", ({ expect }) => {
  const scene = new Scene({ accuracy: "isolate", quota: quotaOf(5, 60_000) });
  scene.admitted(5);
  const refused = scene.request();
  expect(refused).toEqual({ kind: "refuse", reason: "limited", retryAfterMs: 12_000 });
  expect(scene.later(11_999).admitted(1)).toBe(0);
  expect(scene.later(1).admitted(1)).toBe(1);
});

it("never admits more than burst plus pace, whatever the pattern, alone on its shard", ({
  expect,
}) => {
  const steps = fc.array(fc.tuple(fc.nat(4_000), fc.integer({ min: 1, max: 60 })), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 40 }), fc.boolean(), (pattern, limit, isUp) => {
      const scene = new Scene({ quota: quotaOf(limit, 5_000) });
      scene.isShardUp = isUp;
      let [admitted, elapsedMs] = [0, 0];
      for (const [pauseMs, requests] of pattern) {
        elapsedMs += pauseMs;
        admitted += scene.later(pauseMs).admitted(requests);
        const exact = limit + (elapsedMs * limit) / 5_000;
        // At most: what is served unasked before the shard hears of it, half of the limit, and one.
        expect(admitted).toBeLessThanOrEqual(exact + limit / 2 + 1);
      }
    }),
  );
});

it("serves a key that is seldom seen without a word to the shard", ({ expect }) => {
  const scene = new Scene({});
  for (let visit = 0; visit < 50; visit += 1) {
    expect(scene.limits.decide(scene.rule, KEY, START_MS + visit * 7_000)).toEqual({
      kind: "admit",
    });
    expect(scene.limits.asks.waitingFor(0)).toBe(0);
  }
});

it("serves at most its assumed part before the shard is heard, and then waits", ({ expect }) => {
  const { limits, rule } = new Scene({});
  const kinds = Array.from({ length: 10 }, () => limits.decide(rule, KEY, START_MS).kind);
  const part = Math.floor(100 / (2 * PARTICIPANTS_ASSUMED));
  expect(kinds.filter((kind) => kind === "admit")).toHaveLength(part);
  expect(kinds.slice(part).every((kind) => kind === "ask")).toBe(true);
  // However many wait, the key is asked for in the background once.
  expect(limits.asks.waitingFor(0)).toBe(1);
});

it("forgets after an idle window what it knew of a key", ({ expect }) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 20_001, max: 10_000_000 }),
      (requests, gapMs) => {
        const scene = new Scene({});
        scene.admitted(requests);
        expect(scene.later(gapMs).admitted(1)).toBe(1);
        expect(scene.admitted(99)).toBe(99);
      },
    ),
    { numRuns: 30 },
  );
});

it("is on its own while the shard is away: whole limit if it fails open, its part if closed", ({
  expect,
}) => {
  const open = new Scene({ fail: "open" });
  open.isShardUp = false;
  expect(open.admitted(150)).toBe(100);
  const closed = new Scene({ fail: "closed" });
  closed.isShardUp = false;
  expect(closed.admitted(150)).toBeLessThanOrEqual(4);
  expect(closed.request()).toEqual({
    kind: "refuse",
    reason: "unavailable",
    retryAfterMs: SHARD_QUIET_MS,
  });
  closed.isShardUp = true;
  expect(closed.later(SHARD_QUIET_MS).admitted(50)).toBe(50);
});

it("blocks longer each time, up to the most, and forgives after a while", ({ expect }) => {
  const scene = new Scene({ accuracy: "isolate", quota: quotaOf(1, 100), penalty: PENALTY });
  const blocks: number[] = [];
  for (let strike = 0; strike < 9; strike += 1) {
    scene.admitted(1);
    const refused = scene.request();
    const retryAfterMs = refused.kind === "refuse" ? refused.retryAfterMs : 0;
    expect(refused).toMatchObject({ kind: "refuse", reason: "blocked" });
    blocks.push(retryAfterMs);
    expect(scene.later(retryAfterMs - 1).request()).toMatchObject({
      reason: "blocked",
      retryAfterMs: 1,
    });
    scene.later(1);
  }
  expect(blocks).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  scene.later(PENALTY.forgetMs).admitted(1);
  expect(scene.request()).toMatchObject({ retryAfterMs: 1_000 });
});

it.for(["strict", "shared"] as const)(
  "forgets strikes after their time, also where a shard says to pause (%s)",
  (accuracy, { expect }) => {
    const { limits, rule } = new Scene({ accuracy, penalty: PENALTY });
    const asked = { rule, key: KEY };
    const offend = (atMs: number): LimitDecision => {
      limits.decide(rule, KEY, atMs);
      if (accuracy === "strict") {
        return limits.decideTaken(
          asked,
          { isAdmitted: false, remaining: 0, retryAfterMs: 100 },
          atMs,
        );
      }
      limits.settle([asked], [{ granted: 0, pauseMs: 100, remaining: 0, participants: 1 }], atMs);
      return limits.decide(rule, KEY, atMs);
    };
    const first = { reason: "blocked", retryAfterMs: PENALTY.firstMs };
    expect(offend(START_MS)).toMatchObject(first);
    const endedAtMs = START_MS + PENALTY.firstMs;
    expect(offend(endedAtMs + PENALTY.forgetMs)).toMatchObject(first);
    expect(offend(endedAtMs + PENALTY.forgetMs + PENALTY.firstMs + 1)).toMatchObject({
      reason: "blocked",
      retryAfterMs: 2 * PENALTY.firstMs,
    });
  },
);

it("holds a penalty against leases that arrive during it", ({ expect }) => {
  const { limits, rule } = new Scene({ penalty: PENALTY });
  const asked = { rule, key: KEY };
  const lease = { granted: 50, pauseMs: 500, remaining: 0, participants: 1 };
  limits.decide(rule, KEY, START_MS);
  limits.settle([asked], [{ ...lease, granted: 0 }], START_MS);
  expect(limits.decide(rule, KEY, START_MS)).toMatchObject({ reason: "blocked" });
  limits.settle([asked], [lease], START_MS + 10);
  expect(limits.decide(rule, KEY, START_MS + 20)).toMatchObject({ reason: "blocked" });
});

it("asks of a strict limit each time, and remembers a refusal", ({ expect }) => {
  const { limits, rule } = new Scene({ accuracy: "strict", penalty: PENALTY });
  const taken = { isAdmitted: false, remaining: 0, retryAfterMs: 300 };
  expect(limits.decide(rule, KEY, START_MS)).toEqual({ kind: "ask" });
  expect(
    limits.decideTaken({ rule, key: KEY }, { ...taken, isAdmitted: true }, START_MS).kind,
  ).toBe("admit");
  expect(limits.decide(rule, KEY, START_MS)).toEqual({ kind: "ask" });
  for (const strikes of [1, 2, 3]) {
    const atMs = START_MS + strikes * 5_000;
    const refused = limits.decideTaken({ rule, key: KEY }, taken, atMs);
    expect(refused).toMatchObject({ reason: "blocked", retryAfterMs: penaltyMs(PENALTY, strikes) });
    expect(limits.decide(rule, KEY, atMs + 1)).toMatchObject({ kind: "refuse" });
  }
});

it("is as large after ten million addresses as before, and refuses none of them", ({ expect }) => {
  const limits = new RateLimits(4);
  const rule = aRule();
  const before = limits.byteLength;
  const key = new Uint32Array(2);
  let refused = 0;
  for (let address = 1; address <= 10_000_000; address += 1) {
    const nowMs = START_MS + (address >>> 8);
    key[0] = mix32(address);
    key[1] = mix32(~address);
    if (limits.decide(rule, key, nowMs).kind !== "admit") refused += 1;
  }
  expect([limits.byteLength, refused]).toEqual([before, 0]);
  expect(before).toBeLessThanOrEqual(3 * 1_024 * 1_024);
  for (let shard = 0; shard < 4; shard += 1) {
    expect(limits.asks.waitingFor(shard)).toBeLessThanOrEqual(64);
  }
});
