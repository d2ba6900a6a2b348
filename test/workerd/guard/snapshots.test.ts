import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, it, onTestFinished, vi } from "vitest";
import { locationCache, NO_CACHE, type PolicyCache } from "../../../src/guard/policy-cache.ts";
import {
  COLD_DEADLINE_MS,
  COLD_QUIET_MS,
  COLD_WAITS_MAX,
  FRESH_MS_MAX,
  REFRESH_LEAD_MS,
  REFRESH_DEADLINE_MS,
  Snapshots,
  type PolicyReader,
} from "../../../src/guard/snapshots.ts";
import type { PolicyApi } from "../../../src/policy/policy-api.ts";
import type { Policy, PolicySeq } from "../../../src/policy/policy.ts";
import { aPolicy, anEntry, aSettings } from "../../support/policy.ts";

const POLL_MS = 1_000;
const policyOf = (n: number, changes: Partial<Policy> = {}): Policy =>
  aPolicy({ seq: { epoch: 1, n }, settings: aSettings({ pollMs: POLL_MS }), ...changes });

type ScriptedReader = PolicyReader & {
  readonly asked: readonly (PolicySeq | null)[];
  answer: () => Promise<unknown>;
  holds(policy: Policy): void;
};

/** A policy object that answers what the test sets, and keeps what it was asked. */
function aReader(): ScriptedReader {
  const asked: (PolicySeq | null)[] = [];
  const reader: ScriptedReader = {
    asked,
    answer: async () => ({ seq: { epoch: 1, n: 1 }, policy: policyOf(1) }),
    read(since: PolicySeq | null): Promise<unknown> {
      asked.push(since);
      return reader.answer();
    },
    blob: async () => null,
    holds(policy: Policy): void {
      reader.answer = async () => ({ seq: policy.seq, policy });
    },
  };
  return reader;
}

/** An isolate whose requests ask for the snapshot; what they left to waitUntil is awaited by `idle`. */
function anIsolate(reader: PolicyReader, cache: PolicyCache = NO_CACHE) {
  const snapshots = new Snapshots({
    reader: () => reader,
    cache,
    random: () => 1,
    onTableRefusal: () => undefined,
  });
  const pending: Promise<unknown>[] = [];
  const request = async () =>
    (await snapshots.current((promise) => void pending.push(promise)))?.loaded.policy.seq.n ?? null;
  return { snapshots, request, pending, idle: () => Promise.all(pending) };
}

/** A location's copies without the runtime's cache, whose own clock tests cannot move. */
function aLocationInMemory(): PolicyCache {
  let held: { readonly policy: unknown; readonly confirmedAtMs: number } | null = null;
  return {
    ...NO_CACHE,
    match: async () => held,
    put: async ({ loaded, confirmedAtMs }) =>
      void (held = { policy: loaded.policy, confirmedAtMs }),
  };
}

