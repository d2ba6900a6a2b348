import { it } from "vitest";
import { ask, collectSignals } from "../../../src/monitor/collector.ts";
import { aReach, aTraffic, aWindow, NOW_MS } from "../../support/signals.ts";

const REQUEST = {
  source: "redis",
  atMs: NOW_MS,
  freshMs: 60_000,
  kept: null,
  recordsWithinMs: 120_000,
} as const;

it("asks one source through the reach it is given", async ({ expect }) => {
  const reach = aReach({ traffic: aTraffic({ window: async () => aWindow() }) });
  const { signals } = await collectSignals({ ...REQUEST, source: "traffic" }, reach);
  expect(signals[0]).toEqual({
    name: "traffic.requests_per_second",
    value: 0,
    atMs: NOW_MS,
    freshMs: 60_000,
  });
});

it("answers every name when the collector's call fails, without its words", async ({ expect }) => {
  const { signals, note } = await ask(REQUEST, () => Promise.reject(new Error("token=secret")));
  expect(note).toBeNull();
  expect(signals).toEqual(
    ["redis.reachable_ratio", "redis.latency_ms"].map((name) => ({
      name,
      unknown: "no_data",
      atMs: NOW_MS,
      detail: "the collector failed: Error",
    })),
  );
});

it("keeps what came and names what was left out; takes nothing that is not the source's", async ({
  expect,
}) => {
  const known = { name: "redis.latency_ms", value: 3, atMs: NOW_MS, freshMs: 1 };
  const foreign = { name: "postgres.latency_ms", value: 3, atMs: NOW_MS, freshMs: 1 };
  const { signals, note } = await ask(REQUEST, async () => ({
    signals: [known, foreign],
    note: "kept",
  }));
  expect(note).toBe("kept");
  expect(signals).toEqual([
    {
      name: "redis.reachable_ratio",
      unknown: "no_data",
      atMs: NOW_MS,
      detail: "the collector left it out",
    },
    known,
  ]);
});
