import { beforeEach, it, onTestFinished, vi } from "vitest";
import {
  LimiterLink,
  STRICT_DEADLINE_MS,
  WAITS_MAX,
} from "../../../../src/guard/limits/limiter-link.ts";
import { SHARD_QUIET_MS } from "../../../../src/guard/limits/asks.ts";
import { quotaOf } from "../../../../src/guard/limits/gcra.ts";
import {
  RateLimits,
  tokenMs,
  type LimitDecision,
} from "../../../../src/guard/limits/rate-limit.ts";
import { aRule } from "../../../support/limits.ts";

const never = () => new Promise<unknown>(() => undefined);
const quota = quotaOf(5, 600_000);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
});

/** A link to one shard, which nobody has heard from yet; each request is of a key of its own. */
function aLink(answer: () => Promise<unknown>) {
  const limits = new RateLimits(1, 256);
  const shard = { lease: answer, take: answer };
  const link = new LimiterLink({ limits, shard: () => shard, newIsolateId: () => 1 });
  let keys = 0;
  const check = (rule: ReturnType<typeof aRule>, key = (keys += 1)) =>
    link.check(rule, Uint32Array.of(key, key), () => undefined);
  return { check };
}

it("holds no place for requests that the runtime ended while they waited", async ({ expect }) => {
  const rule = aRule({ quota, accuracy: "strict", fail: "closed" });
  let answer = never;
  const { check } = aLink(() => answer());
  for (let request = 0; request < WAITS_MAX; request += 1) void check(rule);
  expect(check(rule)).toMatchObject({ kind: "refuse" });
  // Their visitors have gone, and nothing of theirs goes on but the clock.
  vi.setSystemTime(Date.now() + STRICT_DEADLINE_MS);
  answer = async () => ({ isAdmitted: true, remaining: 4, retryAfterMs: 0 });
  expect(await check(rule)).toEqual({ kind: "admit" });
});

it("gives the place back when the shard has answered", async ({ expect }) => {
  const rule = aRule({ quota, accuracy: "strict", fail: "closed" });
  const { check } = aLink(async () => ({ isAdmitted: true, remaining: 4, retryAfterMs: 0 }));
  for (let round = 0; round < 2; round += 1) {
    const waiting = Array.from({ length: WAITS_MAX }, async () => check(rule));
    const decisions = await Promise.all(waiting);
    expect(decisions.every(({ kind }) => kind === "admit")).toBe(true);
  }
});

const UNAVAILABLE: LimitDecision = {
  kind: "refuse",
  reason: "unavailable",
  retryAfterMs: SHARD_QUIET_MS,
};

it.for([
  ["open", { kind: "admit" }],
  ["closed", UNAVAILABLE],
] as const)("does what the rule says when too many wait (%s)", ([fail, expected], { expect }) => {
  const { check } = aLink(never);
  const waiting = aRule({ quota, accuracy: "strict" });
  for (let request = 0; request < WAITS_MAX; request += 1) void check(waiting);
  expect(check(aRule({ quota, accuracy: "strict", fail }))).toEqual(expected);
});

it("keeps a key that is being asked for from being counted alone when too many wait", ({
  expect,
}) => {
  const { check } = aLink(never);
  const rule = aRule({ quota });
  const decisions = Array.from({ length: WAITS_MAX + 3 }, () => check(rule, 7));
  expect(decisions[0]).toEqual({ kind: "admit" });
  const limited = { kind: "refuse", reason: "limited", retryAfterMs: tokenMs(rule) };
  expect(decisions.slice(-2)).toEqual([limited, limited]);
});
