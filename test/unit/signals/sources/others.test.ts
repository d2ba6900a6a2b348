import { describe, it, onTestFinished } from "vitest";
import { createPostgres } from "../../../../src/platform/postgres.ts";
import { createRedis } from "../../../../src/platform/redis.ts";
import { createStatusPage } from "../../../../src/platform/status-page.ts";
import type { Answers, SourceReach } from "../../../../src/signals/source.ts";
import { alerts } from "../../../../src/signals/sources/alerts.ts";
import { cloudflare } from "../../../../src/signals/sources/cloudflare.ts";
import { guard, LAG_WINDOW_SECONDS } from "../../../../src/signals/sources/guard.ts";
import { POLICY_HEADER } from "../../../../src/guard/verdict.ts";
import { postgres } from "../../../../src/signals/sources/postgres.ts";
import { redis } from "../../../../src/signals/sources/redis.ts";
import type { AlertCounts } from "../../../../src/alerts/alert.ts";
import { closedUrl, sendJson, serve, type Received } from "../../../support/http-server.ts";
import { aPoll, aSecond, aTraffic, aVantage, aWindow, NOW_MS } from "../../../support/signals.ts";
import type { ServerResponse } from "node:http";

const context = (reach: Partial<SourceReach>) => aPoll(reach);
async function aServer(answer: (request: Received, response: ServerResponse) => void) {
  const server = await serve(answer);
  onTestFinished(server.close);
  return server;
}

describe("postgres and redis", () => {
  const aPostgres = (url: string) =>
    createPostgres({ connectionString: "postgresql://u:p@h.example.com/d", fetchEndpoint: url });

  it("know that a store which does not answer is unreachable", async ({ expect }) => {
    const url = await closedUrl();
    const [pg, rd] = await Promise.all([
      postgres.poll(context({ postgres: aPostgres(url) })),
      redis.poll(context({ redis: createRedis({ url, token: "t" }) })),
    ]);
    expect(pg).toMatchObject({
      "postgres.reachable_ratio": { value: 0 },
      "postgres.latency_ms": { unknown: "no_data" },
    });
    expect(rd).toMatchObject({
      "redis.reachable_ratio": { value: 0 },
      "redis.latency_ms": { unknown: "no_data" },
    });
  });

  it("do not call a store down that refuses us: it may serve production well", async ({
    expect,
  }) => {
    const server = await aServer((_, response) =>
      sendJson(response, 401, { error: "Unauthorized" }),
    );
    const pg = await postgres.poll(context({ postgres: aPostgres(server.url) }));
    const rd = await redis.poll(context({ redis: createRedis({ url: server.url, token: "t" }) }));
    expect(pg["postgres.reachable_ratio"]).toMatchObject({ unknown: "refused" });
    expect(rd["redis.reachable_ratio"]).toMatchObject({ unknown: "refused" });
  });

  it("know a good answer and its time", async ({ expect }) => {
    const server = await aServer((_, response) => sendJson(response, 200, { result: "PONG" }));
    const answers = await redis.poll(
      context({ redis: createRedis({ url: server.url, token: "t" }) }),
    );
    expect(answers).toEqual({
      "redis.reachable_ratio": { value: 1 },
      "redis.latency_ms": { value: expect.any(Number) },
    });
  });

  it("say that they are not configured", async ({ expect }) => {
    expect((await postgres.poll(context({})))["postgres.latency_ms"]).toMatchObject({
      unknown: "not_configured",
    });
    expect((await redis.poll(context({})))["redis.latency_ms"]).toMatchObject({
      unknown: "not_configured",
    });
  });
});

describe("cloudflare", () => {
  const level = async (answer: (response: ServerResponse) => void) => {
    const server = await aServer((_, response) => answer(response));
    const answers = await cloudflare.poll(
      context({ cloudflareStatus: createStatusPage([server.url], 100) }),
    );
    return answers["cloudflare.impact_level"];
  };
  const LEVELS = [
    ["none", 0],
    ["maintenance", 0],
    ["minor", 1],
    ["major", 2],
    ["critical", 3],
  ] as const;
  it.for(LEVELS)("takes %s for level %i", async ([indicator, expected], { expect }) => {
    const status = { indicator, description: "so they say" };
    expect(await level((response) => sendJson(response, 200, { status }))).toEqual({
      value: expected,
    });
  });

  const USELESS = [
    ["a 403", "refused", (response: ServerResponse) => void response.writeHead(403).end()],
    ["garbage", "malformed", (response: ServerResponse) => void response.end("<html>")],
    ["silence", "timeout", () => {}],
  ] as const;
  it.for(USELESS)("takes %s for unknown (%s)", async ([, reason, answer], { expect }) => {
    expect(await level(answer)).toMatchObject({ unknown: reason });
  });
});

