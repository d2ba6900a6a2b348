import { describe, it } from "vitest";
import { aView } from "../../support/metrics.ts";
import { doctorReport, type DoctorInput } from "../../../src/http/doctor-report.ts";
import { signalsReadBy } from "../../../src/http/signal-findings.ts";
import type { ListHead } from "../../../src/policy/lists.ts";
import { compilePlaybook, type CompiledPlaybook } from "../../../src/playbooks/compile.ts";
import { playbook } from "../../../src/playbooks/schema.ts";
import { catalogue, SOURCE_IDS } from "../../../src/signals/catalogue.ts";
import { measured, unknownSignal, UNKNOWN_REASONS } from "../../../src/signals/signal.ts";

const BOUND = { id: "LIMITER", missing: null };

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const SIGNAL = "postgres.reachable_ratio";

const words = {
  kind: "lease",
  problemsWith: () => [],
  masks: [],
  release: "at_once",
  siteWide: false,
  beside: false,
} as const;

function aPlaybook(given: Record<string, unknown> = {}): CompiledPlaybook {
  const spec = playbook.parse({
    schema: "firebreak/v1",
    id: "outage",
    title: "Outage",
    owner: "platform-team",
    reviewed: "2026-11-01",
    severity: { base: "SEV-1", raise: [{ to: "SEV-1", when: "traffic.error_ratio > 0.5" }] },
    detect: {
      rules: [{ id: "down", when: `${SIGNAL} < 1.0`, clear: `${SIGNAL} >= 1.0`, why: "x" }],
    },
    mitigate: [{ do: "read-only", lease: "5m" }],
    recover: { stable_for: "5m", when: "probe.around_success_ratio >= 1.0" },
    ...given,
  });
  const vocabulary = {
    signals: catalogue,
    actuators: { "read-only": words },
    collectors: [],
    selectors: {},
  };
  const compiled = compilePlaybook({ spec, source: "", sha256: "0".repeat(64) }, vocabulary);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value;
}

const all = { atMs: NOW_MS, freshMs: 60_000 };
const MISSED = "write_journal.missed_count";
const DEAD = "write_journal.dead_count";
const WELL = {
  [SIGNAL]: measured(SIGNAL, 1, all),
  "traffic.error_ratio": measured("traffic.error_ratio", 0, all),
  "probe.around_success_ratio": measured("probe.around_success_ratio", 1, all),
};
const report = (given: Partial<DoctorInput> = {}) =>
  doctorReport({
    playbooks: [aPlaybook()],
    signals: WELL,
    sourceOf: (name) => catalogue[name]?.source ?? null,
    parts: {
      actuators: [
        { id: "read-only", missing: null },
        { id: "maintenance-mode", missing: "a thing that no playbook here uses" },
      ],
      channels: [{ id: "pager", missing: null }],
      publicChannels: [],
      writeJournals: [],
      integrity: [],
      limiter: BOUND,
    },
    isTickFresh: true,
    lists: [],
    overdue: [],
    overdueItems: [],
    channels: [{ id: "pager", severities: ["SEV-1", "SEV-2"] }],
    clientAddress: "cloudflare",
    silences: [],
    nowMs: NOW_MS,
    ...given,
  });

/** Everything that is not well. */
const unwell = (given: Partial<DoctorInput>) => {
  const { site, playbooks } = report(given);
  return [...site, ...playbooks.flatMap(({ findings }) => findings)].filter(
    ({ state }) => state !== "ok",
  );
};

