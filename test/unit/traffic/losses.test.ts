/** What becomes of reports that are dropped, repeated, late or never sent: applied once, or known to be missing. */
import fc from "fast-check";
import { it } from "vitest";
import { Telemetry } from "../../../src/guard/telemetry.ts";
import type { TrafficFlush } from "../../../src/traffic/traffic-api.ts";
import { TrafficMemory } from "../../../src/traffic/window.ts";
import { countedFrom, factsFrom } from "../../support/isolates.ts";
import { aFlush, aSecond } from "../../support/traffic.ts";

const NOW = 10_000;
const NOW_MS = NOW * 1_000;
const WINDOW_SECONDS = 60;

/** One isolate, whose link does as it is told, attempt by attempt, and works afterwards. */
function isolateOver(link: readonly ("works" | "drops" | "answers nothing")[]) {
  const memory = new TrafficMemory(0);
  const sent: TrafficFlush[] = [];
  let attempt = 0;
  let nowMs = NOW_MS;
  const telemetry = new Telemetry({
    traffic: () => ({
      flush: async (flush) => {
        const how = link[attempt] ?? "works";
        attempt += 1;
        if (how === "drops") throw new Error("it never arrived");
        sent.push(flush);
        memory.add(flush, nowMs);
        if (how === "answers nothing") throw new Error("the answer was lost");
      },
    }),
    shards: () => 1,
    newIsolateId: () => "isolate-1",
  });
  const requests = (count: number): void => {
    for (let n = 0; n < count; n += 1) {
      const facts = factsFrom(1 + (n % 7));
      telemetry.record(countedFrom(facts, { shadowedIds: ["lse_a"] }), nowMs, () => {});
    }
  };
  const passTime = (seconds: number): void => {
    nowMs += seconds * 1_000;
  };
  return { memory, telemetry, sent, requests, passTime, nowSecond: () => nowMs / 1_000 };
}

const known = (memory: TrafficMemory, untilSecond: number) => {
  const window = memory.window(WINDOW_SECONDS, untilSecond);
  const talkers = memory.talkers(WINDOW_SECONDS, untilSecond + 1);
  const [address] = talkers.dimensions;
  return {
    served: window.seconds.reduce((sum, { served }) => sum + served, 0),
    addressed: address?.total ?? 0,
    named: address?.top.reduce((sum, { count }) => sum + count, 0) ?? 0,
    touched: memory.touched().entries.reduce((sum, { requests }) => sum + requests, 0),
    lost: window.lostFlushes,
    missing: talkers.missingReports,
  };
};

it("applies each report once, whatever the link does, counts, talkers and entries alike", async ({
  expect,
}) => {
  const links = fc.array(fc.constantFrom("works", "drops", "answers nothing"), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      links,
      fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 8 }),
      async (link, bursts) => {
        const isolate = isolateOver(link);
        for (const burst of bursts) {
          isolate.requests(burst);
          await isolate.telemetry.flush();
          isolate.passTime(1);
        }
        for (let tries = 0; tries < link.length + 2; tries += 1) await isolate.telemetry.flush();
        const truth = bursts.reduce((sum, burst) => sum + burst, 0);
        const said = known(isolate.memory, isolate.nowSecond());
        expect(said).toMatchObject({ served: truth, touched: truth, lost: 0 });
        // What an outage held back for too long is missing among the talkers, and said to be.
        if (said.missing === 0) expect(said.addressed).toBe(truth);
        expect(said.addressed).toBeLessThanOrEqual(truth);
        expect(said.named).toBeLessThanOrEqual(said.addressed);
      },
    ),
    { numRuns: 60 },
  );
});

it("knows that a report was dropped on the way, and ignores it when it comes late", async ({
  expect,
}) => {
  const memory = new TrafficMemory(0);
  const [first, second, third] = [1, 2, 3].map((n) =>
    aFlush("a", n, [aSecond(NOW, { served: n })]),
  );
  if (first === undefined || second === undefined || third === undefined) throw new Error("three");
  memory.add(first, NOW_MS);
  memory.add(third, NOW_MS);
  const without = known(memory, NOW);
  expect(without).toMatchObject({ served: 4, lost: 1, missing: 1 });
  memory.add(second, NOW_MS);
  memory.add(third, NOW_MS);
  expect(known(memory, NOW)).toEqual(without);
});

it("says that something is missing when the first one heard was not the first sent", ({
  expect,
}) => {
  const memory = new TrafficMemory(0);
  memory.add(aFlush("a", 2, [aSecond(NOW, { served: 2 })]), NOW_MS);
  memory.add(aFlush("a", 1, [aSecond(NOW, { served: 1 })]), NOW_MS);
  expect(known(memory, NOW)).toMatchObject({ served: 2, lost: 1 });
});

it("keeps what an isolate told before it died, and goes on with the others", async ({ expect }) => {
  const isolate = isolateOver([]);
  isolate.requests(10);
  await isolate.telemetry.flush();
  isolate.requests(5); // Never told: it dies here.
  isolate.passTime(3);
  isolate.memory.add(
    aFlush("another", 1, [aSecond(NOW + 3, { served: 7 })]),
    isolate.nowSecond() * 1_000,
  );
  expect(known(isolate.memory, isolate.nowSecond())).toMatchObject({
    served: 17,
    lost: 0,
    missing: 0,
  });
});

it("calls talkers missing that were held back for longer than a window", async ({ expect }) => {
  const isolate = isolateOver(["drops"]);
  isolate.requests(10);
  await isolate.telemetry.flush();
  isolate.requests(10);
  isolate.passTime(30);
  isolate.requests(10);
  await isolate.telemetry.flush();
  await isolate.telemetry.flush();
  expect(known(isolate.memory, isolate.nowSecond())).toMatchObject({ served: 30, missing: 1 });
});
