/** What Cloudflare's API tells of production: evidence and a signal, against the stand-in. */
import { describe, it } from "vitest";
import type { CloudflareState } from "../../../dev/vendors/cloudflare-api.ts";
import type { CloudflareProduction } from "../../../src/platform/cloudflare.ts";
import { collectEvidence } from "../../../src/signals/collectors/registry.ts";
import { LOG_EVENTS_MAX } from "../../../src/platform/cloudflare-logs.ts";
import { edge, EDGE_LAG_MS, EDGE_WINDOW_MS } from "../../../src/signals/sources/edge.ts";
import { deployments } from "../../../src/signals/sources/deployments.ts";
import { LOG_LAG_MS, logs } from "../../../src/signals/sources/logs.ts";
import { aCollection, aPoll } from "../../support/signals.ts";
import { before, ONSET_MS, TOKEN, vendor } from "../mitigations/cloudflare.ts";

const WORKER = {
  versions: [{ id: "v2" }, { id: "v1" }],
  deployments: [
    {
      id: "d2",
      createdAt: before(4),
      message: "faster checkout",
      versions: [{ id: "v2", percentage: 100 }],
    },
    { id: "d1", createdAt: before(600), versions: [{ id: "v1", percentage: 100 }] },
  ],
};
const SITE = {
  live: "p2",
  deployments: [{ id: "p2", createdAt: before(3), commit: "abcdef0123456789" }],
};
const log = (minutes: number, message: string, given: object = {}) => ({
  atMs: ONSET_MS - minutes * 60_000,
  script: "shop",
  version: "v2",
  message,
  ...given,
});
const WORLD: CloudflareState = {
  workers: { shop: WORKER },
  pages: { site: SITE },
  invocations: [
    { atMs: ONSET_MS - 5 * 60_000, script: "shop", version: "v1", requests: 500 },
    { atMs: ONSET_MS - 60_000, script: "shop", version: "v2", requests: 60 },
    { atMs: ONSET_MS + 10_000, script: "shop", version: "v2", requests: 25 },
    {
      atMs: ONSET_MS + 20_000,
      script: "shop",
      version: "v2",
      status: "scriptThrewException",
      requests: 75,
    },
    { atMs: ONSET_MS + 20_000, script: "other", version: "o1", requests: 1_000 },
    { atMs: ONSET_MS - 60 * 60_000, script: "shop", version: "v1", requests: 9_000 },
  ],
  logs: [
    log(1, "TypeError: no prices for pitch 17, password=hunter2"),
    log(0.5, "TypeError: no prices for pitch 4711, password=other"),
    log(0.4, "slow", { level: "warn" }),
    log(0.3, "elsewhere", { script: "other" }),
    log(30, "long ago"),
  ],
};

async function asked(given: CloudflareState = WORLD) {
  const made = await vendor(given);
  const { cloudflare } = made.reach();
  if (cloudflare === null) throw new Error("it is configured");
  return { ...made, cloudflare };
}

const collect = (id: string, cloudflare: CloudflareProduction | null) =>
  collectEvidence(
    id,
    aCollection({
      atMs: ONSET_MS + 30_000,
      onsetAtMs: ONSET_MS,
      cloudflare,
    }),
  );
const COLLECTORS = [
  "cloudflare-deployments",
  "cloudflare-pages-deployments",
  "cloudflare-error-logs",
  "cloudflare-invocations",
] as const;

