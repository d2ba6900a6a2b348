/** What guards report and the monitor reads. Counts are of requests that the guard saw, by outcome; probes are kept apart. */

import type { DimensionCut } from "../sketches/top-talkers.ts";
import type { ReportKind } from "./report-kinds.ts";

/** Upper bounds of the latency histogram, milliseconds; the last bucket is open. */
export const LATENCY_BOUNDS_MS = [
  5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
] as const;
export const FLUSH_SECONDS_MAX = 120;

/**
 * What becomes of challenges. `issued` and `solved` are counted in the second in which the challenge was put, so that the two
 * compare; `unenforced` is a request that should have been challenged and could not be, for want of a key.
 */
export const CHALLENGE_EVENTS = ["issued", "solved", "failed", "unenforced"] as const;
export type ChallengeEvent = (typeof CHALLENGE_EVENTS)[number];

/** One second of one isolate. */
export type TrafficSecond = {
  /** Epoch seconds. */
  readonly second: number;
  /**
   * Requests that production was asked in this second, whenever and however they ended: whose visitor leaves while production
   * hangs never ends. A guard from before this was counted says 0.
   */
  readonly asked: number;
  /** Requests that production answered below 500, in this second. */
  readonly served: number;
  /** Requests that production answered with 5xx, or not at all. */
  readonly failed: number;
  /** Requests that the guard answered itself, by verdict reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** What shadow entries would have touched, by entry id. */
  readonly shadowed: Readonly<Record<string, number>>;
  /** Requests decided on each policy, by formatted seq; `none` is a cold isolate. */
  readonly policySeqs: Readonly<Record<string, number>>;
  /** Production's answers per latency bucket, one more than there are bounds. */
  readonly latency: readonly number[];
  /** Faults inside the guard; production was served all the same. */
  readonly faults: number;
  /** Policy entries of kinds this guard does not know. */
  readonly unknownEntries: number;
  /** By `ChallengeEvent`. */
  readonly challenges: Readonly<Record<string, number>>;
};

/** Whose requests one isolate counted since its last flush, the guard's own answers included. */
export type TalkersReport = {
  /** Epoch seconds of the first and the last request. */
  readonly fromSecond: number;
  readonly untilSecond: number;
  readonly dimensions: readonly DimensionCut[];
  /** A guard from before they were counted does not say. */
  readonly urls?: DistinctCut | undefined;
  readonly sections?: SectionCut | undefined;
  /** Requests that production failed to answer, and their clients. */
  readonly harmed?: DistinctCut | undefined;
};

/** Requests by section of the site; see section-tally.ts. */
export type SectionCut = readonly { readonly section: string; readonly requests: number }[];

/** Requests, and a HyperLogLog of their URLs or clients. */
export type DistinctCut = { readonly total: number; readonly distinct: Uint8Array };

/** Whom one policy entry touched, or would have touched while it is in shadow. */
export type TouchedReport = {
  readonly entryId: string;
  readonly requests: number;
  /** Those of them from bots that Cloudflare has verified. */
  readonly verifiedBots: number;
  /** A HyperLogLog of the clients. */
  readonly clients: Uint8Array;
  /** Requests by the template of their path. */
  readonly routes: Readonly<Record<string, number>>;
};

/** What is suspicious about how clients use what there is, is looked at over so long. */
export const CONDUCT_SECONDS = 60;
/** Of one isolate, in one flush. */
export const CONDUCT_CLIENTS_MAX = 32;
/** Of one client, in one flush. */
export const CONDUCT_PATHS_MAX = 16;

/** How clients used what there is, of the requests that production answered below 500. */
export type ConductReport = {
  /** Of all clients. */
  readonly requests: number;
  readonly clientErrors: number;
  readonly clients: readonly ClientConduct[];
};

/** One client that stands out, and what it did since it was last told of. */
export type ClientConduct = {
  /** IPv4, or the /64 of an IPv6 address. */
  readonly client: string;
  readonly requests: number;
  /** Answered 4xx. */
  readonly clientErrors: number;
  readonly scannerPaths: number;
  /** Pairs of hashes: of a path's template, and of the path. At least; no path can be read from them. */
  readonly paths: Uint32Array;
};

/** The same within the last minute. One client may be known to several shards. */
export type ConductWindow = ConductReport;

/** A request that deserved a look, without what it carried: no address but its network, no id, no query, no header but who it says it is. */
export type SuspiciousRequest = {
  readonly atMs: number;
  /** An IPv4 /24 or an IPv6 /48; null when the address is not known. */
  readonly network: string | null;
  readonly country: string | null;
  readonly asn: number | null;
  readonly ja4: string | null;
  readonly userAgent: string | null;
  readonly method: string;
  /** The template of its path. */
  readonly path: string;
  /** Why the guard refused it, or how production turned it away: `status_404`; or `scanner_path`. */
  readonly because: string;
};

/** The newest of one isolate since its last flush. */
export type LoggedReport = {
  readonly requests: readonly SuspiciousRequest[];
  /** Those that there was no room for. */
  readonly leftOut: number;
};
/** Of one isolate, in one flush. */
export const LOGGED_MAX = 32;

/** What is kept of them, oldest first. */
export type LoggedWindow = LoggedReport;