function atTime(): (laterMs: number) => void {
  const startMs = Date.now();
  vi.useFakeTimers({ now: startMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  return (laterMs) => vi.setSystemTime(startMs + laterMs);
}

describe("a cold isolate", () => {
  it("waits for its first policy, and only for that", async ({ expect }) => {
    const reader = aReader();
    const isolate = anIsolate(reader);
    expect(await isolate.request()).toBe(1);
    expect(await isolate.request()).toBe(1);
    expect(reader.asked).toEqual([null]);
  });

  it("decides without one at its deadline, and has it for those who follow", async ({ expect }) => {
    const reader = aReader();
    const late = Promise.withResolvers<unknown>();
    reader.answer = () => late.promise;
    const isolate = anIsolate(reader);
    const startedAtMs = Date.now();
    expect(await isolate.request()).toBeNull();
    const tookMs = Date.now() - startedAtMs;
    expect(tookMs).toBeGreaterThanOrEqual(COLD_DEADLINE_MS - 5);
    expect(tookMs).toBeLessThan(REFRESH_DEADLINE_MS / 2);

    late.resolve({ seq: { epoch: 1, n: 1 }, policy: policyOf(1) });
    await isolate.idle();
    expect(await isolate.request()).toBe(1);
  });

  it("costs one request the deadline while nobody answers, not every one", async ({ expect }) => {
    const later = atTime();
    const reader = aReader();
    reader.answer = () => Promise.reject(new Error("unreachable"));
    const isolate = anIsolate(reader);
    for (let n = 0; n < 5; n += 1) expect(await isolate.request()).toBeNull();
    expect(reader.asked).toHaveLength(1);
    later(COLD_QUIET_MS);
    await isolate.request();
    expect(reader.asked).toHaveLength(2);
  });

  it("lets a bounded number of requests wait", async ({ expect }) => {
    const reader = aReader();
    const late = Promise.withResolvers<unknown>();
    reader.answer = () => late.promise;
    const isolate = anIsolate(reader);
    const waiting = Array.from({ length: COLD_WAITS_MAX * 2 }, () => isolate.request());
    expect(await waiting.at(-1)).toBeNull();
    expect(reader.asked).toHaveLength(COLD_WAITS_MAX);
    late.resolve(undefined);
    await Promise.all(waiting);
  });
});

describe("a warm isolate", () => {
  it("refreshes in the background once a poll has passed", async ({ expect }) => {
    const later = atTime();
    const reader = aReader();
    const isolate = anIsolate(reader);
    await isolate.request();
    reader.holds(policyOf(2));
    later(POLL_MS - 1);
    await isolate.request();
    expect(reader.asked).toHaveLength(1);

    later(POLL_MS);
    expect(await isolate.request()).toBe(1);
    await isolate.request();
    await isolate.idle();
    expect(await isolate.request()).toBe(2);
    expect(reader.asked).toEqual([null, { epoch: 1, n: 1 }]);
  });

  const BAD_ANSWERS: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["unreachable", () => Promise.reject(new Error("down"))],
    ["garbage", async () => "<!doctype html>"],
    ["an answer without a seq", async () => ({ policy: policyOf(2) })],
    [
      "a policy that is malformed",
      async () => ({ seq: { epoch: 1, n: 2 }, policy: { format: 1 } }),
    ],
    [
      "a policy of another format",
      async () => ({ seq: { epoch: 1, n: 2 }, policy: { ...policyOf(2), format: 9 } }),
    ],
    [
      "an older policy",
      async () => ({ seq: { epoch: 0, n: 9 }, policy: policyOf(9, { seq: { epoch: 0, n: 9 } }) }),
    ],
    ["an object that is behind", async () => ({ seq: { epoch: 0, n: 9 }, policy: null })],
  ];
  it.for(BAD_ANSWERS)("keeps the last good policy: %s", async ([, answer], { expect }) => {
    const later = atTime();
    const reader = aReader();
    reader.holds(policyOf(3));
    const isolate = anIsolate(reader);
    await isolate.request();
    const before = isolate.snapshots.peek();
    reader.answer = answer;
    later(POLL_MS);
    await isolate.request();
    await isolate.idle();
    expect(await isolate.request()).toBe(3);
    expect(isolate.snapshots.peek()).toBe(before);
  });

  it("asks less and less often while nobody answers", async ({ expect }) => {
    const later = atTime();
    const reader = aReader();
    const isolate = anIsolate(reader);
    await isolate.request();
    reader.answer = () => Promise.reject(new Error("down"));
    const askedAt: number[] = [];
    for (let laterMs = 500; laterMs <= 5_000; laterMs += 500) {
      later(laterMs);
      const before = reader.asked.length;
      await isolate.request();
      await isolate.idle();
      if (reader.asked.length > before) askedAt.push(laterMs);
    }
    expect(askedAt).toEqual([1_000, 3_000]);
  });

  it("refreshes again after a refresh that was killed with its request", async ({ expect }) => {
    const later = atTime();
    const reader = aReader();
    const isolate = anIsolate(reader);
    await isolate.request();
    reader.answer = () => new Promise<unknown>(() => {});
    later(POLL_MS);
    await isolate.request();
    later(POLL_MS + REFRESH_DEADLINE_MS - 1);
    await isolate.request();
    expect(reader.asked).toHaveLength(2);
    later(POLL_MS + REFRESH_DEADLINE_MS);
    await isolate.request();
    expect(reader.asked).toHaveLength(3);
  });

  it("waits, after a long sleep, for what has changed meanwhile", async ({ expect }) => {
    const later = atTime();
    const reader = aReader();
    const isolate = anIsolate(reader);
    await isolate.request();
    reader.holds(policyOf(2));
    later(60_000);
    expect(await isolate.request()).toBe(2);
  });

  it("goes on with what it has, after a long sleep, when nobody answers", async ({ expect }) => {
    const later = atTime();
    const reader = aReader();
    const isolate = anIsolate(reader);
    await isolate.request();
    reader.answer = () => Promise.reject(new Error("down"));
    later(60_000);
    expect(await isolate.request()).toBe(1);
  });
});

describe("the age of what is decided on", () => {
  const CALM_MS = 60_000;
  const calm = (n: number) => policyOf(n, { settings: aSettings({ pollMs: CALM_MS }) });

  it("is bounded whatever pace the site asks for, and a busy isolate never waits for it", async ({
    expect,
  }) => {
    const later = atTime();
    const reader = aReader();
    reader.holds(calm(1));
    const isolate = anIsolate(reader);
    await isolate.request();
    later(FRESH_MS_MAX - REFRESH_LEAD_MS - 1);
    await isolate.request();
    expect(reader.asked).toHaveLength(1);

    const answer = Promise.withResolvers<unknown>();
    reader.answer = () => answer.promise;
    later(FRESH_MS_MAX - REFRESH_LEAD_MS);
    expect(await isolate.request()).toBe(1);
    expect(reader.asked).toHaveLength(2);
    answer.resolve({ seq: { epoch: 1, n: 2 }, policy: calm(2) });
    await isolate.idle();
    expect(await isolate.request()).toBe(2);
  });

  it("is found too high by the first request after a nap, at the exact millisecond", async ({
    expect,
  }) => {
    for (const [napMs, decidedOn] of [
      [FRESH_MS_MAX, 1],
      [FRESH_MS_MAX + 1, 2],
    ] as const) {
      const later = atTime();
      const reader = aReader();
      reader.holds(calm(1));
      const isolate = anIsolate(reader);
      await isolate.request();
      reader.holds(calm(2));
      later(napMs);
      expect(await isolate.request()).toBe(decidedOn);
    }
  });

  it("is the copy's, not that of the moment when an isolate took it", async ({ expect }) => {
    const later = atTime();
    const reader = aReader();
    reader.holds(calm(1));
    const cache = aLocationInMemory();
    await anIsolate(reader, cache).request();
    later(3_000);
    const second = anIsolate(reader, cache);
    expect(await second.request()).toBe(1);
    expect(reader.asked).toHaveLength(1);

    reader.holds(calm(2));
    later(FRESH_MS_MAX - REFRESH_LEAD_MS);
    await second.request();
    await second.idle();
    expect(reader.asked).toHaveLength(2);
    expect(await second.request()).toBe(2);
  });

  it("is what a relay between them says, if it says so, and never the future", async ({
    expect,
  }) => {
    for (const behindMs of [3_000, -3_000]) {
      const reader = aReader();
      const startMs = Date.now();
      const answer = { seq: calm(1).seq, policy: calm(1), confirmedAtMs: startMs - behindMs };
      reader.answer = async () => answer;
      const isolate = anIsolate(reader);
      await isolate.request();
      const { confirmedAtMs = 0 } = isolate.snapshots.peek() ?? {};
      if (behindMs > 0) expect(confirmedAtMs).toBe(startMs - behindMs);
      else expect(confirmedAtMs).toBeLessThanOrEqual(Date.now());
    }
  });

  it("stays bounded for isolates that share a location, however their requests fall", async ({
    expect,
  }) => {
    const gaps = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 9_000 })), {
      minLength: 1,
      maxLength: 40,
    });
    const startMs = Date.now();
    vi.useFakeTimers({ now: startMs, toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    await fc.assert(
      fc.asyncProperty(gaps, async (requests) => {
        const reader = aReader();
        reader.holds(calm(1));
        const cache = aLocationInMemory();
        const isolates = [0, 1, 2].map(() => anIsolate(reader, cache));
        for (const [which, gapMs] of requests) {
          vi.setSystemTime(Date.now() + gapMs);
          const isolate = isolates[which];
          await isolate?.request();
          const ageMs = Date.now() - (isolate?.snapshots.peek()?.confirmedAtMs ?? 0);
          expect(ageMs).toBeLessThanOrEqual(FRESH_MS_MAX);
          await isolate?.idle();
        }
      }),
    );
  });

  it("makes one request wait while nobody can be reached, not sixteen", async ({ expect }) => {
    const later = atTime();
    const reader = aReader();
    const isolate = anIsolate(reader);
    await isolate.request();
    reader.answer = () => Promise.reject(new Error("down"));
    later(60_000);
    await isolate.request();
    const hanging = Promise.withResolvers<unknown>();
    reader.answer = () => hanging.promise;
    later(60_000 + COLD_QUIET_MS);
    const before = reader.asked.length;
    const [waiting, ...others] = Array.from({ length: 8 }, () => isolate.request());
    expect(await Promise.all(others)).toEqual(others.map(() => 1));
    expect(reader.asked.length - before).toBe(1);
    hanging.resolve(undefined);
    await waiting;
  });
});