describe("evidence", () => {
  it("of deployments says who, and how long before", async ({ expect }) => {
    const { cloudflare } = await asked();
    expect(await collect("cloudflare-deployments", cloudflare)).toMatchObject({
      ok: true,
      value: {
        summary: "shop was last deployed 4m before the harm began, by ada@shop.example",
        facts: {
          deployments: [
            {
              id: "d2",
              beforeOnsetMs: 240_000,
              author: "ada@shop.example",
              message: "faster checkout",
            },
            { id: "d1" },
          ],
        },
      },
    });
  });

  it("of Pages says which commit, and how long before", async ({ expect }) => {
    const { cloudflare } = await asked();
    expect(await collect("cloudflare-pages-deployments", cloudflare)).toMatchObject({
      value: {
        summary: "site serves abcdef012345, made 3m before the harm began",
        facts: { live: "p2", builds: [{ id: "p2", beforeOnsetMs: 180_000 }] },
      },
    });
  });

  it("of error logs counts what is the same, by outcome and version, without secrets", async ({
    expect,
  }) => {
    const { cloudflare } = await asked();
    const collected = await collect("cloudflare-error-logs", cloudflare);
    expect(collected).toMatchObject({
      value: {
        facts: {
          count: 2,
          messages: [{ what: expect.stringContaining("no prices for pitch #"), count: 2 }],
          outcomes: [{ what: "exception in v2", count: 2 }],
        },
      },
    });
    expect(JSON.stringify(collected)).not.toContain("hunter2");
  });

  it("of invocations compares what came before the harm with what came since, by version", async ({
    expect,
  }) => {
    const { cloudflare } = await asked();
    expect(await collect("cloudflare-invocations", cloudflare)).toMatchObject({
      ok: true,
      value: {
        summary:
          "shop: 75.0 % of 100 invocations failed since the harm began, 0.0 % of 560 invocations failed before",
        facts: {
          since: [
            { versionId: "v2", outcome: "scriptThrewException", requests: 75, errors: 75 },
            { versionId: "v2", outcome: "success", requests: 25, errors: 0 },
          ],
          before: [
            { versionId: "v1", outcome: "success", requests: 500 },
            { versionId: "v2", outcome: "success", requests: 60 },
          ],
        },
      },
    });
  });

  it("of invocations that nobody has counted yet says so", async ({ expect }) => {
    const { cloudflare } = await asked({ ...WORLD, invocations: [] });
    expect(await collect("cloudflare-invocations", cloudflare)).toMatchObject({
      value: { summary: expect.stringContaining("no invocation was counted since") },
    });
  });

  it("of invocations may come later when too much was asked", async ({ expect }) => {
    const { cloudflare } = await asked({ ...WORLD, isOverBudget: true });
    expect(await collect("cloudflare-invocations", cloudflare)).toMatchObject({
      error: { class: "retry", detail: expect.stringContaining("budget depleted") },
    });
  });

  it("of a quiet log says so", async ({ expect }) => {
    const { cloudflare } = await asked({ ...WORLD, logs: [] });
    expect(await collect("cloudflare-error-logs", cloudflare)).toMatchObject({
      value: { summary: "shop logged no error around the time the harm began" },
    });
  });

  it.for(COLLECTORS)("%s names what is not configured", async (id, { expect }) => {
    const { cloudflare } = await asked();
    expect(await collect(id, null)).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("CLOUDFLARE_API_TOKEN") },
    });
    expect(await collect(id, { ...cloudflare, worker: null, pagesProject: null })).toMatchObject({
      error: { class: "refuse", detail: expect.stringMatching(/CLOUDFLARE_\w+ is/) },
    });
  });

  it.for(COLLECTORS)("%s fails without the token when Cloudflare does", async (id, { expect }) => {
    const { unreachable } = await asked();
    const collected = await collect(id, unreachable.cloudflare);
    expect(collected).toMatchObject({ ok: false, error: { class: "retry" } });
    expect(JSON.stringify(collected)).not.toContain(TOKEN);
  });
});

describe("cloudflare.deployment_age_seconds", () => {
  const poll = (cloudflare: CloudflareProduction | null) =>
    deployments.poll({
      ...aPoll({ cloudflare }),
      atMs: ONSET_MS,
    });

  it("is how old what is live is", async ({ expect }) => {
    const { cloudflare } = await asked();
    expect(await poll(cloudflare)).toEqual({ "cloudflare.deployment_age_seconds": { value: 240 } });
  });

  it.for([
    ["not_configured", async (): Promise<CloudflareProduction | null> => null],
    ["refused", async () => (await asked()).strangers.cloudflare],
    ["timeout", async () => (await asked()).unreachable.cloudflare],
    [
      "no_data",
      async () => (await asked({ workers: { shop: { ...WORKER, deployments: [] } } })).cloudflare,
    ],
  ] as const)("is unknown: %s", async ([unknown, reach], { expect }) => {
    expect(await poll(await reach())).toMatchObject({
      "cloudflare.deployment_age_seconds": { unknown },
    });
  });
});

