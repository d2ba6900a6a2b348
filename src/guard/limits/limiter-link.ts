/**
 * The isolate's line to the limiter's shards. Asks that nobody waits for leave together, a moment later, behind the answers; a
 * request that must know makes its own call, because the runtime may cancel a promise that another request made.
 */
import type { Lease, LimiterApi } from "../../limiter/limiter-api.ts";
import { list, object, truth, whole, withDefault } from "../../shared/shape.ts";
import { within } from "../deadline.ts";
import { Slots } from "../slots.ts";
import type { WaitUntil } from "../wait-until.ts";
import { askedKey, type AskedKey } from "./asks.ts";
import type { LimitKey } from "./local-table.ts";
import { ASK_DEADLINE_MS, type Left, type LimitDecision, type RateLimits } from "./rate-limit.ts";
import type { LimitRule } from "./rule.ts";

/** How long asks that nobody waits for are collected. */
export const LINGER_MS = 20;
/** The longest that a request waits for a lease; after it the rule says what that means. The shard may only be far away. */
export const WAIT_DEADLINE_MS = 100;
/** The longest that a request waits for an exact count: across an ocean and back, because it always does. */
export const STRICT_DEADLINE_MS = 500;
/** Requests of one isolate that may wait at a time; the rest are decided at once. */
export const WAITS_MAX = 64;

export type LimiterLinkDeps = {
  readonly limits: RateLimits;
  /** Called for each use: a stub belongs to the request that made it. What it answers is parsed here. */
  readonly shard: (n: number) => Shard;
  /** A random word that stays the isolate's; called once, within a request. */
  readonly newIsolateId: () => number;
};

/** A `Limiter` object, whose answers are the wire's. */
export type Shard = { readonly [K in keyof LimiterApi]: Asking<LimiterApi[K]> };
type Asking<F extends (...args: never) => unknown> = (...args: Parameters<F>) => Promise<unknown>;

export class LimiterLink {
  readonly #deps: LimiterLinkDeps;
  readonly #lingeringUntilMs: Float64Array;
  readonly #waits = new Slots(WAITS_MAX);
  #isolate: number | null = null;

  constructor(deps: LimiterLinkDeps) {
    this.#deps = deps;
    this.#lingeringUntilMs = new Float64Array(deps.limits.asks.shards);
  }

  /** Decides on one request under one rule. Answers at once but for the few that wait; never throws, never rejects. */
  check(
    rule: LimitRule,
    key: LimitKey,
    waitUntil: WaitUntil,
  ): LimitDecision | Promise<LimitDecision> {
    const { limits } = this.#deps;
    const nowMs = Date.now();
    const decision = limits.decide(rule, key, nowMs);
    if (decision.kind !== "ask") {
      if (!limits.asks.isEmpty) this.#sendLater(limits.asks.shardOf(key), nowMs, waitUntil);
      return decision;
    }
    const asked = askedKey(rule, key);
    const isStrict = rule.accuracy === "strict";
    const untilMs = nowMs + (isStrict ? STRICT_DEADLINE_MS : WAIT_DEADLINE_MS);
    if (!this.#waits.take(nowMs, untilMs)) return limits.decideUnasked(asked, nowMs);
    return this.#waited(isStrict ? this.#take(asked) : this.#ask(asked, waitUntil), untilMs);
  }

  async #waited(deciding: Promise<LimitDecision>, untilMs: number): Promise<LimitDecision> {
    const decision = await deciding;
    this.#waits.give(untilMs);
    return decision;
  }

  /** What is left for a key that was just decided on. */
  left(rule: LimitRule, key: LimitKey): Left {
    return this.#deps.limits.left({ rule, key }, Date.now());
  }

  #sendLater(shard: number, nowMs: number, waitUntil: WaitUntil): void {
    if (this.#deps.limits.asks.waitingFor(shard) === 0) return;
    // A deadline and not a flag: should the runtime cancel this one, the next request sends.
    if (nowMs < (this.#lingeringUntilMs[shard] ?? 0)) return;
    this.#lingeringUntilMs[shard] = nowMs + LINGER_MS + ASK_DEADLINE_MS;
    waitUntil(
      new Promise((resolve) => setTimeout(resolve, LINGER_MS)).then(() => {
        this.#lingeringUntilMs[shard] = 0;
        return this.#send(shard);
      }),
    );
  }

  async #ask(asked: AskedKey, waitUntil: WaitUntil): Promise<LimitDecision> {
    const { limits } = this.#deps;
    const shard = limits.asks.shardOf(asked.key);
    limits.ask(asked, Date.now());
    const sending = this.#send(shard);
    // It goes on after the deadline, for the requests that follow.
    waitUntil(sending);
    const isAnswered = await within(sending, WAIT_DEADLINE_MS, false);
    const nowMs = Date.now();
    return isAnswered ? limits.decideAgain(asked, nowMs) : limits.decideUnanswered(asked, nowMs);
  }

  async #take(asked: AskedKey): Promise<LimitDecision> {
    const { limits } = this.#deps;
    const { rule, key } = asked;
    if (limits.asks.isQuiet(key, Date.now())) return limits.decideUnanswered(asked, Date.now());
    const shard = limits.asks.shardOf(key);
    const [high = 0, low = 0] = key;
    const taking = this.#call(() => this.#deps.shard(shard).take(high, low, rule.quota));
    const answer = takenShape(await within(taking, STRICT_DEADLINE_MS, null));
    const nowMs = Date.now();
    if (answer.ok) return limits.decideTaken(asked, answer.value, nowMs);
    limits.fail(shard, [], nowMs);
    return limits.decideUnanswered(asked, nowMs);
  }

  /** One call with all that waits for the shard; false when it was not answered in time. Never rejects. */
  async #send(shard: number): Promise<boolean> {
    const { limits } = this.#deps;
    const keys = limits.asks.take(shard);
    if (keys.length === 0) return true;
    const asks = limits.prepare(keys);
    this.#isolate ??= this.#deps.newIsolateId();
    const isolate = this.#isolate;
    const calling = this.#call(() => this.#deps.shard(shard).lease(isolate, asks));
    const leases = readLeases(await within(calling, ASK_DEADLINE_MS, null), keys.length);
    if (leases === null) limits.fail(shard, asks, Date.now());
    else limits.settle(keys, leases, Date.now());
    return leases !== null;
  }

  /** Null for whatever goes wrong: an unreachable shard is the ordinary case that `fail` is for. */
  #call(call: () => Promise<unknown>): Promise<unknown> {
    return Promise.resolve()
      .then(call)
      .catch(() => null);
  }
}

const count = whole(0);
const leaseShape = object({
  granted: count,
  pauseMs: count,
  // A shard built before this was said.
  remaining: withDefault(count, 0),
  participants: count,
});
const takenShape = object({ isAdmitted: truth, remaining: count, retryAfterMs: count });

function readLeases(answer: unknown, wanted: number): readonly Lease[] | null {
  const read = list(leaseShape, wanted, wanted)(answer);
  return read.ok ? read.value : null;
}