describe("with the location's cache and the real object", () => {
  const aLocation = () => {
    const name = crypto.randomUUID();
    const stub = env.TEST_POLICY.getByName(name);
    const policy: PolicyApi = stub;
    let reads = 0;
    const reader: PolicyReader = {
      read(since) {
        reads += 1;
        return policy.read(since);
      },
      blob: (sha256) => policy.blob(sha256),
    };
    const isolate = () => anIsolate(reader, locationCache(name));
    return { stub, policy, isolate, reads: () => reads };
  };

  it("asks the object once for two isolates", async ({ expect }) => {
    const { isolate, policy, reads } = aLocation();
    // Started, so that the cold deadline is spent on the question.
    await policy.read(null);
    const [first, second] = [isolate(), isolate()];
    const n = await first.request();
    await first.idle();
    expect(await second.request()).toBe(n);
    expect(reads()).toBe(1);
  });

  it("asks the object once the cached copy is a poll old", async ({ expect }) => {
    const later = atTime();
    const { isolate, policy, reads } = aLocation();
    const first = isolate();
    const n = await first.request();
    await first.idle();
    await policy.put(anEntry({ expiresAtMs: Date.now() + 600_000 }));
    later(5_001);
    expect(await isolate().request()).toBe((n ?? 0) + 1);
    expect(reads()).toBe(2);
  });

  it("follows the object over its eviction", async ({ expect }) => {
    const later = atTime();
    const { isolate, stub, policy } = aLocation();
    const warm = isolate();
    await policy.put(anEntry({ expiresAtMs: Date.now() + 600_000 }));
    await warm.request();
    await evictDurableObject(stub);
    later(60_000);
    await warm.request();
    const held = warm.snapshots.peek()?.loaded.policy;
    expect(held?.seq).toEqual((await policy.read(null)).seq);
    expect(held?.entries).toHaveLength(1);
  });

  it("passes over a cached copy that is garbage", async ({ expect }) => {
    const reader = aReader();
    const cache: PolicyCache = {
      ...NO_CACHE,
      match: async () => ({ policy: "garbage", confirmedAtMs: Date.now() }),
    };
    expect(await anIsolate(reader, cache).request()).toBe(1);
  });

  it("passes over a cache that throws", async ({ expect }) => {
    const reader = aReader();
    const broken = () => Promise.reject(new Error("no cache here"));
    expect(await anIsolate(reader, { ...NO_CACHE, match: broken, put: broken }).request()).toBe(1);
  });
});
