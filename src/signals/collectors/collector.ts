/** The port of an evidence collector: what an `investigate` step runs once, and what goes into the incident's timeline. */
import type { Deployment } from "../../alerts/deployments.ts";
import type { Failure } from "../../incidents/journal.ts";
import type { AuditSpec } from "../../audit/audit.ts";
import type { IntegrityCheck } from "../../integrity/check.ts";
import type { CloudflareProduction } from "../../platform/cloudflare.ts";
import type { Repository } from "../../platform/github.ts";
import type { KeptFor } from "../../platform/neon-kept.ts";
import type { Neon } from "../../platform/neon.ts";
import type { Postgres } from "../../platform/postgres.ts";
import type { Redis } from "../../platform/redis.ts";
import type { StatusPage } from "../../platform/status-page.ts";
import type { TrafficReader } from "../../traffic/shards.ts";
import type { Result } from "../../shared/result.ts";
import type { Signal, SignalName } from "../signal.ts";

export const COLLECTOR_DEADLINE_MS = 15_000;
export const SUMMARY_CHARACTERS_MAX = 500;
/** As JSON; collectors keep their facts below it by bounding their lists and texts. */
export const FACTS_CHARACTERS_MAX = 32_000;

/** What collectors may reach. Null is not configured. */
export type CollectorContext = {
  readonly atMs: number;
  readonly signal: AbortSignal;
  /** The incident's first bad sample. */
  readonly onsetAtMs: number;
  /** The signals that the incident's rules read. */
  readonly signals: readonly SignalName[];
  /** The monitor's samples of one signal since then, newest last. */
  readonly history: (name: SignalName, fromMs: number) => Promise<readonly Signal[]>;
  readonly cloudflareStatus: StatusPage | null;
  readonly cloudflare: CloudflareProduction | null;
  /** What deploying tools told of until then, newest first. */
  readonly deployments: (toMs: number) => Promise<readonly Deployment[]>;
  /** Where production's source is. */
  readonly github: Repository | null;
  readonly postgres: Postgres | null;
  readonly replica: Postgres | null;
  readonly redis: Redis | null;
  readonly traffic: Pick<TrafficReader, "talkers" | "signIns" | "logged">;
  readonly integrityChecks: readonly IntegrityCheck[];
  readonly audit: AuditSpec | null;
  /** Where production charges through the SDK. */
  readonly payments: { readonly queue: string } | null;
  /** Branches that were kept for this incident. */
  readonly kept: KeptBranches | null;
};

export type KeptBranches = {
  readonly api: Neon;
  readonly incident: KeptFor;
  /** The database as the compute at that host serves it; null when there is no database to speak of. */
  readonly open: (host: string) => Postgres | null;
};

export type Evidence = {
  /** One sentence for the timeline. */
  readonly summary: string;
  /** JSON data. */
  readonly facts: unknown;
};

export type Collector<Id extends string = string> = {
  readonly id: Id;
  /** Throws only by mistake. `context.signal` aborts at the deadline. */
  readonly collect: (context: CollectorContext) => Promise<Result<Evidence, Failure>>;
};

/** Keeps the id literal, so that the registry's keys are the union that playbooks are checked against. */
export const defineCollector = <const Id extends string>(collector: Collector<Id>): Collector<Id> =>
  collector;
