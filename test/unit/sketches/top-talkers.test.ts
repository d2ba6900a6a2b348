import fc from "fast-check";
import { it } from "vitest";
import { distinctOf } from "../../../src/sketches/merged-talkers.ts";
import { mix32 } from "../../../src/sketches/hash.ts";
import {
  DIMENSIONS,
  NAME_CHARS_MAX,
  REPORTED_MAX,
  REPORTED_MIN,
  talkerKeys,
  TopTalkers,
  WINDOW_MS,
  type Dimension,
  type DimensionCut,
} from "../../../src/sketches/top-talkers.ts";
import { countsOf, randomFrom } from "./support.ts";

/** Counts requests that have only an address, and names them by it. */
function addresses(talkers: TopTalkers) {
  const keys = talkerKeys();
  const names = { nameOf: () => String(keys[0]) };
  return (address: number, nowMs: number): void => {
    keys[0] = address;
    talkers.record(keys, names, nowMs);
  };
}

/** As many keys of one dimension as are counted by name. */
const COUNTERS = 128;

const cutOf = (
  talkers: TopTalkers,
  dimension: Dimension,
  nowMs: number,
): DimensionCut | undefined => talkers.cut(nowMs).find((cut) => cut.dimension === dimension);

it.for([1, 2, 3])(
  "finds 20 sources of one in fifty each among 700 000, seed %i",
  (seed, { expect }) => {
    const random = randomFrom(seed);
    const talkers = new TopTalkers();
    const record = addresses(talkers);
    const heavy = Array.from({ length: 20 }, (_, index) => mix32(seed * 1_000 + index));
    const events = 1_000_000;
    const seen: number[] = [];
    for (let at = 0; at < events; at += 1) {
      const source = random();
      const address =
        source < 0.4
          ? (heavy[Math.floor(source * 50)] ?? 0)
          : mix32(1_000_000 + Math.floor(random() * 700_000));
      seen.push(address);
      record(address, at * 0.009);
    }
    const cut = cutOf(talkers, "address", events * 0.009);
    const truth = countsOf(seen);
    const found = cut?.top.slice(0, 20) ?? [];
    expect(new Set(found.map(({ name }) => name))).toEqual(new Set(heavy.map(String)));
    for (const { name, count, atLeast } of found) {
      const real = truth.get(Number(name)) ?? 0;
      expect(count).toBeGreaterThanOrEqual(real);
      expect(atLeast).toBeLessThanOrEqual(real);
      expect(count - real).toBeLessThan(real * 0.05);
    }
    expect(cut?.total).toBe(events);
    const distinct = truth.size;
    const estimate = cut === undefined ? 0 : distinctOf(cut);
    expect(Math.abs(estimate - distinct) / distinct).toBeLessThan(0.065);
  },
);

it("reports each dimension by its own key, and none that was not seen", ({ expect }) => {
  const talkers = new TopTalkers();
  const keys = talkerKeys();
  const names = { nameOf: (dimension: Dimension) => `the ${dimension}` };
  for (let request = 0; request < 100; request += 1) {
    keys.set([1, 2, 3, 4, 5, 6, 0]);
    talkers.record(keys, names, 0);
  }
  const cuts = talkers.cut(0);
  expect(cuts.map(({ dimension }) => dimension)).toEqual(
    DIMENSIONS.filter((dimension) => dimension !== "path"),
  );
  for (const cut of cuts) {
    expect(cut.top).toHaveLength(1);
    expect(cut.top[0]).toMatchObject({ name: `the ${cut.dimension}`, count: 100 });
    expect(cut.total).toBe(100);
    expect(distinctOf(cut)).toBe(1);
  }
});

it("hands over only what happened since the last time", ({ expect }) => {
  const talkers = new TopTalkers();
  const record = addresses(talkers);
  for (let request = 0; request < 1_000; request += 1) record(9, 1);
  expect(cutOf(talkers, "address", 1)).toMatchObject({ total: 1_000, top: [{ count: 1_000 }] });
  expect(talkers.cut(1)).toEqual([]);
  for (let request = 0; request < 10; request += 1) record(9, 2);
  record(10, 2);
  const next = cutOf(talkers, "address", 2);
  expect(next).toMatchObject({ total: 11, top: [{ name: "9", count: 10, atLeast: 10 }] });
  expect(distinctOf(next ?? { distinct: new Uint8Array() })).toBe(2);
});

it("loses nothing of a talker between two cuts, and waits with the small ones", ({ expect }) => {
  const talkers = new TopTalkers();
  const record = addresses(talkers);
  for (let request = 0; request < 100; request += 1) record(9, 0);
  let handed = cutOf(talkers, "address", 0)?.top[0]?.count ?? 0;
  for (let request = 0; request < 20; request += 1) {
    record(9, 0);
    const top = cutOf(talkers, "address", 0)?.top ?? [];
    handed += top[0]?.count ?? 0;
    expect(top).toHaveLength((request + 1) % REPORTED_MIN === 0 ? 1 : 0);
  }
  expect(handed).toBe(120);
});

it("counts a sampled request for those that were passed over, by sampled keys alone", ({
  expect,
}) => {
  const talkers = new TopTalkers();
  const keys = talkerKeys();
  const names = { nameOf: (dimension: Dimension) => `the ${dimension}` };
  for (let request = 0; request < 320; request += 1) {
    const isLookedAt = request % 16 === 0;
    keys.set([1, 2, ...(isLookedAt ? [3, 4, 5, 6] : [0, 0, 0, 0]), 7]);
    talkers.record(keys, names, 0, { isRefused: request < 160, sampledFor: isLookedAt ? 16 : 0 });
  }
  for (const cut of talkers.cut(0)) {
    expect(cut).toMatchObject({ total: 320, refused: 160 });
    expect(cut.top).toMatchObject([{ name: `the ${cut.dimension}`, count: 320 }]);
  }
});