export type TrafficFlush = {
  readonly isolate: string;
  /** Counts up per isolate, so that a lost flush shows. */
  readonly n: number;
  readonly seconds: readonly TrafficSecond[];
  /** A guard from before there were talkers does not say. */
  readonly talkers?: TalkersReport | undefined;
  /** Of the entries that any request met. */
  readonly touched?: readonly TouchedReport[] | undefined;
  /** A guard from before it was counted does not say. */
  readonly conduct?: ConductReport | undefined;
  /** While a lease asks for it, and there was anything to write down. */
  readonly logged?: LoggedReport | undefined;
};

export type TrafficWindow = {
  readonly fromSecond: number;
  readonly untilSecond: number;
  /** Oldest first; a second nobody reported is absent. */
  readonly seconds: readonly TrafficSecond[];
  /** When the last flush arrived, null before the first. */
  readonly lastFlushAtMs: number | null;
  /** Flushes known to be missing in the window. */
  readonly lostFlushes: number;
};

/** Who sent most of the traffic, added up over isolates. */
export type TalkersWindow = {
  readonly fromSecond: number;
  readonly untilSecond: number;
  /** Reports known to be missing in the window, or unusable. */
  readonly missingReports: number;
  readonly dimensions: readonly DimensionCut[];
  /** Of the requests of guards that count them; an object from before there were any does not say. */
  readonly urls?: DistinctCut | undefined;
  readonly sections?: SectionCut | undefined;
  readonly harmed?: DistinctCut | undefined;
};

/** Whom the entries touched since the counters began. */
export type TouchedWindow = {
  /** Epoch seconds; 0: since there are counters at all. */
  readonly sinceSecond: number;
  /** Reports known to be missing since then, or unusable. */
  readonly missingReports: number;
  /** When the last report was taken that says whom entries touched; null: none was since then. */
  readonly heardUntilMs: number | null;
  readonly entries: readonly TouchedReport[];
};

/** What one isolate of production reports of itself, by `ReportKind`. Without seconds it says that it is there, and nothing happened. */
export type ReportFlush = {
  readonly isolate: string;
  /** Counts up per isolate, so that a lost flush shows. */
  readonly n: number;
  readonly seconds: readonly {
    readonly second: number;
    readonly counts: Readonly<Record<string, number>>;
  }[];
  /** Who signed in, or tried to. An SDK from before this was told does not say. */
  readonly signIns?: readonly SignInReport[] | undefined;
};

/** Attempts to sign in from one address to one account since the flush before. */
export type SignInReport = {
  /** Of the last of them, epoch seconds. */
  readonly second: number;
  /** IPv4, or the /64 of an IPv6 address. */
  readonly address: string;
  /** A keyed hash: it tells accounts apart, and nothing else. Null where production has no key. */
  readonly account: string | null;
  readonly failed: number;
  readonly succeeded: number;
};

/** In one flush. Attempts beyond are counted by kind, and not told one by one. */
export const SIGN_INS_TOLD_MAX = 500;

export type ReportsWindow = {
  /** Epoch seconds: from here on what was reported is known. */
  readonly fromSecond: number;
  readonly counts: Readonly<Partial<Record<ReportKind, number>>>;
  /** Null before the first. */
  readonly lastFlushAtMs: number | null;
  readonly lostFlushes: number;
};

/** One address and the accounts that it tried, or one account and the addresses that tried it. */
export type SignInParty = {
  readonly name: string;
  /** Within the hour; at least. */
  readonly failed: number;
  /** Epoch seconds; 0: never. */
  readonly lastFailedSecond: number;
  /** The latest ones. */
  readonly others: readonly {
    readonly name: string;
    readonly failed: number;
    readonly lastFailedSecond: number;
    readonly lastSucceededSecond: number;
  }[];
};

/** Who tried to sign in within the hour, as far as it is worth remembering. */
export type SignInsWindow = {
  /** Those that failed most, of those that failed lately. */
  readonly addresses: readonly SignInParty[];
  readonly accounts: readonly SignInParty[];
  /** HyperLogLogs of all that failed lately. */
  readonly failingAddresses: Uint8Array;
  readonly failingAccounts: Uint8Array;
};

export type TrafficApi = {
  flush(flush: TrafficFlush): Promise<void>;
  /** The same from production's own isolates, through the SDK. */
  report(flush: ReportFlush): Promise<void>;
  /** The merged seconds in (`untilSecond - seconds`, `untilSecond`]. */
  window(seconds: number, untilSecond: number): Promise<TrafficWindow>;
  /** The same for talkers; a little shorter, because their seconds are kept in pairs. */
  talkers(seconds: number, untilSecond: number): Promise<TalkersWindow>;
  touched(): Promise<TouchedWindow>;
  /** The suspicious requests since then that are kept, which outlives the counters. */
  logged(sinceMs: number): Promise<LoggedWindow>;
  /** What was reported in the last `seconds` up to `nowSecond`. */
  reports(seconds: number, nowSecond: number): Promise<ReportsWindow>;
  signIns(nowSecond: number): Promise<SignInsWindow>;
  conduct(nowSecond: number): Promise<ConductWindow>;
};

/** The object's name, which never changes. */
export const trafficName = (shard: number): string => `traffic:${shard}`;
