/** What telemetry costs in memory, and what it says of talkers; the rest of it is in test/workerd. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { it } from "vitest";
import { RateLimits } from "../../../src/guard/limits/rate-limit.ts";
import { Telemetry } from "../../../src/guard/telemetry.ts";
import { distinctOf } from "../../../src/sketches/merged-talkers.ts";
import { mix32 } from "../../../src/sketches/hash.ts";
import type { TrafficFlush } from "../../../src/traffic/traffic-api.ts";
import { countedFrom, factsFrom } from "../../support/isolates.ts";

const NOW_MS = 1_795_000_000_000;
const MIB = 1_024 * 1_024;

function reporting(shards = { count: 1 }) {
  const sent: { readonly shard: number; readonly flush: TrafficFlush }[] = [];
  let ids = 0;
  const telemetry = new Telemetry({
    traffic: (shard) => ({ flush: async (flush) => void sent.push({ shard, flush }) }),
    shards: () => shards.count,
    newIsolateId: () => `isolate-${(ids += 1)}`,
  });
  return { telemetry, sent };
}

it("tells how many clients production failed to answer, each once, and no others", async ({
  expect,
}) => {
  const { telemetry, sent } = reporting();
  const failed = { kind: "failed", latencyMs: 9, isCovered: false } as const;
  const record = (client: number, outcome: Parameters<typeof countedFrom>[1]): void =>
    telemetry.record(countedFrom(factsFrom(client), outcome), NOW_MS, () => {});
  for (let client = 1; client <= 200; client += 1) {
    record(client, {});
    if (client % 10 !== 0) continue;
    record(client, { outcome: failed });
    record(client, { outcome: failed });
  }
  record(990, { outcome: { ...failed, isCovered: true } });
  record(991, { outcome: { kind: "refused", reason: "maintenance" } });
  telemetry.record(
    countedFrom(factsFrom(0, { address: null }), { outcome: failed }),
    NOW_MS,
    () => {},
  );
  await telemetry.flush();
  record(1, {});
  await telemetry.flush();
  const harmed = sent.map(({ flush }) => flush.talkers?.harmed);
  expect(harmed.map((cut) => [cut?.total, cut === undefined ? null : distinctOf(cut)])).toEqual([
    [40, 20],
    [0, 0],
  ]);
});

it("names talkers as the lists of networks write them, refused ones too", async ({ expect }) => {
  const { telemetry, sent } = reporting();
  const sixth = factsFrom(0, {
    address: { family: 6, words: Uint32Array.of(0x2001_0db8, 0x0001_0002, 3, 4) },
    ja4: () => "t13d1516h2_8daaf6152771_02713d6af862",
  });
  for (let n = 0; n < 50; n += 1) {
    telemetry.record(countedFrom(factsFrom(0xc000_0207)), NOW_MS, () => {});
    const outcome = { kind: "refused", reason: "blocked" } as const;
    telemetry.record(countedFrom(sixth, { outcome }), NOW_MS + 1_000, () => {});
  }
  await telemetry.flush();
  const talkers = sent[0]?.flush.talkers;
  expect(talkers).toMatchObject({ fromSecond: NOW_MS / 1_000, untilSecond: NOW_MS / 1_000 + 1 });
  const top = Object.fromEntries(
    (talkers?.dimensions ?? []).map(({ dimension, top: names }) => [
      dimension,
      names.map(({ name, count, refused }) => [name, count, refused]),
    ]),
  );
  expect(top).toEqual({
    address: [
      ["192.0.2.7", 50, 0],
      ["2001:db8:1:2::/64", 50, 46],
    ],
    network: [
      ["192.0.2.0/24", 50, 0],
      ["2001:db8:1::/48", 50, 46],
    ],
    asn: [["AS64500", 100, 48]],
    country: [["NL", 100, 48]],
    ja4: [["t13d1516h2_8daaf6152771_02713d6af862", 50, 46]],
    user_agent: [["a-browser", 100, 48]],
    path: [["/pitches/:id", 100, 48]],
  });
  expect(talkers?.dimensions.map(({ total, refused }) => [total, refused])).toContainEqual([
    100, 50,
  ]);
});

it("becomes another isolate to the shards when their number changes", async ({ expect }) => {
  const shards = { count: 4 };
  const { telemetry, sent } = reporting(shards);
  const reports = async () => {
    telemetry.record(countedFrom(null), NOW_MS, () => {});
    await telemetry.flush();
  };
  await reports();
  await reports();
  shards.count = 2;
  await reports();
  expect(sent.map(({ flush }) => [flush.isolate, flush.n])).toEqual([
    ["isolate-1", 1],
    ["isolate-1", 2],
    ["isolate-2", 1],
  ]);
  expect(sent[0]?.shard).toBe(sent[1]?.shard);
  expect(sent[2]?.shard).toBeLessThan(2);
});

it("is as large after ten million addresses as before, and so is what it sends", async ({
  expect,
}) => {
  const { telemetry, sent } = reporting();
  const words = new Uint32Array(4);
  // Of nothing but their address is there more than one.
  const facts = factsFrom(0, { address: { family: 4, words }, path: "/", header: () => null });
  const counted = countedFrom(facts);
  const before = telemetry.sketchBytes;
  const heap: number[] = [];
  const largest = { talkers: 0, distinctBytes: 0 };
  for (let request = 1; request <= 10_000_000; request += 1) {
    words[0] = mix32(request);
    telemetry.record(counted, NOW_MS + request / 100, () => {});
    if (request % 100_000 === 0) {
      await telemetry.flush();
      for (const { top, distinct } of sent.pop()?.flush.talkers?.dimensions ?? []) {
        largest.talkers = Math.max(largest.talkers, top.length);
        largest.distinctBytes = Math.max(largest.distinctBytes, distinct.byteLength);
      }
    }
    if (request % 2_500_000 === 0) heap.push(usedBytes());
  }
  expect(telemetry.sketchBytes).toBe(before);
  expect(before).toBeLessThanOrEqual(0.75 * MIB);
  expect(largest.talkers).toBeLessThanOrEqual(32);
  expect(largest.distinctBytes).toBeLessThanOrEqual(6 * 1_024);
  expect((heap.at(-1) ?? 0) - (heap[0] ?? 0)).toBeLessThan(MIB);
});

setFlagsFromString("--expose-gc");
const collectGarbage: unknown = runInNewContext("gc");

function usedBytes(): number {
  if (typeof collectGarbage === "function") collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it("takes no more than 4 MiB of an isolate, together with what limits are counted in", ({
  expect,
}) => {
  const { telemetry } = reporting();
  const bytes = telemetry.sketchBytes + new RateLimits(1).byteLength;
  expect(bytes).toBeGreaterThan(2 * MIB);
  expect(bytes).toBeLessThanOrEqual(4 * MIB);
});