it("tells refused requests apart, for each talker and for all", ({ expect }) => {
  const talkers = new TopTalkers();
  const keys = talkerKeys();
  const names = { nameOf: () => String(keys[0]) };
  const record = (key: number, isRefused: boolean) => {
    keys[0] = key;
    talkers.record(keys, names, 0, { isRefused, sampledFor: 1 });
  };
  for (let request = 0; request < 200; request += 1) {
    record(7, request >= 50);
    record(8, false);
  }
  const cut = cutOf(talkers, "address", 0);
  expect(cut).toMatchObject({ total: 400, refused: 150 });
  expect(cut?.top).toMatchObject([
    { name: "7", count: 200, refused: 150 },
    { name: "8", count: 200, refused: 0 },
  ]);
  for (let request = 0; request < 10; request += 1) record(7, false);
  expect(cutOf(talkers, "address", 0)).toMatchObject({ refused: 0, top: [{ refused: 0 }] });
});

it("forgets who stood out, by halves, however long nothing was counted", ({ expect }) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 8, max: 500 }),
      fc.integer({ min: 0, max: 400 * WINDOW_MS }),
      fc.integer({ min: 0, max: WINDOW_MS }),
      (requests, gapMs, startMs) => {
        const talkers = new TopTalkers();
        const record = addresses(talkers);
        const held = Array.from({ length: COUNTERS }, (_, n) => n + 1);
        for (const address of held) {
          for (let request = 0; request < requests; request += 1) record(address, startMs);
        }
        // All of them are told, so many at a time, and only where there is something new.
        for (let told = 0; told < COUNTERS; told += REPORTED_MAX) {
          talkers.cut(startMs);
          record(0xffff, startMs);
        }
        const endMs = startMs + gapMs;
        const left = Math.floor(requests / 2 ** Math.floor(gapMs / WINDOW_MS));
        // One more than is left of those who had all counters is enough for a name.
        for (let request = 0; request <= Math.max(left, 8); request += 1) record(999, endMs);
        const cut = cutOf(talkers, "address", endMs);
        expect(cut?.top.map(({ name }) => name)).toContain("999");
      },
    ),
    { numRuns: 40 },
  );
});

it("tells all of who sends little and has a counter, however many windows end meanwhile", ({
  expect,
}) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 120 }),
      fc.integer({ min: 1, max: 40 }),
      (perSecond, burst) => {
        const talkers = new TopTalkers();
        const record = addresses(talkers);
        let sent = 40 + burst;
        // Not told before the first window ends, either.
        for (let request = 0; request < 40; request += 1) record(7, -1_000 - WINDOW_MS);
        for (let request = 0; request < burst; request += 1) record(7, -500);
        let told = cutOf(talkers, "address", 0)?.top[0]?.count ?? 0;
        for (const [second, count] of perSecond.entries()) {
          for (let request = 0; request < count; request += 1) record(7, second * 1_000);
          sent += count;
          told += cutOf(talkers, "address", second * 1_000)?.top[0]?.count ?? 0;
        }
        expect(told).toBeLessThanOrEqual(sent);
        expect(sent - told).toBeLessThan(REPORTED_MIN);
      },
    ),
    { numRuns: 60 },
  );
});

it("keeps no long header alive for the start of it", ({ expect }) => {
  const talkers = new TopTalkers();
  const keys = talkerKeys();
  for (let request = 0; request < 100; request += 1) {
    keys[5] = 5;
    talkers.record(keys, { nameOf: () => `é${"x".repeat(20_000)}` }, 0);
  }
  const [name = ""] = cutOf(talkers, "user_agent", 0)?.top.map((talker) => talker.name) ?? [];
  expect(name).toBe(`é${"x".repeat(NAME_CHARS_MAX - 1)}`);
});

it("keeps counting when the clock goes back", ({ expect }) => {
  const talkers = new TopTalkers();
  const record = addresses(talkers);
  for (let request = 0; request < 50; request += 1) record(7, 5 * WINDOW_MS);
  for (let request = 0; request < 50; request += 1) record(7, 0);
  expect(cutOf(talkers, "address", 0)).toMatchObject({ total: 100 });
});

it("says no more than 32 per dimension, and cuts long names", ({ expect }) => {
  const talkers = new TopTalkers();
  const keys = talkerKeys();
  const names = { nameOf: () => "x".repeat(10_000) };
  for (let request = 0; request < 20_000; request += 1) {
    keys[5] = 1 + (request % 100);
    talkers.record(keys, names, 0);
  }
  const top = cutOf(talkers, "user_agent", 0)?.top ?? [];
  expect(top).toHaveLength(REPORTED_MAX);
  for (const { name } of top) expect(name).toHaveLength(NAME_CHARS_MAX);
});

it("asks for names seldom, and is as large after ten million addresses as before", ({ expect }) => {
  const talkers = new TopTalkers();
  const before = talkers.byteLength;
  let asked = 0;
  const names = { nameOf: () => String((asked += 1)) };
  const keys = talkerKeys();
  for (let request = 1; request <= 10_000_000; request += 1) {
    keys[0] = mix32(request);
    talkers.record(keys, names, request / 100);
  }
  expect(talkers.byteLength).toBe(before);
  expect(before).toBeLessThanOrEqual(640 * 1_024);
  expect(asked).toBeLessThan(10_000_000 / 500);
});
