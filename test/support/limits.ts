/** Several isolates and one limiter shard on a virtual clock: the product's own code, with a network that only takes time. */
import type { AskedKey } from "../../src/guard/limits/asks.ts";
import { admit, NEVER, quotaOf, REFUSED } from "../../src/guard/limits/gcra.ts";
import { RateLimits, type LimitDecision } from "../../src/guard/limits/rate-limit.ts";
import { limitRule, type LimitRule, type RuleWords } from "../../src/guard/limits/rule.ts";
import { LeaseTable } from "../../src/limiter/lease.ts";
import type { Lease } from "../../src/limiter/limiter-api.ts";
import { mix32 } from "../../src/sketches/hash.ts";

export type Scenario = {
  readonly isolates: number;
  readonly limit: number;
  readonly windowMs: number;
  /** Requests offered, as a multiple of the limit. */
  readonly load: number;
  readonly seconds: number;
  readonly seed: number;
  /** `even`: every isolate sees as much. `skewed`: each half as much as the one before. */
  readonly spread?: "even" | "skewed";
  /** `random`: as strangers come (Poisson). `paced`: as one program sends. */
  readonly arrivals?: "random" | "paced";
  readonly rttMs?: number;
};

export type Outcome = {
  readonly offered: number;
  readonly admitted: number;
  /** What one GCRA that sees every request would have admitted of the same requests. */
  readonly exact: number;
  readonly calls: number;
  /** Requests that waited for the shard. */
  readonly waited: number;
  /** Most admitted in any one window. */
  readonly busiestWindow: number;
};

/** How long asks that nobody waits for are collected before they are sent. */
const LINGER_MS = 20;

export const aRule = (overrides: Partial<RuleWords> = {}): LimitRule =>
  limitRule(
    {
      id: "rule",
      quota: quotaOf(100, 10_000),
      parts: ["address"],
      accuracy: "shared",
      fail: "open",
      penalty: null,
      sessionSource: 0,
      ...overrides,
    },
    "shop.test",
  );

type Event = { readonly atMs: number; readonly run: () => void };

/** Things to happen, in order of time; what is due at the same time happens in the order it was planned. */
class Agenda {
  readonly #events: Event[] = [];

  /** Most delays are the same few, so the place is found near the end. */
  plan(atMs: number, run: () => void): void {
    let place = this.#events.length;
    while (place > 0 && (this.#events[place - 1]?.atMs ?? 0) > atMs) place -= 1;
    this.#events.splice(place, 0, { atMs, run });
  }

  runUntil(untilMs: number): void {
    for (;;) {
      const next = this.#events[0];
      if (next === undefined || next.atMs > untilMs) return;
      this.#events.shift();
      next.run();
    }
  }
}

class Isolate {
  readonly limits = new RateLimits(1, 64);
  #isLingering = false;
  readonly #id: number;
  readonly #world: World;

  constructor(id: number, world: World) {
    this.#id = id;
    this.#world = world;
  }

  request(atMs: number): void {
    const { rule, agenda, key } = this.#world;
    const decision = this.limits.decide(rule, key, atMs);
    if (decision.kind === "ask") {
      this.#world.waited += 1;
      this.limits.ask({ rule, key }, atMs);
      this.#send(atMs, (replyAtMs) =>
        this.#world.decided(this.limits.decideAgain({ rule, key }, replyAtMs), replyAtMs),
      );
      return;
    }
    this.#world.decided(decision, atMs);
    if (this.limits.asks.waitingFor(0) === 0 || this.#isLingering) return;
    this.#isLingering = true;
    agenda.plan(atMs + LINGER_MS, () => {
      this.#isLingering = false;
      this.#send(atMs + LINGER_MS);
    });
  }

  #send(atMs: number, onReply: (atMs: number) => void = () => {}): void {
    const keys: readonly AskedKey[] = this.limits.asks.take(0);
    const { agenda, rttMs } = this.#world;
    if (keys.length > 0) this.#world.calls += 1;
    const asks = this.limits.prepare(keys);
    agenda.plan(atMs + rttMs / 2, () => {
      const leases: Lease[] = asks.map((ask) =>
        this.#world.shard.lease(this.#id, ask, atMs + rttMs / 2),
      );
      agenda.plan(atMs + rttMs, () => {
        this.limits.settle(keys, leases, atMs + rttMs);
        onReply(atMs + rttMs);
      });
    });
  }
}

class World {
  readonly agenda = new Agenda();
  readonly shard = new LeaseTable(64);
  readonly rule: LimitRule;
  readonly rttMs: number;
  readonly key = Uint32Array.of(0x1234_5678, 0x9abc_def0);
  readonly admittedAtMs: number[] = [];
  calls = 0;
  waited = 0;

  constructor(rule: LimitRule, rttMs: number) {
    this.rule = rule;
    this.rttMs = rttMs;
  }

  decided(decision: LimitDecision, atMs: number): void {
    if (decision.kind === "admit") this.admittedAtMs.push(atMs);
  }
}

const START_MS = 1_700_000_000_000;

/** Plays a scenario; the same one always ends the same. */
export function simulate(scenario: Scenario): Outcome {
  const { isolates: count, limit, windowMs, load, seconds, seed } = scenario;
  const random = randomFrom(seed);
  const world = new World(aRule({ quota: quotaOf(limit, windowMs) }), scenario.rttMs ?? 30);
  const isolates = Array.from({ length: count }, (_, id) => new Isolate(mix32(id + seed), world));
  const everyMs = windowMs / (load * limit);
  let [offered, exact, tat] = [0, 0, NEVER];
  for (let afterMs = 0; afterMs < seconds * 1_000; offered += 1) {
    afterMs += scenario.arrivals === "paced" ? everyMs : -Math.log(1 - random()) * everyMs;
    const atMs = START_MS + Math.floor(afterMs);
    world.agenda.runUntil(atMs);
    const next = admit(tat, atMs - START_MS + 1, world.rule.quota);
    if (next !== REFUSED) [tat, exact] = [next, exact + 1];
    isolates[placeOf(random(), count, scenario.spread ?? "even")]?.request(atMs);
  }
  world.agenda.runUntil(Infinity);
  const admitted = world.admittedAtMs.length;
  const busiestWindow = mostWithin(world.admittedAtMs, windowMs);
  const { calls, waited } = world;
  return { offered, admitted, exact, calls, waited, busiestWindow };
}

const placeOf = (at: number, count: number, spread: "even" | "skewed"): number =>
  spread === "even" ? Math.floor(at * count) : Math.min(Math.floor(-Math.log2(1 - at)), count - 1);

function mostWithin(sortedMs: readonly number[], windowMs: number): number {
  let [first, most] = [0, 0];
  for (const [index, atMs] of sortedMs.entries()) {
    while ((sortedMs[first] ?? 0) <= atMs - windowMs) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

/** Numbers in 0..1 from a seed (xorshift32). */
export function randomFrom(seed: number): () => number {
  let state = mix32(seed) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
