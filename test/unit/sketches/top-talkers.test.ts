import fc from "fast-check";
import { it } from "vitest";
import { mix32 } from "../../../src/sketches/hash.ts";
import {
  DIMENSIONS,
  NAME_CHARS_MAX,
  REPORTED_MAX,
  talkerKeys,
  TopTalkers,
  WINDOW_MS,
  type Dimension,
  type DimensionReport,
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

const reportOf = (
  talkers: TopTalkers,
  dimension: Dimension,
  nowMs: number,
): DimensionReport | undefined =>
  talkers.report(nowMs).find((report) => report.dimension === dimension);

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
    const report = reportOf(talkers, "address", events * 0.009);
    const truth = countsOf(seen);
    const found = report?.top.slice(0, 20) ?? [];
    expect(new Set(found.map(({ name }) => name))).toEqual(new Set(heavy.map(String)));
    for (const { name, count, atLeast } of found) {
      const real = truth.get(Number(name)) ?? 0;
      expect(count).toBeGreaterThanOrEqual(real);
      expect(atLeast).toBeLessThanOrEqual(real);
      expect(count - real).toBeLessThan(real * 0.05);
    }
    expect(report?.total).toBe(events);
    const distinct = truth.size;
    expect(Math.abs((report?.distinct ?? 0) - distinct) / distinct).toBeLessThan(0.065);
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
  const report = talkers.report(0);
  expect(report.map(({ dimension }) => dimension)).toEqual(
    DIMENSIONS.filter((dimension) => dimension !== "path"),
  );
  for (const { dimension, total, top, distinct } of report) {
    expect(top).toHaveLength(1);
    expect(top[0]).toMatchObject({ name: `the ${dimension}`, count: 100 });
    expect(total).toBe(100);
    expect(Math.round(distinct)).toBe(1);
  }
});

it("fades by halves, window by window, and forgets who was there two windows ago", ({ expect }) => {
  const talkers = new TopTalkers();
  const record = addresses(talkers);
  for (let request = 0; request < 1_024; request += 1) record(9, 1);
  expect(reportOf(talkers, "address", WINDOW_MS - 1)).toMatchObject({ total: 1_024 });
  const next = reportOf(talkers, "address", WINDOW_MS);
  expect(next).toMatchObject({ total: 512, top: [{ name: "9", count: 512 }] });
  expect(Math.round(next?.distinct ?? 0)).toBe(1);
  expect(reportOf(talkers, "address", 2 * WINDOW_MS)).toMatchObject({ total: 256, distinct: 0 });
});

it("leaves nothing of old traffic after an idle gap, however long the gap", ({ expect }) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.integer({ min: 0, max: 400 * WINDOW_MS }),
      fc.integer({ min: 0, max: WINDOW_MS }),
      (requests, gapMs, startMs) => {
        const talkers = new TopTalkers();
        const record = addresses(talkers);
        for (let request = 0; request < requests; request += 1) record(7, startMs);
        const endMs = startMs + gapMs;
        const windows = Math.floor(endMs / WINDOW_MS) - Math.floor(startMs / WINDOW_MS);
        // One request afterwards must not revive anything.
        record(8, endMs);
        const report = reportOf(talkers, "address", endMs);
        expect(report?.total).toBe(Math.floor(requests / 2 ** windows) + 1);
        const old = report?.top.find(({ name }) => name === "7");
        expect(old?.count ?? 0).toBeLessThanOrEqual(requests / 2 ** windows);
        if (windows >= 2) expect(Math.round(report?.distinct ?? 0)).toBe(1);
      },
    ),
    { numRuns: 40 },
  );
});

it("keeps counting when the clock goes back", ({ expect }) => {
  const talkers = new TopTalkers();
  const record = addresses(talkers);
  for (let request = 0; request < 50; request += 1) record(7, 5 * WINDOW_MS);
  for (let request = 0; request < 50; request += 1) record(7, 0);
  expect(reportOf(talkers, "address", 0)).toMatchObject({ total: 100 });
});

it("says no more than 32 per dimension, and cuts long names", ({ expect }) => {
  const talkers = new TopTalkers();
  const keys = talkerKeys();
  const names = { nameOf: () => "x".repeat(10_000) };
  for (let request = 0; request < 20_000; request += 1) {
    keys[5] = 1 + (request % 100);
    talkers.record(keys, names, 0);
  }
  const top = reportOf(talkers, "user_agent", 0)?.top ?? [];
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
