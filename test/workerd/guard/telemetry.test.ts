import { env } from "cloudflare:workers";
import { it } from "vitest";
import { FLUSH_TRIES_MAX, Telemetry, type Counted } from "../../../src/guard/telemetry.ts";
import { FLUSH_SECONDS_MAX, type TrafficFlush } from "../../../src/traffic/traffic-api.ts";

const NOW_MS = 1_795_000_000_000;
const SECOND = NOW_MS / 1_000;
const served: Counted = {
  outcome: { kind: "served", latencyMs: 30, status: 200 },
  facts: null,
  policySeq: "1.1",
  shadowedIds: [],
  refusedBy: null,
  unknownEntries: 0,
  isFault: false,
  isLogged: false,
};

/** A telemetry whose flushes arrive in `sent` while `isUp`. */
function reporting() {
  const sent: TrafficFlush[] = [];
  const link = { isUp: true };
  const telemetry = new Telemetry({
    traffic: () => ({
      async flush(flush) {
        if (!link.isUp) throw new Error("unreachable");
        sent.push(flush);
      },
    }),
    shards: () => 1,
    newIsolateId: () => "isolate-1",
  });
  const armed: Promise<unknown>[] = [];
  const record = (counted: Counted, nowMs = NOW_MS) =>
    telemetry.record(counted, nowMs, (promise) => void armed.push(promise));
  return { telemetry, record, sent, link, armed };
}

it("counts that production is asked before anything is known of the end", async ({ expect }) => {
  const { telemetry, record, sent, armed } = reporting();
  telemetry.ask(NOW_MS, (promise) => void armed.push(promise));
  telemetry.ask(NOW_MS, (promise) => void armed.push(promise));
  record(served, NOW_MS + 1_000);
  expect(armed).toHaveLength(1);
  expect(await telemetry.flush()).toBe(true);
  expect(sent[0]?.seconds).toMatchObject([
    { second: SECOND, asked: 2, served: 0 },
    { second: SECOND + 1, asked: 0, served: 1 },
  ]);
});

it("counts by second, outcome, reason, policy and latency", async ({ expect }) => {
  const { telemetry, record, sent } = reporting();
  record(served);
  record({
    ...served,
    outcome: { kind: "failed", latencyMs: 99_999, isCovered: true },
    isFault: true,
  });
  record({ ...served, outcome: { kind: "refused", reason: "maintenance" }, policySeq: "1.2" });
  record({ ...served, shadowedIds: ["s1", "s2"], unknownEntries: 3 }, NOW_MS + 1_000);
  expect(await telemetry.flush()).toBe(true);

  expect(sent).toMatchObject([
    {
      isolate: "isolate-1",
      n: 1,
      seconds: [
        {
          second: SECOND,
          served: 1,
          failed: 1,
          refused: { maintenance: 1, emergency_cache_stale: 1 },
          policySeqs: { "1.1": 2, "1.2": 1 },
          faults: 1,
        },
        { second: SECOND + 1, served: 1, shadowed: { s1: 1, s2: 1 }, unknownEntries: 3 },
      ],
    },
  ]);
  expect(sent[0]?.seconds[0]?.latency).toEqual([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
});

it("sends nothing when there is nothing to tell", async ({ expect }) => {
  const { telemetry, sent } = reporting();
  expect(await telemetry.flush()).toBe(true);
  expect(sent).toEqual([]);
});

it("arms one flush for all requests of a second, and the next one after it", async ({ expect }) => {
  const { record, sent, armed } = reporting();
  for (let n = 0; n < 10; n += 1) record(served, Date.now());
  expect(armed).toHaveLength(1);
  await Promise.all(armed);
  expect(sent).toHaveLength(1);
  record(served, Date.now());
  expect(armed).toHaveLength(2);
  await Promise.all(armed);
});

it("sends again what was not acknowledged, under the same number, before what came since", async ({
  expect,
}) => {
  const { telemetry, record, sent, link } = reporting();
  record(served);
  link.isUp = false;
  expect(await telemetry.flush()).toBe(false);
  record(served, NOW_MS + 1_000);
  link.isUp = true;
  await telemetry.flush();
  await telemetry.flush();
  expect(sent.map(({ n, seconds }) => [n, seconds.map(({ second }) => second)])).toEqual([
    [1, [SECOND]],
    [2, [SECOND + 1]],
  ]);
});

it("gives up a report that is refused again and again, and lets the gap show", async ({
  expect,
}) => {
  const { telemetry, record, sent, link } = reporting();
  record(served);
  link.isUp = false;
  for (let tries = 0; tries < FLUSH_TRIES_MAX; tries += 1) await telemetry.flush();
  link.isUp = true;
  expect(await telemetry.flush()).toBe(true);
  expect(sent).toEqual([]);
  record(served, NOW_MS + 60_000);
  await telemetry.flush();
  expect(sent.map(({ n }) => n)).toEqual([2]);
});

it("forgets the oldest seconds of a long outage, and lets the gap show", async ({ expect }) => {
  const { telemetry, record, sent, link } = reporting();
  link.isUp = false;
  record(served);
  await telemetry.flush();
  for (let n = 1; n <= FLUSH_SECONDS_MAX + 5; n += 1) record(served, NOW_MS + n * 1_000);
  link.isUp = true;
  await telemetry.flush();
  await telemetry.flush();
  const [first, second] = sent;
  expect([first?.n, first?.seconds.length]).toEqual([1, 1]);
  expect([second?.n, second?.seconds.length]).toEqual([7, FLUSH_SECONDS_MAX]);
  expect(second?.seconds.at(-1)?.second).toBe(SECOND + FLUSH_SECONDS_MAX + 5);
});

it("reaches the real object, and a lost answer does not count twice", async ({ expect }) => {
  const traffic = env.TEST_TRAFFIC.getByName(crypto.randomUUID());
  await traffic.window(1, 0); // Started before the clock of the flush's deadline runs.
  const link = { isDeaf: true };
  const telemetry = new Telemetry({
    traffic: () => ({
      async flush(flush) {
        await traffic.flush(flush);
        if (link.isDeaf) throw new Error("the answer was lost");
      },
    }),
    shards: () => 1,
    newIsolateId: () => crypto.randomUUID(),
  });
  const nowMs = Date.now();
  telemetry.record(served, nowMs, () => {});
  expect(await telemetry.flush()).toBe(false);
  link.isDeaf = false;
  expect(await telemetry.flush()).toBe(true);
  expect(await traffic.window(60, Math.ceil(nowMs / 1_000))).toMatchObject({
    seconds: [{ served: 1 }],
    lostFlushes: 0,
  });
});
