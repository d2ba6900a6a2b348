/** A small version of `npm run bench -- rig`: the guard in several isolates of real workerd, its objects far away. */
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, it } from "vitest";
import { z } from "zod";
import { distribution } from "../../bench/rig/distribution.ts";
import { outages } from "../../bench/rig/outages.ts";
import { startRig, type Rig } from "../../bench/rig/rig.ts";
import { layLimit, sharedLimit } from "../../bench/rig/shared-limit.ts";
import { visitor } from "../../bench/workerd/ask.ts";
import { endings } from "../../src/traffic/endings.ts";

const SIZE = { locations: 2, isolatesPerLocation: 3, distance: { fromMs: 5, untilMs: 60 } };

/** What is promised of requests in an incident. */
const OUTDATED_RATIO_MAX = 0.001;

let rig: Rig;
beforeAll(async () => {
  rig = await startRig(SIZE);
  await layLimit(rig);
});
afterAll(() => rig[Symbol.asyncDispose]());

it("enforces a lease in every isolate within seconds, those that slept included", async ({
  expect,
}) => {
  const spread = await distribution(rig, {
    leases: 2,
    pollMs: 1_000,
    everyMs: 50,
    sleepMs: 5_500,
  });
  expect(spread.failedRequests).toBe(0);
  expect(spread.slowestMs).toBeLessThan(5_000);
  // An isolate that slept waits for news only so long, and this machine does nothing else meanwhile.
  expect(spread.outdatedRequests / spread.requests).toBeLessThanOrEqual(OUTDATED_RATIO_MAX);
  expect(spread.firstAfterSleep).toBe(8);
  // A location asks the object once per poll, however many isolates it has.
  expect(spread.policyReadsPerSecond).toBeLessThan(2 * SIZE.locations);
});

it("fails nobody while everything that it depends on is broken in turn", async ({ expect }) => {
  const broken = await outages(rig, { secondsEach: 1, requestsPerSecond: 50 });
  expect(broken.filter(({ failed }) => failed > 0)).toEqual([]);
  expect(broken).toHaveLength(17);
  // The worst that a request of a cold isolate waits for is 100 ms; the rest is this machine's.
  for (const { dependency, p50Ms } of broken) {
    if (dependency !== "origin") expect(p50Ms).toBeLessThan(100);
  }
});

const count = z.int();
const reported = z.object({
  seconds: z.array(z.looseObject({ second: count, asked: count, served: count, failed: count })),
});

/** A visitor who waits for so long, and leaves. */
function leaveAfter(waitMs: number, url: string, address: string): Promise<void> {
  return new Promise((resolve) => {
    const asked = request(url, { headers: { "cf-connecting-ip": address } });
    asked.on("error", () => undefined).on("close", resolve);
    asked.end();
    setTimeout(() => asked.destroy(), waitMs);
  });
}

it("counts visitors who leave while production hangs, though nothing of theirs ever ends", async ({
  expect,
}) => {
  const visitors = 30;
  // Those who asked before have their answers, in seconds that are over.
  await sleep(2_000);
  const before = Math.floor(Date.now() / 1_000);
  const leaving = Array.from({ length: visitors }, (_, at) => {
    const isolate = rig.isolates[at % rig.isolates.length];
    return leaveAfter(500, `${isolate?.url}/hangs?ms=600000`, visitor(at));
  });
  await Promise.all(leaving);
  let told = { requests: 0, failed: 0 };
  for (let tries = 0; tries < 40 && told.failed < visitors; tries += 1) {
    await sleep(250);
    const { seconds } = reported.parse(await rig.traffic(60));
    const since = seconds.filter(({ second }) => second >= before);
    told = endings(since, Math.floor(Date.now() / 1_000));
  }
  expect(told).toEqual({ requests: visitors, failed: visitors });
});

it("shares a limit between isolates that are far from its shard", async ({ expect }) => {
  const shared = await sharedLimit(rig, { isolates: 4, load: 4, seconds: 10 }, 1);
  expect(shared.failed).toBe(0);
  expect(Math.abs(shared.error)).toBeLessThan(0.25);
  expect(shared.callsPerThousand).toBeLessThan(400);
});
