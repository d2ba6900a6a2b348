/** What production tells of itself: in the background, bounded, once, and a loss that shows. */
import { describe, it, vi, beforeEach, afterEach } from "vitest";
import { ALIVE_EVERY_MS, FLUSH_AFTER_MS, Reporter } from "../../../src/sdk/reporter.ts";
import { reportsOf } from "../../../src/sdk/failures.ts";
import { ReportMemory } from "../../../src/traffic/report-memory.ts";
import { FLUSH_SECONDS_MAX, type ReportFlush } from "../../../src/traffic/traffic-api.ts";

const T0 = 1_800_000_000_000;

beforeEach(() => {
  vi.useFakeTimers({ now: T0 });
});
afterEach(() => {
  vi.useRealTimers();
});

function aReporter(shards = 1) {
  const flushes: { readonly shard: number; readonly flush: ReportFlush }[] = [];
  const left: Promise<unknown>[] = [];
  const receiver = { isUp: true };
  const reporter = new Reporter({
    receiver: (shard) => ({
      async report(flush) {
        flushes.push({ shard, flush: structuredClone(flush) });
        if (!receiver.isUp) throw new Error("unreachable");
      },
    }),
    shards: () => shards,
    newIsolateId: () => "isolate",
  });
  const waitUntil = (promise: Promise<unknown>): void => void left.push(promise);
  const passes = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms);
  };
  return { reporter, flushes, receiver, waitUntil, passes, left };
}

describe("a report", () => {
  it("is sent a second later, in one flush with the others, and nothing is waited for", async ({
    expect,
  }) => {
    const { reporter, flushes, waitUntil, passes } = aReporter();
    reporter.record("pool.exhausted", Date.now(), waitUntil);
    reporter.record("pool.exhausted", Date.now(), waitUntil);
    reporter.record("auth.failed", Date.now(), waitUntil);
    expect(flushes).toEqual([]);
    await passes(FLUSH_AFTER_MS);
    expect(flushes).toEqual([
      {
        shard: 0,
        flush: {
          isolate: "isolate",
          n: 1,
          seconds: [{ second: T0 / 1_000, counts: { "pool.exhausted": 2, "auth.failed": 1 } }],
        },
      },
    ]);
  });

  it("goes again under the same number until it is taken, and is counted once", async ({
    expect,
  }) => {
    const { reporter, flushes, receiver, waitUntil, passes } = aReporter();
    receiver.isUp = false;
    reporter.record("query.failed", Date.now(), waitUntil);
    await passes(FLUSH_AFTER_MS);
    receiver.isUp = true;
    reporter.record("query.failed", Date.now(), waitUntil);
    await passes(FLUSH_AFTER_MS);
    expect(flushes.map(({ flush }) => flush.n)).toEqual([1, 1, 2]);
    const memory = new ReportMemory(0);
    for (const { flush } of flushes) memory.add(flush, Date.now());
    expect(memory.window(60, Date.now() / 1_000)).toMatchObject({
      counts: { "query.failed": 2 },
      lostFlushes: 0,
    });
  });

  it("is forgotten when nobody takes it for long, within bounds, and the loss shows", async ({
    expect,
  }) => {
    const { reporter, flushes, receiver, waitUntil, passes } = aReporter();
    receiver.isUp = false;
    for (let second = 0; second < FLUSH_SECONDS_MAX + 20; second += 1) {
      reporter.record("query.failed", Date.now(), waitUntil);
      await passes(1_000);
    }
    receiver.isUp = true;
    reporter.record("query.failed", Date.now(), waitUntil);
    await passes(2 * FLUSH_AFTER_MS);
    const last = flushes.at(-1)?.flush;
    expect(last?.seconds.length).toBeLessThanOrEqual(FLUSH_SECONDS_MAX);
    const memory = new ReportMemory(0);
    for (const { flush } of flushes.slice(-2)) memory.add(flush, Date.now());
    expect(memory.window(60, Date.now() / 1_000).lostFlushes).toBeGreaterThan(0);
  });

  it("that there is nothing to report is sent as well, seldom", async ({ expect }) => {
    const { reporter, flushes, waitUntil, passes } = aReporter();
    for (let second = 0; second < 25; second += 1) {
      reporter.alive(Date.now(), waitUntil);
      await passes(1_000);
    }
    expect(flushes.map(({ flush }) => flush.seconds)).toEqual([[], [], []]);
    expect(ALIVE_EVERY_MS).toBe(10_000);
  });

  it("stays with one shard", async ({ expect }) => {
    const { reporter, flushes, waitUntil, passes } = aReporter(8);
    for (let second = 0; second < 5; second += 1) {
      reporter.record("query.failed", Date.now(), waitUntil);
      await passes(FLUSH_AFTER_MS);
    }
    expect(new Set(flushes.map(({ shard }) => shard)).size).toBe(1);
  });

  it("costs nothing where there is no Firebreak", async ({ expect }) => {
    const reporter = new Reporter({
      receiver: () => null,
      shards: () => 1,
      newIsolateId: () => "isolate",
    });
    reporter.record("query.failed", Date.now(), () => {});
    expect(await reporter.flush(Date.now())).toBe(true);
  });
});

describe("what a failed query is reported as", () => {
  const coded = (code: string): Error => Object.assign(new Error("values: 4711"), { code });
  const cutOff = Object.assign(new Error("Error connecting to database"), {
    sourceError: new DOMException("aborted", "TimeoutError"),
  });
  it.for([
    ["no connection is left", coded("53300"), ["query.failed", "pool.exhausted"]],
    ["it took too long", coded("57014"), ["query.failed", "query.timed_out"]],
    ["the deadline passed", cutOff, ["query.failed", "query.timed_out"]],
    [
      "a pool had none in time",
      new Error("timeout exceeded when trying to connect"),
      ["query.failed", "pool.timed_out"],
    ],
    ["nobody answered", new Error("fetch failed"), ["query.failed", "query.unanswered"]],
    ["a foreign key", coded("23503"), ["query.failed", "query.foreign_key"]],
    ["another constraint", coded("23505"), ["query.failed", "query.constraint"]],
    ["a deadlock", coded("40P01"), ["query.failed", "query.deadlocked"]],
    ["its own mistake", coded("42601"), ["query.failed"]],
    ["a write that was sent to a replica", coded("25006"), []],
  ] as const)("%s", ([, error, kinds], { expect }) => {
    expect(reportsOf(error)).toEqual(kinds);
  });
});
