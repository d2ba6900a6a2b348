/** The port of a signal source: one file in `sources/`, one line in `registry.ts`. */
import type { CATALOGUE, CatalogueName, SourceId } from "./catalogue.ts";
import type { SignalValue, UnknownReason } from "./signal.ts";
import type { AlertCounts } from "../alerts/alert.ts";
import type { Heard, HeartbeatSpec } from "../alerts/heartbeats.ts";
import type { ReportCounts } from "../alerts/reports.ts";
import type { Acceptance } from "../integrity/accepted.ts";
import type { AuditSpec } from "../audit/audit.ts";
import type { IntegrityCheck } from "../integrity/check.ts";
import type { CloudflareProduction } from "../platform/cloudflare.ts";
import type { NeonProduction } from "../platform/neon.ts";
import type { Postgres } from "../platform/postgres.ts";
import type { Redis } from "../platform/redis.ts";
import type { StatusPage } from "../platform/status-page.ts";
import type { SiteParamName } from "../playbooks/site-params.ts";
import type { SiteSpec } from "../playbooks/site.ts";
import type { PolicyApi } from "../policy/policy-api.ts";
import type { TrafficReader } from "../traffic/shards.ts";
import type { JournalApi } from "../write-journal/journal-api.ts";

/** The signals that the catalogue says come from this source. */
export type NameOf<Id extends SourceId> = {
  [Name in CatalogueName]: (typeof CATALOGUE)[Name]["source"] extends Id ? Name : never;
}[CatalogueName];

/** What a source found out about one signal. Details are for the person paged and never hold a secret. */
export type Answer =
  | { readonly value: SignalValue }
  | { readonly unknown: UnknownReason; readonly detail?: string };

/** Each of the source's signals, known or not: a source cannot forget one. */
export type Answers<Id extends SourceId> = Readonly<Record<NameOf<Id>, Answer>>;

/**
 * What decides how often a source is asked. `idle`: nothing going on and no visitor seen, so that asking would only keep
 * sleeping things awake; `busy`: visitors are there; `alert`: suspicion, or anything pending, firing or open.
 */
export type Mood = "idle" | "busy" | "alert";

export type Source<Id extends SourceId> = {
  readonly id: Id;
  readonly emits: readonly NameOf<Id>[];
  /** The shortest time between two polls; 0 is every tick, because asking costs nothing that anybody notices. */
  readonly everyMs: Readonly<Record<Mood, number>>;
  /** The site's own word for how often while visitors are there, in place of `everyMs.busy`. */
  readonly busyEvery?: SiteParamName;
  /** After this every signal of the source is `unknown: timeout`. */
  readonly deadlineMs: number;
  /** Throws only by mistake. `context.signal` aborts at the deadline. */
  readonly poll: (context: PollContext) => Promise<Answers<Id>>;
};

/** What sources may reach, handed in by the shell. Null is not configured. */
export type SourceReach = {
  readonly probes: readonly SiteSpec["probes"][number][];
  /** Straight to production. */
  readonly around: Vantage | null;
  /** Our own guard's entry. */
  readonly through: Vantage | null;
  readonly postgres: Postgres | null;
  /** What production reads from when its primary is slow or gone. */
  readonly replica: Postgres | null;
  readonly redis: Redis | null;
  readonly cloudflareStatus: StatusPage | null;
  readonly cloudflare: CloudflareProduction | null;
  readonly neon: NeonProduction | null;
  readonly traffic: TrafficReader;
  readonly policy: Pick<PolicyApi, "read">;
  /** One per journaled route. */
  readonly writeJournals: readonly Pick<JournalApi, "status">[];
  readonly alerts: { readonly alertCounts: () => Promise<AlertCounts> };
  readonly heartbeats: readonly HeartbeatSpec[];
  readonly integrityChecks: readonly IntegrityCheck[];
  /** Null: the site says nothing of payments. */
  readonly payments: NonNullable<SiteSpec["payments"]> | null;
  readonly audit: AuditSpec | null;
  /** What jobs and people told us. */
  readonly told: {
    readonly heartbeats: (names: readonly string[]) => Promise<readonly Heard[]>;
    readonly reportCounts: () => Promise<ReportCounts>;
    readonly accepted: () => Promise<readonly Acceptance[]>;
  };
  /** Whether any monitoring tool could tell us anything at all. */
  readonly hasAlertSource: boolean;
};

/** A way to production for probes. */
export type Vantage = {
  /** `https://shop.example.com`: probe paths are appended. */
  readonly baseUrl: string;
  readonly fetch: (url: string, init: ProbeInit) => Promise<Response>;
  /** Headers that prove the request is our probe; empty where nobody would check. */
  readonly sign: (path: string) => Promise<Readonly<Record<string, string>>>;
};

export type ProbeInit = {
  readonly method: "GET" | "HEAD";
  readonly headers: Record<string, string>;
  readonly redirect: "manual";
  readonly signal: AbortSignal;
};

export type PollContext = SourceReach & {
  readonly atMs: number;
  readonly signal: AbortSignal;
  /** What production wrote down of sign-ins since so long ago is happening now. */
  readonly recordsWithinMs: number;
  /** What this source kept at an earlier poll, as JSON gives it back; null when there is nothing. */
  readonly kept: unknown;
  /** Leaves JSON data for the next poll, in place of what was kept: counters become rates only by what they were before. */
  readonly keep: (note: unknown) => void;
};

/** Keeps the id literal, so that `emits` and the answers are checked against the catalogue. */
export const defineSource = <const Id extends SourceId>(source: Source<Id>): Source<Id> => source;

/** The same answer for each of several signals. */
export function answerAll<const Name extends CatalogueName>(
  names: readonly Name[],
  answer: Answer,
): Readonly<Record<Name, Answer>> {
  const answers: Partial<Record<Name, Answer>> = {};
  for (const name of names) answers[name] = answer;
  return answers as Record<Name, Answer>;
}