describe("doctorReport", () => {
  it("finds nothing wrong where nothing is, and looks only at what playbooks use", ({ expect }) => {
    expect(report().ok).toBe(true);
    expect(unwell({})).toEqual([]);
    expect(report().playbooks[0]?.findings.map(({ id }) => id)).toEqual([
      "platform-team",
      "2026-11-01",
      SIGNAL,
      "traffic.error_ratio",
      "probe.around_success_ratio",
      "read-only",
    ]);
  });

  it.for([
    ["not_configured", "missing", "set the secret POSTGRES_URL: wrangler secret put POSTGRES_URL"],
    ["timeout", "failing", "check that the database runs and that POSTGRES_URL's role may connect"],
    ["refused", "failing", "check that the database runs and that POSTGRES_URL's role may connect"],
    ["stale", "failing", "check that the database runs and that POSTGRES_URL's role may connect"],
  ] as const)("a signal that is %s is %s", ([reason, state, mend], { expect }) => {
    const signal = unknownSignal(SIGNAL, reason, { atMs: NOW_MS, detail: "no answer in 3 s" });
    const given = { signals: { ...measuredOthers, [SIGNAL]: signal } };
    expect(unwell(given)).toEqual([
      { kind: "signal", id: SIGNAL, state, detail: `unknown: ${reason} (no answer in 3 s)`, mend },
    ]);
    expect(report(given).ok).toBe(state !== "failing");
  });

  it("knows a line for every source and every way of not knowing, but masks", ({ expect }) => {
    for (const source of SOURCE_IDS) {
      for (const reason of UNKNOWN_REASONS) {
        const signal = unknownSignal(SIGNAL, reason, { atMs: NOW_MS });
        const given = { signals: { ...measuredOthers, [SIGNAL]: signal }, sourceOf: () => source };
        const found = report(given).playbooks[0]?.findings.find(({ id }) => id === SIGNAL);
        if (reason === "masked") expect(found?.mend).toBeNull();
        else expect(found?.mend, `${source} ${reason}`).toBeTruthy();
      }
    }
  });

  it.for([
    [
      "a channel without its secret",
      {
        parts: {
          actuators: [],
          channels: [{ id: "pager", missing: "the secret CHANNEL_PAGER is not set" }],
          publicChannels: [],
          writeJournals: [],
          integrity: [],
          limiter: BOUND,
        },
      },
      { kind: "channel", state: "missing", mend: "wrangler secret put CHANNEL_PAGER" },
    ],
    [
      "nobody to tell",
      {
        parts: {
          actuators: [],
          channels: [],
          publicChannels: [],
          writeJournals: [],
          integrity: [],
          limiter: BOUND,
        },
      },
      { kind: "channel", state: "missing", mend: "declare a channel in playbooks/site.yaml" },
    ],
    [
      "an actuator that cannot work",
      {
        parts: {
          actuators: [{ id: "read-only", missing: "bind the policy object" }],
          channels: [{ id: "pager", missing: null }],
          publicChannels: [],
          writeJournals: [],
          integrity: [],
          limiter: BOUND,
        },
      },
      { kind: "actuator", state: "missing", mend: "bind the policy object" },
    ],
    [
      "an actuator without its vendor's token",
      {
        parts: {
          actuators: [
            {
              id: "read-only",
              missing: "CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID are not set",
            },
          ],
          channels: [{ id: "pager", missing: null }],
          publicChannels: [],
          writeJournals: [],
          integrity: [],
          limiter: BOUND,
        },
      },
      { kind: "actuator", state: "missing", mend: "wrangler secret put CLOUDFLARE_API_TOKEN" },
    ],
    [
      "an act without the token that may write",
      {
        parts: {
          actuators: [
            { id: "read-only", missing: "REDIS_ACTS_TOKEN is not set, or REDIS_URL is not" },
          ],
          channels: [{ id: "pager", missing: null }],
          publicChannels: [],
          writeJournals: [],
          integrity: [],
          limiter: BOUND,
        },
      },
      { kind: "actuator", state: "missing", mend: "wrangler secret put REDIS_ACTS_TOKEN" },
    ],
    [
      "an actuator without its vendor's zone",
      {
        parts: {
          actuators: [{ id: "read-only", missing: "CLOUDFLARE_ZONE_ID is not set" }],
          channels: [{ id: "pager", missing: null }],
          publicChannels: [],
          writeJournals: [],
          integrity: [],
          limiter: BOUND,
        },
      },
      {
        kind: "actuator",
        state: "missing",
        mend: "set CLOUDFLARE_ZONE_ID in [vars] of wrangler.toml",
      },
    ],
    [
      "no limiter",
      {
        parts: {
          actuators: [],
          channels: [{ id: "pager", missing: null }],
          publicChannels: [],
          writeJournals: [],
          integrity: [],
          limiter: { id: "LIMITER", missing: "LIMITER is not bound" },
        },
      },
      {
        kind: "limiter",
        state: "missing",
        mend: "bind LIMITER to the class Limiter in wrangler.toml",
      },
    ],
    [
      "a check of a replica that is not there",
      {
        parts: {
          actuators: [],
          channels: [{ id: "pager", missing: null }],
          publicChannels: [],
          writeJournals: [],
          integrity: [
            { id: "prices-agree", missing: "the secret POSTGRES_REPLICA_URL is not set" },
          ],
          limiter: BOUND,
        },
      },
      {
        kind: "integrity",
        id: "prices-agree",
        state: "missing",
        mend: "wrangler secret put POSTGRES_REPLICA_URL",
      },
    ],
    [
      "a write journal without its secret",
      {
        parts: {
          actuators: [],
          channels: [{ id: "pager", missing: null }],
          publicChannels: [],
          writeJournals: [{ id: "stripe", missing: "the secret JOURNAL_STRIPE is not set" }],
          integrity: [],
          limiter: BOUND,
        },
      },
      {
        kind: "write-journal",
        id: "stripe",
        state: "missing",
        mend: "wrangler secret put JOURNAL_STRIPE",
      },
    ],
    [
      "addresses that nobody knows",
      { clientAddress: "none" },
      {
        kind: "client-address",
        id: "none",
        state: "missing",
        mend: "set client_address in playbooks/site.yaml to cloudflare, or to the header of the proxy that you run",
      },
    ],
    [
      "deliveries that a guard could not keep",
      { signals: { ...WELL, [MISSED]: measured(MISSED, 3, all) } },
      { kind: "write-journal", id: "missed", state: "failing", detail: "3 deliveries" },
    ],
    [
      "deliveries that were given up",
      { signals: { ...WELL, [DEAD]: measured(DEAD, 1, all) } },
      { kind: "write-journal", id: "dead-letters", state: "failing" },
    ],
    ["a monitor that stands still", { isTickFresh: false }, { kind: "monitor", state: "failing" }],
    [
      "an overdue review",
      { playbooks: [aPlaybook({ reviewed: "2026-10-01", review_every: "30d" })] },
      { kind: "review", state: "due", detail: "its review was due on 2026-10-31" },
    ],
    [
      "a playbook that nobody owns",
      { playbooks: [aPlaybook({ owner: "TBD" })] },
      { kind: "owner", state: "due", mend: "name an owner in playbooks/outage.yaml" },
    ],
    [
      "a signal that nobody ever collected",
      {
        signals: {},
        playbooks: [aPlaybook({ severity: { base: "SEV-1" }, recover: { stable_for: "5m" } })],
      },
      { kind: "signal", state: "missing", detail: "never collected" },
    ],
  ] as const)("names %s", ([, given, expected], { expect }) => {
    expect(unwell(given)).toMatchObject([expected]);
  });

  it("draws the line of a review at the end of its last day but one moment", ({ expect }) => {
    const playbooks = [aPlaybook({ reviewed: "2026-11-01", review_every: "30d" })];
    const dueAtMs = Date.UTC(2026, 11, 1);
    expect(unwell({ playbooks, nowMs: dueAtMs })).toEqual([]);
    expect(unwell({ playbooks, nowMs: dueAtMs + 1 })).toMatchObject([{ kind: "review" }]);
  });

  it("offline says only what files can tell", ({ expect }) => {
    const offline = report({ signals: null, parts: null, isTickFresh: null, clientAddress: null });
    expect(offline.site).toEqual([]);
    expect(offline.playbooks[0]?.findings.map(({ kind }) => kind)).toEqual(["owner", "review"]);
  });
});

