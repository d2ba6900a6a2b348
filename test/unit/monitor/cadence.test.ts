import { describe, it } from "vitest";
import {
  cadenceMs,
  moodOf,
  planPolls,
  siteParams,
  SUSPICION_MS,
} from "../../../src/monitor/cadence.ts";
import type { Override } from "../../../src/playbooks/params.ts";
import { sources } from "../../../src/signals/registry.ts";
import { measured, unknownSignal, type Signal } from "../../../src/signals/signal.ts";

const T0 = 1_800_000_000_000;
const REQUESTS = "traffic.origin_requests_count";
const requests = (value: number): Record<string, Signal> => ({
  [REQUESTS]: measured(REQUESTS, value, { atMs: T0, freshMs: 60_000 }),
});
const anOverride = (param: string, value: string, playbook = "site"): Override => ({
  playbook,
  param,
  value,
  by: "ada",
  reason: "a gameday",
  expiresAtMs: T0 + 60_000,
});

describe("the mood", () => {
  const calm = { isAlert: false, suspectedAtMs: null, signals: {} };

  it("is idle without visitors, known or not, and busy with them", ({ expect }) => {
    const unknown = { [REQUESTS]: unknownSignal(REQUESTS, "no_data", { atMs: T0 }) };
    expect(moodOf(calm, T0)).toBe("idle");
    expect(moodOf({ ...calm, signals: unknown }, T0)).toBe("idle");
    expect(moodOf({ ...calm, signals: requests(0) }, T0)).toBe("idle");
    expect(moodOf({ ...calm, signals: requests(1) }, T0)).toBe("busy");
  });

  it("is alert while anything stirs, and for a minute after a suspicion", ({ expect }) => {
    expect(moodOf({ ...calm, isAlert: true }, T0)).toBe("alert");
    const suspected = { ...calm, suspectedAtMs: T0 };
    expect(moodOf(suspected, T0 + SUSPICION_MS - 1)).toBe("alert");
    expect(moodOf(suspected, T0 + SUSPICION_MS)).toBe("idle");
  });
});

describe("the cadence", () => {
  it("is the site's, under overrides that have not expired and are the site's", ({ expect }) => {
    expect(cadenceMs("idle", siteParams([], T0))).toBe(60_000);
    expect(cadenceMs("busy", siteParams([], T0))).toBe(60_000);
    expect(cadenceMs("alert", siteParams([], T0))).toBe(10_000);
    const overrides = [anOverride("cadence_calm", "5s"), anOverride("cadence_alert", "1s", "ddos")];
    expect(cadenceMs("idle", siteParams(overrides, T0))).toBe(5_000);
    expect(cadenceMs("alert", siteParams(overrides, T0))).toBe(10_000);
    expect(cadenceMs("idle", siteParams(overrides, T0 + 60_000))).toBe(60_000);
  });
});

