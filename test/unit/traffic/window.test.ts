import fc from "fast-check";
import { it } from "vitest";
import { isSuspicious } from "../../../src/traffic/suspicion.ts";
import { LABELS_MAX } from "../../../src/traffic/tally.ts";
import { ISOLATES_MAX } from "../../../src/traffic/flush-numbers.ts";
import { KEPT_SECONDS, TrafficMemory } from "../../../src/traffic/window.ts";
import { aFlush, aSecond } from "../../support/traffic.ts";

const NOW = 10_000;
const NOW_MS = NOW * 1_000;
/** Has been listening for longer than it keeps anything. */
const listening = () => new TrafficMemory(0);

it("merges what isolates counted in the same second", ({ expect }) => {
  const memory = listening();
  const labels = { refused: { maintenance: 2 }, policySeqs: { "1.1": 3 }, unknownEntries: 1 };
  memory.add(
    aFlush("a", 1, [aSecond(NOW, { served: 3, failed: 1, faults: 1, ...labels })]),
    NOW_MS,
  );
  memory.add(aFlush("b", 1, [aSecond(NOW, { served: 4, ...labels })]), NOW_MS);
  expect(memory.window(1, NOW)).toMatchObject({
    fromSecond: NOW - 1,
    untilSecond: NOW,
    lastFlushAtMs: NOW_MS,
    lostFlushes: 0,
    seconds: [
      {
        second: NOW,
        served: 7,
        failed: 1,
        faults: 1,
        refused: { maintenance: 4 },
        policySeqs: { "1.1": 6 },
        unknownEntries: 1,
      },
    ],
  });
});

it("holds the seconds after `from` up to and including `until`, oldest first", ({ expect }) => {
  const memory = listening();
  const seconds = [NOW, NOW - 3, NOW - 1, NOW - 2].map((second) => aSecond(second, { served: 1 }));
  memory.add(aFlush("a", 1, seconds), NOW_MS);
  expect(memory.window(2, NOW - 1).seconds.map(({ second }) => second)).toEqual([NOW - 2, NOW - 1]);
});

it("counts a repeated flush once", ({ expect }) => {
  const memory = listening();
  const flush = aFlush("a", 1, [aSecond(NOW, { served: 5 })]);
  memory.add(flush, NOW_MS);
  memory.add(flush, NOW_MS);
  expect(memory.window(1, NOW).seconds[0]?.served).toBe(5);
});

it("says how many flushes are missing, in the window in which they were missed", ({ expect }) => {
  const memory = listening();
  memory.add(aFlush("a", 1), NOW_MS);
  memory.add(aFlush("a", 4), NOW_MS);
  expect(memory.window(5, NOW).lostFlushes).toBe(2);
  expect(memory.window(5, NOW + 5).lostFlushes).toBe(0);
});

it("says nothing of the time before it began, rather than zero", ({ expect }) => {
  const memory = new TrafficMemory(NOW_MS);
  expect(memory.window(60, NOW + 2)).toMatchObject({ fromSecond: NOW, lastFlushAtMs: null });
  memory.add(aFlush("a", 9, [aSecond(NOW + 1, { served: 1 })]), NOW_MS + 1_000);
  expect(memory.window(60, NOW + 2)).toMatchObject({ fromSecond: NOW });
});

it("misses nothing of an isolate that had reported to its predecessor", ({ expect }) => {
  const memory = new TrafficMemory(NOW_MS);
  memory.add(aFlush("a", 9, [aSecond(NOW + 1, { failed: 3 })]), NOW_MS + 1_000);
  expect(memory.window(10, NOW + 2)).toMatchObject({ lostFlushes: 0, seconds: [{ failed: 3 }] });
  memory.add(aFlush("a", 11), NOW_MS + 2_000);
  expect(memory.window(10, NOW + 2).lostFlushes).toBe(1);
});

it("ignores seconds that are too old or too far ahead", ({ expect }) => {
  const memory = listening();
  const odd = [NOW - KEPT_SECONDS, NOW + 6].map((second) => aSecond(second, { served: 1 }));
  memory.add(aFlush("a", 1, odd), NOW_MS);
  expect(memory.window(KEPT_SECONDS * 2, NOW + 10).seconds).toEqual([]);
});

it("stays bounded, whatever arrives", ({ expect }) => {
  const memory = listening();
  for (let second = 1; second <= KEPT_SECONDS * 3; second += 1) {
    memory.add(aFlush("a", second, [aSecond(second, { served: 1 })]), second * 1_000);
  }
  expect(memory.window(KEPT_SECONDS * 3, KEPT_SECONDS * 3).seconds).toHaveLength(KEPT_SECONDS);

  const shadowed = Object.fromEntries(
    Array.from({ length: LABELS_MAX * 2 }, (_, n) => [`lse_${n}`, 1]),
  );
  const until = KEPT_SECONDS * 3;
  memory.add(aFlush("b", 1, [aSecond(until, { shadowed })]), until * 1_000);
  const labels = memory.window(1, until).seconds[0]?.shadowed ?? {};
  expect(Object.keys(labels)).toHaveLength(LABELS_MAX + 1);
  expect(labels["other"]).toBe(LABELS_MAX);

  for (let n = 0; n <= ISOLATES_MAX; n += 1) memory.add(aFlush(`i${n}`, 1), until * 1_000);
  // Forgotten, so its last flush is news once more.
  memory.add(aFlush("a", until, [aSecond(until, { served: 7 })]), until * 1_000);
  expect(memory.window(1, until).seconds[0]?.served).toBe(8);
});

it("adds up to the same whatever the order of isolates", ({ expect }) => {
  const flushes = fc.array(
    fc.record({
      served: fc.nat(100),
      failed: fc.nat(100),
      second: fc.integer({ min: NOW - 5, max: NOW }),
    }),
    { maxLength: 10 },
  );
  const merged = (given: readonly { second: number; served: number; failed: number }[]) => {
    const memory = listening();
    given.forEach((counts, index) => {
      memory.add(aFlush(`i${index}`, 1, [aSecond(counts.second, counts)]), NOW_MS);
    });
    return memory.window(10, NOW).seconds;
  };
  fc.assert(
    fc.property(flushes, (given) => {
      expect(merged(given.toReversed())).toEqual(merged(given));
    }),
  );
});

it.for([
  ["healthy", 100, 0, false],
  ["a little", 71, 29, false],
  ["at the ratio", 70, 30, true],
  ["all of it", 0, 10, true],
  ["too few requests to tell", 0, 9, false],
  ["nothing at all", 0, 0, false],
] as const)("suspects %s: %d served, %d failed", ([, served, failed, expected], { expect }) => {
  const memory = listening();
  const refused = { maintenance: 1_000 };
  memory.add(aFlush("a", 1, [aSecond(NOW, { served, failed, refused })]), NOW_MS);
  const limits = { errorRatio: 0.3, requestsMin: 10, failedSignInsMin: 100 };
  expect(isSuspicious(memory.lately(5, NOW), NOW, limits)).toBe(expected);
});