it("reads signals out of every expression that a playbook has", ({ expect }) => {
  expect(signalsReadBy(aPlaybook())).toEqual([
    SIGNAL,
    "traffic.error_ratio",
    "probe.around_success_ratio",
  ]);
});

const measuredOthers = {
  "traffic.error_ratio": measured("traffic.error_ratio", 0, all),
  "probe.around_success_ratio": measured("probe.around_success_ratio", 1, all),
};

describe("lists of networks", () => {
  const DAY_MS = 24 * 3_600_000;
  const aList = (endsInMs: number): ListHead => ({
    id: "attackers",
    action: "block",
    mode: "enforce",
    owner: "ana",
    reason: "brute force",
    expiresAtMs: NOW_MS + endsInMs,
    networks: 100_000,
    asns: [64_500],
    countries: [],
    ja4s: [],
    sha256: "0".repeat(64),
    updatedAtMs: NOW_MS,
  });

  it("are told, and who must put them again before they end", ({ expect }) => {
    const states = [DAY_MS, DAY_MS - 1].map((endsInMs) => {
      const { site } = report({ lists: [aList(endsInMs)] });
      return site.find(({ kind }) => kind === "networks");
    });
    expect(states).toMatchObject([
      {
        state: "ok",
        detail:
          "block, enforce: 100000 networks and 1 ASNs, countries and JA4s until 2026-11-24T12:00Z, kept by ana",
        mend: null,
      },
      { state: "due", mend: expect.stringContaining("/_firebreak/api/v1/networks/attackers") },
    ]);
  });

  it("that nobody can read are a failure", ({ expect }) => {
    expect(report({ lists: "unreachable" })).toMatchObject({ ok: false });
  });
});

it("chases what was agreed on in them, and is late", ({ expect }) => {
  const item = { owner: "ada", action: "Mend it", dueAtMs: Date.UTC(2026, 11, 2), isDone: false };
  const overdueItems = [{ view: aView(), item, isOverdue: true }];
  expect(unwell({ overdueItems })).toMatchObject([
    {
      kind: "action-item",
      id: "inc_1",
      state: "due",
      detail: '"Mend it" was due on 2026-12-01; it waits for ada',
      mend: expect.stringContaining("PUT /_firebreak/api/v1/incidents/inc_1/postmortem"),
    },
  ]);
});

it("chases post-mortems that are late", ({ expect }) => {
  expect(unwell({ overdue: [aView({ lead: "ada" })] })).toMatchObject([
    {
      kind: "postmortem",
      id: "inc_1",
      state: "due",
      detail: expect.stringContaining("ada"),
      mend: expect.stringContaining("inc_1/postmortem/complete"),
    },
  ]);
});