describe("the plan of a tick", () => {
  const params = siteParams([], T0);
  const plan = (mood: "idle" | "busy" | "alert", sinceMs: number) =>
    planPolls(
      Object.values(sources),
      Object.fromEntries(Object.keys(sources).map((id) => [id, T0])),
      { atMs: T0 + sinceMs, mood, params },
    ).map(({ source }) => source);
  const CHEAP = ["probe", "traffic", "guard", "alerts", "heartbeats", "reports"];

  it("asks everything the first time", ({ expect }) => {
    const first = planPolls(Object.values(sources), {}, { atMs: T0, mood: "idle", params });
    expect(first.map(({ source }) => source)).toEqual(Object.keys(sources));
  });

  const ROWS = [
    ["idle", 60_000, [...CHEAP, "usual_traffic"]],
    [
      "idle",
      300_000,
      [
        ...CHEAP,
        "usual_traffic",
        "edge",
        "sdk",
        "sign_ins",
        "api_use",
        "write_journal",
        "cloudflare",
        "deployments",
      ],
    ],
    [
      "idle",
      3_600_000,
      [
        ...CHEAP,
        "newcomers",
        "usual_traffic",
        "edge",
        "sdk",
        "sign_ins",
        "api_use",
        "challenge",
        "write_journal",
        "cloudflare",
        "deployments",
        "logs",
        "postgres",
        "replica",
        "neon",
        "redis",
        "payments",
        "database",
        "integrity",
        "audit",
      ],
    ],
    ["busy", 30_000, [...CHEAP, "sdk", "sign_ins", "api_use"]],
    [
      "busy",
      60_000,
      [
        ...CHEAP,
        "newcomers",
        "usual_traffic",
        "sdk",
        "sign_ins",
        "api_use",
        "challenge",
        "write_journal",
        "deployments",
        "postgres",
        "replica",
        "redis",
        "payments",
        "database",
        "integrity",
        "audit",
      ],
    ],
    ["alert", 1_000, [...CHEAP, "sdk", "sign_ins", "api_use", "challenge", "write_journal"]],
    [
      "alert",
      5_000,
      [
        ...CHEAP,
        "newcomers",
        "sdk",
        "sign_ins",
        "api_use",
        "challenge",
        "write_journal",
        "postgres",
        "replica",
        "redis",
        "database",
        "payments",
      ],
    ],
    [
      "alert",
      60_000,
      [
        ...CHEAP,
        "newcomers",
        "usual_traffic",
        "edge",
        "sdk",
        "sign_ins",
        "api_use",
        "challenge",
        "write_journal",
        "cloudflare",
        "deployments",
        "logs",
        "postgres",
        "replica",
        "neon",
        "redis",
        "payments",
        "database",
        "integrity",
        "audit",
      ],
    ],
  ] as const;
  it.for(ROWS)("%s, %d ms after the last poll, asks %j", ([mood, sinceMs, asked], { expect }) => {
    expect(new Set(plan(mood, sinceMs))).toEqual(new Set(asked));
  });

  it("asks a source as often as the site says, and no less often in an incident", ({ expect }) => {
    const asked = (mood: "idle" | "busy" | "alert", every: string, sinceMs: number) =>
      planPolls(
        [sources.integrity],
        { integrity: T0 },
        {
          atMs: T0 + sinceMs,
          mood,
          params: siteParams([anOverride("integrity_every", every)], T0),
        },
      ).length;
    expect([asked("busy", "3s", 2_000), asked("busy", "3s", 3_000)]).toEqual([0, 1]);
    expect([asked("alert", "3s", 2_000), asked("alert", "3s", 3_000)]).toEqual([0, 1]);
    expect([asked("alert", "10m", 8_000), asked("alert", "10m", 10_000)]).toEqual([0, 1]);
    expect(asked("idle", "3s", 60_000)).toBe(0);
  });

  it("looks at stores each minute while visitors are there, and as often as the site says", ({
    expect,
  }) => {
    const asked = (mood: "busy" | "alert", every: string, sinceMs: number) =>
      planPolls(
        [sources.database],
        { database: T0 },
        {
          atMs: T0 + sinceMs,
          mood,
          params: siteParams([anOverride("stores_every", every)], T0),
        },
      ).length;
    expect([asked("busy", "60s", 50_000), asked("busy", "60s", 60_000)]).toEqual([0, 1]);
    expect([asked("busy", "2s", 1_000), asked("busy", "2s", 2_000)]).toEqual([0, 1]);
    expect([asked("alert", "2s", 1_000), asked("alert", "2s", 2_000)]).toEqual([0, 1]);
    expect([asked("alert", "60s", 4_000), asked("alert", "60s", 5_000)]).toEqual([0, 1]);
  });

  it("does not lose a round to an alarm that is a little early", ({ expect }) => {
    expect(plan("busy", 59_200)).toContain("postgres");
  });

  it("lets no value go stale before its source is asked again in the calmest mood", ({
    expect,
  }) => {
    const polls = planPolls(Object.values(sources), {}, { atMs: T0, mood: "alert", params });
    for (const { source, freshMs } of polls) {
      const gapMs = Math.max(sources[source].everyMs.idle, cadenceMs("idle", params));
      expect(freshMs, source).toBeGreaterThanOrEqual(gapMs + cadenceMs("idle", params));
    }
  });
});

describe("what the default configuration costs", () => {
  it("asks Redis at most 50 000 times a month while there are visitors, 750 while there are none", ({
    expect,
  }) => {
    const monthMs = 31 * 24 * 3_600_000;
    expect(monthMs / sources.redis.everyMs.busy).toBeLessThan(50_000);
    expect(monthMs / sources.redis.everyMs.idle).toBeLessThan(750);
  });
});
