import { it } from "vitest";
import { hashText } from "../../../src/sketches/hash.ts";
import { readShards, SHARD_DEADLINE_MS } from "../../../src/traffic/shards.ts";
import { mergeSignIns } from "../../../src/traffic/sign-in-figures.ts";
import { TrafficMemory } from "../../../src/traffic/window.ts";
import { isolates } from "../../support/isolates.ts";
import { aFlush, aSecond } from "../../support/traffic.ts";
import { distinctOf } from "../../../src/sketches/merged-talkers.ts";

const NOW = 10_000;
const NOW_MS = NOW * 1_000;

const shard = (memory: TrafficMemory) => () => ({
  window: async (seconds: number, until: number) => memory.window(seconds, until),
  talkers: async (seconds: number, until: number) => memory.talkers(seconds, until),
  touched: async () => memory.touched(),
  logged: async () => ({ requests: [], leftOut: 0 }),
  reports: async () => ({ fromSecond: 0, counts: {}, lastFlushAtMs: null, lostFlushes: 0 }),
  signIns: async () => mergeSignIns([]),
  conduct: async (nowSecond: number) => memory.conduct(nowSecond),
});
const broken = () => {
  throw new Error("unreachable");
};
const hanging = () => ({
  window: () => new Promise<never>(() => {}),
  talkers: () => new Promise<never>(() => {}),
  touched: () => new Promise<never>(() => {}),
  logged: () => new Promise<never>(() => {}),
  reports: () => new Promise<never>(() => {}),
  signIns: () => new Promise<never>(() => {}),
  conduct: () => new Promise<never>(() => {}),
});

function twoShards(sinceMs: readonly [number, number] = [0, 0]) {
  const memories = sinceMs.map((since) => new TrafficMemory(since));
  memories.forEach((memory, index) => {
    const flush = aFlush(`isolate-${index}`, 1, [aSecond(NOW, { served: 3, failed: index })]);
    memory.add(flush, NOW_MS + index);
  });
  return memories;
}

it("reads several shards as one", async ({ expect }) => {
  expect(await readShards(twoShards().map(shard)).window(10, NOW)).toMatchObject({
    fromSecond: NOW - 10,
    untilSecond: NOW,
    seconds: [{ second: NOW, served: 6, failed: 1 }],
    lastFlushAtMs: NOW_MS + 1,
    lostFlushes: 0,
    silentShards: 0,
  });
});

it("says that a shard is silent, whatever keeps it from answering", async ({ expect }) => {
  const started = performance.now();
  const reader = readShards([...twoShards().map(shard), broken, hanging]);
  const [window, talkers] = await Promise.all([reader.window(10, NOW), reader.talkers(10, NOW)]);
  expect(window).toMatchObject({ seconds: [{ served: 6 }], silentShards: 2 });
  expect(talkers).toMatchObject({ silentShards: 2 });
  expect(performance.now() - started).toBeLessThan(3 * SHARD_DEADLINE_MS);
});

it("covers no more than the shard that began last", async ({ expect }) => {
  const reader = readShards(twoShards([0, (NOW - 3) * 1_000]).map(shard));
  expect(await reader.window(10, NOW)).toMatchObject({ fromSecond: NOW - 3 });
  expect((await reader.talkers(10, NOW)).fromSecond).toBeGreaterThanOrEqual(NOW - 3);
});

it("adds up what was lost at any of them", async ({ expect }) => {
  const memories = twoShards();
  memories[1]?.add(aFlush("isolate-1", 4, [aSecond(NOW)]), NOW_MS);
  const reader = readShards(memories.map(shard));
  expect(await reader.window(10, NOW)).toMatchObject({ lostFlushes: 2 });
  expect(await reader.talkers(10, NOW + 1)).toMatchObject({ missingReports: 2 });
});

it("finds twenty attackers, spread over isolates and shards, within two seconds", async ({
  expect,
}) => {
  const world = isolates({ isolates: 12, shards: 3 });
  await world.attack({ fromSecond: NOW, seconds: 2, requestsPerSecond: 40_000 });
  const { dimensions } = await world.reader.talkers(10, NOW + 1);
  const address = dimensions.find(({ dimension }) => dimension === "address");
  const leading = address?.top.slice(0, 20).map(({ name }) => name);
  expect(new Set(leading)).toEqual(new Set(world.attackers));
  expect(address?.total).toBe(80_000);
  for (const { count, atLeast, name } of address?.top.slice(0, 20) ?? []) {
    const truth = world.sent.get(name) ?? 0;
    expect(atLeast).toBeLessThanOrEqual(truth);
    expect(atLeast).toBeGreaterThan(truth * 0.7);
    expect(count).toBeGreaterThan(truth * 0.9);
  }
  const distinct = world.sent.size;
  const estimate = address === undefined ? 0 : distinctOf(address);
  expect(Math.abs(estimate - distinct) / distinct).toBeLessThan(0.065);
});

it("spreads isolates over the shards by their id", ({ expect }) => {
  const shards = Array.from({ length: 900 }, (_, n) => hashText(`isolate-${n}`) % 3);
  for (const wanted of [0, 1, 2]) {
    expect(shards.filter((one) => one === wanted).length).toBeGreaterThan(200);
  }
});
