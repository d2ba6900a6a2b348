import fc from "fast-check";
import { it } from "vitest";
import { LABELS_MAX } from "../../../src/traffic/tally.ts";
import {
  clientsOf,
  isClients,
  TOUCHED_ENTRIES_MAX,
  TouchedTally,
} from "../../../src/traffic/touched.ts";
import { TrafficMemory } from "../../../src/traffic/window.ts";
import { Telemetry } from "../../../src/guard/telemetry.ts";
import { countedFrom, factsFrom } from "../../support/isolates.ts";
import { aFlush } from "../../support/traffic.ts";

const NOW_MS = 1_795_000_000_000;

/** Isolates that report to one memory. */
function reporting(isolates: number) {
  const memory = new TrafficMemory(0);
  const telemetries = Array.from(
    { length: isolates },
    (_, n) =>
      new Telemetry({
        traffic: () => ({ flush: async (flush) => memory.add(flush, NOW_MS) }),
        shards: () => 1,
        newIsolateId: () => `isolate-${n}`,
      }),
  );
  return { memory, telemetries };
}

it("tells for each entry how many, who, where and which bots, over isolates", async ({
  expect,
}) => {
  const { memory, telemetries } = reporting(3);
  const blocked = { kind: "refused", reason: "blocked" } as const;
  for (const [at, telemetry] of telemetries.entries()) {
    for (let client = 0; client < 100; client += 1) {
      const facts = factsFrom(1 + client, {
        path: `/pitches/${client}`,
        isVerifiedBot: () => client < 10,
      });
      // The same hundred clients everywhere; only one isolate sees one that is refused.
      telemetry.record(countedFrom(facts, { shadowedIds: ["lse_a", "lse_b"] }), NOW_MS, () => {});
      telemetry.record(countedFrom(facts), NOW_MS, () => {});
    }
    const refused = countedFrom(factsFrom(7, { path: "/" }), {
      outcome: blocked,
      refusedBy: "lse_c",
    });
    if (at === 0) telemetry.record(refused, NOW_MS, () => {});
    await telemetry.flush();
  }
  const { entries, missingReports } = memory.touched();
  expect(missingReports).toBe(0);
  expect(entries).toMatchObject([
    { entryId: "lse_a", requests: 300, verifiedBots: 30, routes: { "/pitches/:id": 300 } },
    { entryId: "lse_b", requests: 300 },
    { entryId: "lse_c", requests: 1, routes: { "/": 1 } },
  ]);
  const [shadowed = 0, , refused] = entries.map(clientsOf);
  expect(Math.abs(shadowed - 100)).toBeLessThan(10);
  expect(refused).toBe(1);
});

it("says the same however the requests were spread", ({ expect }) => {
  const touches = fc.array(
    fc.record({
      entryId: fc.constantFrom("lse_a", "lse_b"),
      client: fc.integer({ min: 1, max: 1_000 }),
      route: fc.constantFrom("/", "/cart", "/pitches/:id"),
      isVerifiedBot: fc.boolean(),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(touches, fc.integer({ min: 1, max: 60 }), (all, split) => {
      const tally = (some: typeof all) => {
        const counted = new TouchedTally();
        for (const { entryId, ...touch } of some) counted.count(entryId, touch);
        return counted.reports();
      };
      const merged = new TouchedTally();
      merged.add(tally(all.slice(0, split)));
      merged.add(tally(all.slice(split)));
      const byId = (reports: ReturnType<typeof tally>) =>
        Object.fromEntries(reports.map((report) => [report.entryId, report]));
      expect(byId(merged.reports())).toEqual(byId(tally(all)));
    }),
  );
});

it("stays bounded, whatever there is to count", ({ expect }) => {
  const tally = new TouchedTally();
  for (let n = 0; n < 10_000; n += 1) {
    tally.count(`lse_${n}`, { client: n, route: `/${n}`, isVerifiedBot: false });
  }
  const reports = tally.reports();
  expect(reports).toHaveLength(TOUCHED_ENTRIES_MAX + 1);
  const other = reports.find(({ entryId }) => entryId === "other");
  expect(other?.requests).toBe(10_000 - TOUCHED_ENTRIES_MAX);
  expect(Object.keys(other?.routes ?? {})).toHaveLength(LABELS_MAX + 1);
  expect(isClients(other?.clients ?? new Uint8Array())).toBe(true);
  expect(isClients(new Uint8Array([1]))).toBe(false);
});

it("knows what is missing: lost reports, and guards that do not say", ({ expect }) => {
  const memory = new TrafficMemory(0);
  memory.add(aFlush("a", 1), NOW_MS);
  memory.add(aFlush("a", 3), NOW_MS);
  const { isolate, n, seconds } = aFlush("from-before", 1);
  memory.add({ isolate, n, seconds }, NOW_MS);
  expect(memory.touched()).toMatchObject({ sinceSecond: 0, missingReports: 2 });
  expect(new TrafficMemory(NOW_MS).touched()).toMatchObject({ sinceSecond: NOW_MS / 1_000 });
});

it("says until when guards told whom they touch, which a report without it does not", ({
  expect,
}) => {
  const memory = new TrafficMemory(0);
  expect(memory.touched()).toMatchObject({ heardUntilMs: null });
  memory.add({ ...aFlush("older", 1), touched: undefined }, NOW_MS);
  expect(memory.touched()).toMatchObject({ heardUntilMs: null });
  memory.add(aFlush("isolate", 1), NOW_MS + 1);
  expect(memory.touched()).toMatchObject({ heardUntilMs: NOW_MS + 1 });
});
