import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it, onTestFinished, vi } from "vitest";
import { mix32 } from "../../../src/sketches/hash.ts";
import { distinctOf } from "../../../src/sketches/merged-talkers.ts";
import { HEARD_AHEAD_MS } from "../../../src/traffic/heard.ts";
import { LOGGED_KEPT_MS, LOGGED_ROWS_MAX } from "../../../src/traffic/logged-rows.ts";
import { SUSPICION_INTERVAL_MS } from "../../../src/traffic/traffic-object.ts";
import { FLUSH_SECONDS_MAX } from "../../../src/traffic/traffic-api.ts";
import { DistinctTally } from "../../../src/traffic/distinct-tally.ts";
import { aFlush, aSecond } from "../../support/traffic.ts";

const fresh = () => env.TEST_TRAFFIC.getByName(crypto.randomUUID());
type Traffic = ReturnType<typeof fresh>;
const wakesOf = (traffic: Traffic) => runInDurableObject(traffic, (object) => object.wakes.length);
const now = () => Math.floor(Date.now() / 1_000);

function atTime(): (laterMs: number) => void {
  const startMs = Date.now();
  vi.useFakeTimers({ now: startMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  return (laterMs) => vi.setSystemTime(startMs + laterMs);
}

it("merges what isolates report, over RPC", async ({ expect }) => {
  const traffic = fresh();
  await traffic.flush(aFlush("a", 1, [aSecond(now(), { served: 2 })]));
  await traffic.flush(aFlush("b", 1, [aSecond(now(), { served: 3 })]));
  const { seconds, lastFlushAtMs } = await traffic.window(5, now());
  expect(seconds.reduce((sum, { served }) => sum + served, 0)).toBe(5);
  expect(lastFlushAtMs).not.toBeNull();
});

it("says that nobody ever reported, which is not the same as no traffic", async ({ expect }) => {
  const until = now();
  const window = await fresh().window(60, until);
  expect(window).toMatchObject({ fromSecond: until - 60, seconds: [], lastFlushAtMs: null });
});

it("says after an eviction what it no longer knows, instead of zero", async ({ expect }) => {
  const later = atTime();
  const traffic = fresh();
  const reportedAt = now();
  await traffic.flush(aFlush("a", 1, [aSecond(reportedAt, { served: 9 })]));
  await evictDurableObject(traffic);
  expect(await traffic.window(60, now())).toMatchObject({ fromSecond: now(), seconds: [] });
  later(30_000);
  await evictDurableObject(traffic);
  // Nobody reported after what is forgotten, and that is known.
  const forgotten = reportedAt + HEARD_AHEAD_MS / 1_000 + 1;
  const slept = await traffic.window(60, now());
  expect(slept).toMatchObject({ seconds: [], lastFlushAtMs: null });
  expect(slept.fromSecond).toBeGreaterThan(reportedAt);
  expect(slept.fromSecond).toBeLessThanOrEqual(forgotten);
  await traffic.flush(aFlush("a", 2, [aSecond(now(), { served: 1 })]));
  expect(await traffic.window(10, now())).toMatchObject({
    fromSecond: now() - 10,
    lostFlushes: 0,
    seconds: [{ served: 1 }],
  });
});

it("writes one row in five seconds, however many reports it takes", async ({ expect }) => {
  const traffic = fresh();
  const rowsWritten = () =>
    runInDurableObject(traffic, (_, { storage }) =>
      storage.sql.exec<{ until_ms: number }>("SELECT until_ms FROM heard").one(),
    );
  await traffic.flush(aFlush("a", 1));
  const first = await rowsWritten();
  for (let n = 2; n < 50; n += 1) await traffic.flush(aFlush("a", n));
  expect(await rowsWritten()).toEqual(first);
});

it("takes counts whose talkers it cannot read, and says that these are missing", async ({
  expect,
}) => {
  const traffic = fresh();
  const second = now();
  const odd = { fromSecond: second, untilSecond: second, dimensions: [{ dimension: "shoe size" }] };
  const flush = { ...aFlush("a", 1, [aSecond(second, { served: 2 })]), talkers: odd };
  // A later version's: its types are not ours.
  await runInDurableObject(traffic, (object) => object.flush(JSON.parse(JSON.stringify(flush))));
  expect(await traffic.window(5, second)).toMatchObject({ seconds: [{ served: 2 }] });
  expect(await traffic.talkers(10, second + 2)).toMatchObject({ missingReports: 1 });
});

it("adds up URLs, sections and harmed clients, and loses nothing else where it cannot read them", async ({
  expect,
}) => {
  const traffic = fresh();
  const second = now();
  const urls = new DistinctTally();
  for (let url = 1; url <= 20; url += 1) urls.count(mix32(url));
  const report = { fromSecond: second, untilSecond: second, dimensions: [] };
  const seconds = [aSecond(second, { served: 20 })];
  const sections = [{ section: "/shop", requests: 20 }];
  const talkers = { ...report, urls: urls.cut(), harmed: urls.cut(), sections };
  await traffic.flush({ ...aFlush("a", 1, seconds), talkers });
  await traffic.flush({ ...aFlush("b", 1, seconds), talkers });
  const known = await traffic.talkers(10, second + 2);
  expect(known.harmed).toMatchObject({ total: 40 });
  expect(distinctOf(known.harmed ?? { distinct: new Uint8Array() })).toBe(20);
  const strange = { urls: "many", harmed: [1], sections: [["/shop", 20]] };
  const odd = { ...aFlush("c", 1, seconds), talkers: { ...report, ...strange } };
  await runInDurableObject(traffic, (object) => object.flush(JSON.parse(JSON.stringify(odd))));
  const window = await traffic.talkers(10, second + 2);
  expect(window).toMatchObject({
    missingReports: 0,
    urls: { total: 40 },
    sections: [{ section: "/shop", requests: 40 }],
  });
  expect(distinctOf(window.urls ?? { distinct: new Uint8Array() })).toBe(20);
  // Unknown, as of a guard of the version before: no zero, and no part of it.
  expect(window.harmed).toBeUndefined();
});

describe("suspicious requests", () => {
  const aRequest = (atMs: number) => ({
    atMs,
    network: "203.0.113.0/24",
    country: "NL",
    asn: 64_500,
    ja4: null,
    userAgent: "curl/8",
    method: "POST",
    path: "/sign-in",
    because: "status_401",
  });
  const logging = (n: number, requests: readonly ReturnType<typeof aRequest>[], leftOut = 0) => ({
    ...aFlush("a", n, [aSecond(now())]),
    logged: { requests, leftOut },
  });

  it("are there after an eviction, each once, however often they are told", async ({ expect }) => {
    const later = atTime();
    const traffic = fresh();
    const atMs = Date.now();
    await traffic.flush(logging(1, [aRequest(atMs - 500), aRequest(atMs)], 3));
    await traffic.flush(logging(1, [aRequest(atMs - 500), aRequest(atMs)], 3));
    await evictDurableObject(traffic);
    later(1_000);
    await traffic.flush(logging(2, [aRequest(atMs + 900)]));
    expect(await traffic.logged(atMs)).toEqual({
      requests: [aRequest(atMs), aRequest(atMs + 900)],
      leftOut: 3,
    });
  });

  it("are kept in bounds, the newest, and for no longer than a day", async ({ expect }) => {
    const later = atTime();
    const traffic = fresh();
    const atMs = Date.now();
    for (let n = 1; n <= LOGGED_ROWS_MAX + 3; n += 1) {
      later(n);
      await traffic.flush(logging(n, [aRequest(atMs + n)]));
    }
    const { requests } = await traffic.logged(0);
    expect(requests.map((request) => request.atMs - atMs)).toEqual(
      Array.from({ length: LOGGED_ROWS_MAX }, (_, n) => n + 4),
    );
    later(LOGGED_KEPT_MS + LOGGED_ROWS_MAX + 10);
    expect(await traffic.logged(0)).toEqual({ requests: [], leftOut: 0 });
  });

  it("cost nobody the counts when they cannot be read", async ({ expect }) => {
    const traffic = fresh();
    const flush = { ...aFlush("a", 1, [aSecond(now(), { served: 2 })]), logged: { notes: 1 } };
    await runInDurableObject(traffic, (object) => object.flush(JSON.parse(JSON.stringify(flush))));
    expect(await traffic.window(5, now())).toMatchObject({ seconds: [{ served: 2 }] });
    expect(await traffic.logged(0)).toEqual({ requests: [], leftOut: 0 });
  });
});

it("refuses a report that is not one", async ({ expect }) => {
  const traffic = fresh();
  const reports = [
    aFlush(
      "a",
      1,
      Array.from({ length: FLUSH_SECONDS_MAX + 1 }, () => aSecond(now())),
    ),
    aFlush("a", 0),
    aFlush("a", 1, [aSecond(now(), { served: -1 })]),
  ];
  for (const report of reports) {
    await runInDurableObject(traffic, (object) => expect(object.flush(report)).rejects.toThrow());
  }
  expect((await traffic.window(5, now())).lastFlushAtMs).toBeNull();
});

it("wakes the monitor when the last seconds look bad, and not again at once", async ({
  expect,
}) => {
  const later = atTime();
  const traffic = fresh();
  await traffic.flush(aFlush("a", 1, [aSecond(now(), { served: 100 })]));
  expect(await wakesOf(traffic)).toBe(0);
  await traffic.flush(aFlush("a", 2, [aSecond(now(), { failed: 100 })]));
  expect(await wakesOf(traffic)).toBe(1);
  await traffic.flush(aFlush("a", 3, [aSecond(now(), { failed: 100 })]));
  expect(await wakesOf(traffic)).toBe(1);
  later(SUSPICION_INTERVAL_MS);
  await traffic.flush(aFlush("a", 4, [aSecond(now(), { failed: 100 })]));
  expect(await wakesOf(traffic)).toBe(2);
});

it("suspects nothing of errors that are over", async ({ expect }) => {
  const later = atTime();
  const traffic = fresh();
  const before = now();
  later(10_000);
  await traffic.flush(aFlush("a", 1, [aSecond(before, { failed: 100 })]));
  expect(await wakesOf(traffic)).toBe(0);
});

it("takes what production reports, once, and wakes the monitor for what cannot wait", async ({
  expect,
}) => {
  const later = atTime();
  const traffic = fresh();
  const report = (n: number, counts: Readonly<Record<string, number>>) =>
    traffic.report({ isolate: "a", n, seconds: [{ second: now(), counts }] });
  await report(1, { "query.failed": 3 });
  expect(await wakesOf(traffic)).toBe(0);
  await report(2, { "pool.exhausted": 1 });
  await report(2, { "pool.exhausted": 1 });
  await report(3, { "pool.exhausted": 1 });
  expect(await wakesOf(traffic)).toBe(1);
  later(SUSPICION_INTERVAL_MS);
  await report(4, { "pool.exhausted": 1 });
  expect(await wakesOf(traffic)).toBe(2);
  expect(await traffic.reports(60, now())).toMatchObject({
    counts: { "query.failed": 3, "pool.exhausted": 3 },
    lostFlushes: 0,
  });
});

it("says after an eviction since when it knows what production reported", async ({ expect }) => {
  const traffic = fresh();
  await traffic.report({ isolate: "a", n: 1, seconds: [] });
  await evictDurableObject(traffic);
  const { fromSecond, counts, lastFlushAtMs } = await traffic.reports(60, now());
  expect({ counts, lastFlushAtMs }).toEqual({ counts: {}, lastFlushAtMs: null });
  expect(fromSecond).toBeGreaterThanOrEqual(now() - 1);
});

it("refuses a report of production that is not one", async ({ expect }) => {
  const traffic = fresh();
  const kinds = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 1]));
  const second = now();
  const reports = [
    { isolate: "a", n: 0, seconds: [] },
    { isolate: "a", n: 1, seconds: [{ second, counts: { "query.failed": -1 } }] },
    { isolate: "a", n: 1, seconds: [{ second, counts: kinds }] },
    { isolate: "a".repeat(65), n: 1, seconds: [] },
  ];
  for (const report of reports) {
    await runInDurableObject(traffic, (object) => expect(object.report(report)).rejects.toThrow());
  }
  expect((await traffic.reports(60, now())).lastFlushAtMs).toBeNull();
});

it("remembers who stands out, over RPC, and minds nothing that it does not understand", async ({
  expect,
}) => {
  const traffic = fresh();
  const client = {
    client: "192.0.2.7",
    requests: 9,
    clientErrors: 4,
    scannerPaths: 1,
    paths: Uint32Array.of(7, 1, 7, 2),
  };
  const conduct = { requests: 20, clientErrors: 5, clients: [client] };
  const second = aSecond(now(), { served: 20 });
  await traffic.flush({ ...aFlush("a", 1, [second]), conduct });
  await traffic.flush({ ...aFlush("b", 1, [second]), conduct });
  const oddly = { ...conduct, clients: [{ ...client, paths: Uint32Array.of(7) }] };
  await traffic.flush({ ...aFlush("c", 1, [second]), conduct: oddly });
  expect(await traffic.conduct(now())).toEqual({
    requests: 40,
    clientErrors: 10,
    clients: [{ ...client, requests: 18, clientErrors: 8, scannerPaths: 2 }],
  });
  expect((await traffic.window(5, now())).seconds).toMatchObject([{ served: 60 }]);
});