describe("what production logged", () => {
  const poll = (cloudflare: CloudflareProduction | null) =>
    logs.poll({
      ...aPoll({ cloudflare }),
      atMs: ONSET_MS + LOG_LAG_MS,
    });
  const said = (...messages: readonly string[]): CloudflareState => ({
    ...WORLD,
    logs: messages.map((message) => log(1, message)),
  });

  it("is counted over two minutes, and what is about time that ran out apart", async ({
    expect,
  }) => {
    const { cloudflare, calls } = await asked({
      ...WORLD,
      logs: [
        log(0.2, "NeonDbError: canceling statement due to statement timeout"),
        log(0.4, "Error: timeout exceeded when trying to connect"),
        log(0.5, "remaining connection slots are reserved, too many clients already"),
        log(0.6, "TypeError: no prices"),
        log(0.7, "request timed out", { level: "warn" }),
        log(0.8, "ETIMEDOUT", { script: "other" }),
        log(3, "fetch timed out"),
      ],
    });
    expect(await poll(cloudflare)).toEqual({
      "logs.errors_count": { value: 4 },
      "logs.timeout_errors_count": { value: 3 },
    });
    expect(await calls()).toHaveLength(1);
  });

  it("is none in a quiet log, which is known", async ({ expect }) => {
    const { cloudflare } = await asked(said());
    expect(await poll(cloudflare)).toMatchObject({ "logs.timeout_errors_count": { value: 0 } });
  });

  it("is not called calm when there was too much of it to look at", async ({ expect }) => {
    const { cloudflare } = await asked(
      said(...Array.from({ length: LOG_EVENTS_MAX + 1 }, () => "TypeError: no prices")),
    );
    expect(await poll(cloudflare)).toMatchObject({
      "logs.errors_count": { value: LOG_EVENTS_MAX + 1 },
      "logs.timeout_errors_count": { unknown: "no_data" },
    });
  });

  it.for([
    ["not_configured", async (): Promise<CloudflareProduction | null> => null],
    ["refused", async () => (await asked()).strangers.cloudflare],
    ["timeout", async () => (await asked()).unreachable.cloudflare],
  ] as const)("is unknown: %s", async ([unknown, reach], { expect }) => {
    expect(await poll(await reach())).toMatchObject({
      "logs.errors_count": { unknown },
      "logs.timeout_errors_count": { unknown },
    });
  });
});

describe("who comes to the edge", () => {
  const HOUR = Math.floor((ONSET_MS - EDGE_LAG_MS) / 3_600_000);
  /** Two earlier weeks in which so many came each second. */
  const usually = (perSecond: number) => ({
    weeks: {
      [String(HOUR % 168)]: [
        { hour: HOUR - 336, perSecond },
        { hour: HOUR - 168, perSecond },
      ],
    },
    current: null,
  });
  const poll = async (cloudflare: CloudflareProduction | null, kept: unknown = usually(10)) => {
    const notes: unknown[] = [];
    const answers = await edge.poll({
      ...aPoll({ cloudflare }),
      atMs: ONSET_MS,
      kept,
      keep: (note) => void notes.push(note),
    });
    return { answers, notes };
  };
  const fromMs = ONSET_MS - EDGE_LAG_MS - EDGE_WINDOW_MS;
  const came = (atMs: number, requests: number, given: object = {}) => ({
    zone: "zone",
    atMs,
    requests,
    ...given,
  });

  it("is counted over two minutes that are surely counted, and compared with earlier weeks", async ({
    expect,
  }) => {
    const { cloudflare } = await asked({
      ...WORLD,
      visits: [
        came(fromMs, 100),
        came(ONSET_MS - EDGE_LAG_MS - 1, 20),
        // Before, not counted yet, from a Worker of ours, to another zone.
        came(fromMs - 1, 7_000),
        came(ONSET_MS - EDGE_LAG_MS, 7_000),
        came(fromMs, 7_000, { source: "edgeWorkerFetch" }),
        came(fromMs, 7_000, { zone: "other" }),
      ],
    });
    const { answers, notes } = await poll(cloudflare);
    expect(answers).toEqual({
      "edge.requests_per_second": { value: 1 },
      "edge.of_usual_ratio": { value: 0.1 },
    });
    expect(notes).toMatchObject([{ current: { hour: HOUR, sum: 1, readings: 1 } }]);
  });

  it("is nobody where Cloudflare counts no group at all", async ({ expect }) => {
    const { cloudflare } = await asked();
    expect((await poll(cloudflare)).answers).toEqual({
      "edge.requests_per_second": { value: 0 },
      "edge.of_usual_ratio": { value: 0 },
    });
  });

  it("is compared with nothing where little is known, or few usually come", async ({ expect }) => {
    const { cloudflare } = await asked();
    for (const kept of [null, { garbage: true }, usually(0.3)]) {
      expect((await poll(cloudflare, kept)).answers).toMatchObject({
        "edge.requests_per_second": { value: 0 },
        "edge.of_usual_ratio": { unknown: "no_data" },
      });
    }
  });

  it.for([
    ["not_configured", async (): Promise<CloudflareProduction | null> => null],
    ["not_configured", async () => ({ ...(await asked()).cloudflare, zoneId: null })],
    ["refused", async () => ({ ...(await asked()).cloudflare, zoneId: "another" })],
    ["refused", async () => (await asked()).strangers.cloudflare],
    ["timeout", async () => (await asked({ ...WORLD, isOverBudget: true })).cloudflare],
    ["timeout", async () => (await asked()).unreachable.cloudflare],
  ] as const)("is unknown, and remembers nothing: %s", async ([unknown, reach], { expect }) => {
    const { answers, notes } = await poll(await reach());
    expect(answers).toMatchObject({
      "edge.requests_per_second": { unknown },
      "edge.of_usual_ratio": { unknown },
    });
    expect(notes).toEqual([]);
    expect(JSON.stringify(answers)).not.toContain(TOKEN);
  });
});