describe("guard", () => {
  const seq = { epoch: 1, n: 7 };
  const policy: SourceReach["policy"] = { read: async () => ({ seq, policy: null }) };
  const ratio = async (reach: Partial<SourceReach>) =>
    (await guard.poll(context({ policy, ...reach })))["guard.enforced_ratio"];
  const decidedOn = (policySeqs: Readonly<Record<string, number>>): Partial<SourceReach> => ({
    traffic: aTraffic({
      window: async () =>
        aWindow({ seconds: [aSecond({ second: NOW_MS / 1_000 - 1, policySeqs })] }),
    }),
  });
  const onPolicy = async (header: string) => {
    const server = await aServer((_, response) => {
      response.setHeader(POLICY_HEADER, header);
      response.writeHead(503).end();
    });
    return { server, reach: { through: aVantage(server.url) } };
  };

  it("is the share of decisions on the newest policy", async ({ expect }) => {
    expect(await ratio(decidedOn({ "1.7": 3, "1.6": 1 }))).toEqual({ value: 0.75 });
  });

  it("counts guards without a policy against it", async ({ expect }) => {
    expect(await ratio(decidedOn({ "1.7": 1, none: 1 }))).toEqual({ value: 0.5 });
  });

  describe("how long the newest policy took", () => {
    const compiledAtMs = NOW_MS - 5_400;
    const second = NOW_MS / 1_000;
    const lag = async (reach: Partial<SourceReach>, compiled: number | null = compiledAtMs) => {
      const read = async () => ({
        seq,
        policy: null,
        ...(compiled === null ? {} : { compiledAtMs: compiled }),
      });
      const polled = await guard.poll(context({ policy: { read }, ...reach }));
      return polled["guard.enforcement_lag_seconds"];
    };
    const on = (
      ago: number,
      policySeqs: Readonly<Record<string, number>>,
      window: Parameters<typeof aWindow>[0] = {},
    ): Partial<SourceReach> => ({
      traffic: aTraffic({
        window: async (seconds, untilSecond) =>
          aWindow({
            fromSecond: untilSecond - seconds,
            untilSecond,
            seconds: [aSecond({ second: second - ago, policySeqs })],
            ...window,
          }),
      }),
    });

    it("is told to the second, and goes on while they are not on it", async ({ expect }) => {
      expect(await lag(on(4, { "1.7": 99, "1.6": 1 }))).toEqual({ value: 2.4 });
      expect(await lag(on(1, { "1.7": 98, "1.6": 2 }))).toEqual({ value: 5.4 });
    });

    const UNKNOWN = [
      ["nobody came since", on(7, { "1.6": 5 }), compiledAtMs],
      ["a report was lost", on(4, { "1.7": 1 }, { lostFlushes: 1 }), compiledAtMs],
      ["a shard is silent", on(4, { "1.7": 1 }, { silentShards: 1 }), compiledAtMs],
      ["the counters began later", on(4, { "1.7": 1 }, { fromSecond: second - 5 }), compiledAtMs],
      ["the policy is old", on(4, { "1.7": 1 }), NOW_MS - (LAG_WINDOW_SECONDS + 1) * 1_000],
      ["the policy does not say when", on(4, { "1.7": 1 }), null],
    ] as const;
    it.for(UNKNOWN)("is unknown when %s", async ([, reach, compiled], { expect }) => {
      expect(await lag(reach, compiled)).toMatchObject({ unknown: "no_data" });
    });
  });

  it("asks a guard itself, so that a site without visitors is not in the dark", async ({
    expect,
  }) => {
    const newest = await onPolicy("1.7");
    expect(await ratio(newest.reach)).toEqual({ value: 1 });
    expect(newest.server.received).toMatchObject([{ method: "HEAD", path: "/" }]);
    expect(await ratio((await onPolicy("1.6")).reach)).toEqual({ value: 0 });
    expect(await ratio({ ...decidedOn({ "1.7": 1 }), ...(await onPolicy("none")).reach })).toEqual({
      value: 0.5,
    });
  });

  it("does without that answer when production fails it", async ({ expect }) => {
    const through = aVantage(await closedUrl());
    expect(await ratio({ ...decidedOn({ "1.7": 2 }), through })).toEqual({ value: 1 });
    expect(await ratio({ through })).toMatchObject({ unknown: "no_data" });
  });

  it("does not carry the policy across for that", async ({ expect }) => {
    const asked: unknown[] = [];
    const read: SourceReach["policy"]["read"] = async (since) => {
      asked.push(since);
      return { seq, policy: null };
    };
    await ratio({ policy: { read } });
    expect(asked).toEqual([{ epoch: Number.MAX_SAFE_INTEGER, n: 0 }]);
  });
});

describe("alerts", () => {
  const poll = (
    counts: Partial<AlertCounts>,
    hasAlertSource: boolean,
  ): Promise<Answers<"alerts">> =>
    alerts.poll(
      context({
        hasAlertSource,
        alerts: {
          alertCounts: async () => ({
            firing: 0,
            critical: 0,
            sources: 0,
            lastReceivedAtMs: null,
            ...counts,
          }),
        },
      }),
    );

  it("counts", async ({ expect }) => {
    const counts = { firing: 3, critical: 2, sources: 1, lastReceivedAtMs: NOW_MS };
    expect(await poll(counts, true)).toEqual({
      "alerts.firing_count": { value: 3 },
      "alerts.critical_count": { value: 2 },
      "alerts.sources_count": { value: 1 },
    });
  });

  it("knows nothing before the first alert ever", async ({ expect }) => {
    expect((await poll({}, true))["alerts.firing_count"]).toMatchObject({ unknown: "no_data" });
    expect((await poll({}, false))["alerts.firing_count"]).toMatchObject({
      unknown: "not_configured",
    });
  });
});
