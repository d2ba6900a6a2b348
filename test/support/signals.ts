/** Builders for what sources reach: everything missing, until a test says otherwise. */
import type { CollectorContext } from "../../src/signals/collectors/collector.ts";
import type { PollContext, SourceReach, Vantage } from "../../src/signals/source.ts";
import type { OfAllShards, TrafficReader } from "../../src/traffic/shards.ts";
import type {
  ReportsWindow,
  SignInsWindow,
  TalkersWindow,
  TrafficSecond,
  TrafficWindow,
} from "../../src/traffic/traffic-api.ts";

export const NOW_MS = Date.UTC(2026, 10, 23, 12, 0, 0);

export const aWindow = (
  window: Partial<OfAllShards<TrafficWindow>> = {},
): OfAllShards<TrafficWindow> => ({
  fromSecond: 0,
  untilSecond: 10,
  seconds: [],
  lastFlushAtMs: NOW_MS - 500,
  lostFlushes: 0,
  silentShards: 0,
  ...window,
});

export const aTalkersWindow = (
  window: Partial<OfAllShards<TalkersWindow>> = {},
): OfAllShards<TalkersWindow> => ({
  fromSecond: 0,
  untilSecond: 10,
  missingReports: 0,
  silentShards: 0,
  dimensions: [],
  ...window,
});

export const aReportsWindow = (
  window: Partial<OfAllShards<ReportsWindow>> = {},
): OfAllShards<ReportsWindow> => ({
  fromSecond: 0,
  counts: {},
  lastFlushAtMs: NOW_MS - 500,
  lostFlushes: 0,
  silentShards: 0,
  ...window,
});

export const aSignInsWindow = (
  window: Partial<OfAllShards<SignInsWindow>> = {},
): OfAllShards<SignInsWindow> => ({
  addresses: [],
  accounts: [],
  failingAddresses: new Uint8Array(),
  failingAccounts: new Uint8Array(),
  silentShards: 0,
  ...window,
});

export const aTraffic = (reader: Partial<TrafficReader> = {}): TrafficReader => ({
  window: async () => aWindow({ lastFlushAtMs: null }),
  talkers: async () => aTalkersWindow(),
  touched: async () => ({
    sinceSecond: 0,
    missingReports: 0,
    heardUntilMs: null,
    entries: [],
    silentShards: 0,
  }),
  logged: async () => ({ requests: [], leftOut: 0, silentShards: 0 }),
  reports: async () => aReportsWindow({ lastFlushAtMs: null }),
  signIns: async () => aSignInsWindow(),
  conduct: async () => ({ requests: 0, clientErrors: 0, clients: [], silentShards: 0 }),
  ...reader,
});

export const aSecond = (second: Partial<TrafficSecond> = {}): TrafficSecond => ({
  second: 1,
  asked: 0,
  served: 0,
  failed: 0,
  refused: {},
  shadowed: {},
  challenges: {},
  policySeqs: {},
  latency: [],
  faults: 0,
  unknownEntries: 0,
  ...second,
});

export const aReach = (reach: Partial<SourceReach> = {}): SourceReach => ({
  probes: [],
  around: null,
  through: null,
  postgres: null,
  replica: null,
  redis: null,
  cloudflareStatus: null,
  cloudflare: null,
  neon: null,
  traffic: aTraffic(),
  policy: { read: async () => ({ seq: { epoch: 1, n: 1 }, policy: null }) },
  writeJournals: [],
  alerts: {
    alertCounts: async () => ({ firing: 0, critical: 0, sources: 0, lastReceivedAtMs: null }),
  },
  heartbeats: [],
  integrityChecks: [],
  payments: null,
  audit: null,
  told: {
    heartbeats: async () => [],
    reportCounts: async () => ({
      reporters: 0,
      dataReporters: 0,
      byKind: {},
      lastReceivedAtMs: null,
    }),
    accepted: async () => [],
  },
  hasAlertSource: false,
  ...reach,
});

/** A poll of what can be reached, with nothing kept from an earlier one. */
export const aPoll = (context: Partial<PollContext> = {}): PollContext => ({
  ...aReach(),
  atMs: NOW_MS,
  signal: AbortSignal.timeout(5_000),
  kept: null,
  keep: () => {},
  recordsWithinMs: 120_000,
  ...context,
});

/** Probes of this vantage go to a real server by real HTTP. */
export const aVantage = (baseUrl: string): Vantage => ({
  baseUrl,
  fetch: (url, init) => fetch(url, init),
  sign: async () => ({ "x-firebreak-probe": "signed" }),
});

type Collected = Omit<CollectorContext, "signal">;

/** What collectors may reach where nothing is configured. */
export const aCollection = (given: Partial<Collected>): Collected => ({
  atMs: 0,
  onsetAtMs: 0,
  signals: [],
  history: async () => [],
  cloudflareStatus: null,
  deployments: async () => [],
  github: null,
  cloudflare: null,
  traffic: aTraffic(),
  postgres: null,
  replica: null,
  redis: null,
  integrityChecks: [],
  audit: null,
  payments: null,
  kept: null,
  ...given,
});
