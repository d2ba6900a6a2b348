/** The port every mitigation implements: one file in `actuators/`, one line in `registry.ts`. */
import type { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import type { CloudflareProduction } from "../platform/cloudflare.ts";
import type { NeonProduction } from "../platform/neon.ts";
import type { ActId, LeaseId } from "../shared/ids.ts";
import type { AuditSpec } from "../audit/audit.ts";
import type { PostgresWriter } from "../platform/postgres-writer.ts";
import type { RedisWriter } from "../platform/redis-writer.ts";
import type { Postgres } from "../platform/postgres.ts";
import type { Result } from "../shared/result.ts";
import type { PolicyEntry, PolicySeq } from "../policy/policy.ts";
import type { SignalName } from "../signals/signal.ts";

/** A reversible mitigation. All functions but `plan` may be called again after a crash, with the same arguments. */
export type LeaseActuator<Id extends string = string, Options = never, Prior = never> = {
  readonly id: Id;
  readonly kind: "lease";
  readonly options: z.ZodType<Options>;
  /** What was there before, as the journal gives it back. */
  readonly prior: z.ZodType<Prior>;
  /** What playbooks must know before there are options. */
  readonly traits: Traits;
  /** Pure: what applying would touch. */
  readonly plan: (options: Options) => Plan;
  /** What it needs to work at all; a missing piece is a skipped step with this text. */
  readonly missing: (reach: Reach) => string | null;
  /** Puts it in force until `lease.expiresAtMs`, for `lease.share` of the clients; records what was there before. */
  readonly apply: (
    lease: AppliedLease<Options, Prior>,
    reach: Reach,
  ) => Promise<Result<Application<Prior>, Failure>>;
  /** Is it in force now, as the lease says? */
  readonly verify: (
    lease: AppliedLease<Options, Prior>,
    reach: Reach,
  ) => Promise<Result<boolean, Failure>>;
  /** Whose is what stands there now? Asked after an unknown outcome, before anything is done again. */
  readonly inspect: (lease: AppliedLease<Options, Prior>, reach: Reach) => Promise<Inspection>;
  /** Restores what was there before, only if what stands there is still ours. */
  readonly revert: (
    lease: AppliedLease<Options, Prior>,
    reach: Reach,
  ) => Promise<Result<Reverted, Failure>>;
};

export type Plan = Traits & {
  /** In words, for the person who approves: "every visitor, but exempt routes". */
  readonly touches: string;
};

/** The part of a plan that does not depend on the options. */
export type Traits = {
  /** Every visitor: two independent kinds of evidence are needed. */
  readonly siteWide: boolean;
  readonly masks: readonly SignalName[];
  readonly release: "staged" | "at_once" | "manual";
  /** It touches nobody, and mends nothing: the ladder goes on beside it, and nobody asks whether it helped. */
  readonly beside?: boolean;
};

export type AppliedLease<Options, Prior> = {
  readonly id: LeaseId;
  readonly incidentId: string;
  readonly options: Options;
  readonly reason: string;
  readonly shadow: boolean;
  readonly share: number;
  readonly expiresAtMs: number;
  /** Null before the first application was recorded. */
  readonly prior: Prior | null;
};

export type Application<Prior> = { readonly prior: Prior; readonly receipt: unknown };
export type Inspection = "ours" | "changed" | "gone" | "unknown";
export type Reverted = "restored" | "gone" | "changed";

/**
 * A mitigation that is done once and cannot be taken back. It first finds out what it would do, which changes nothing; then
 * the playbook or a person says so; then it does exactly that, or refuses because something else is so by now.
 */
export type ActActuator<Id extends string = string, Options = never, Judged = never> = {
  readonly id: Id;
  readonly kind: "act";
  readonly options: z.ZodType<Options>;
  /** What it decided to do, as the journal gives it back. */
  readonly judged: z.ZodType<Judged>;
  /** What playbooks must know before there are options. */
  readonly traits: ActTraits;
  /** Pure: what performing would touch. */
  readonly plan: (options: Options) => ActPlan;
  /** What it needs to work at all; a missing piece is a failed act with this text. */
  readonly missing: (reach: Reach) => string | null;
  /** Looks, and changes nothing: what exactly would be done now. A refusal says why nothing would. */
  readonly judge: (
    act: AskedAct<Options>,
    reach: Reach,
  ) => Promise<Result<Judgement<Judged>, Failure>>;
  /** Does what was judged, once, under the act's id; refuses when what it was judged on has changed since. */
  readonly perform: (
    act: JudgedAct<Options, Judged>,
    reach: Reach,
  ) => Promise<Result<Done, ActFailure>>;
  /** Was it done? Asked after an unknown outcome, before anything is done again. */
  readonly confirm: (
    act: JudgedAct<Options, Judged>,
    reach: Reach,
  ) => Promise<Result<Confirmation, Failure>>;
};

export type ActTraits = {
  /** Every visitor: two independent kinds of evidence are needed. */
  readonly siteWide: boolean;
  /** It changes nothing that is there, and mends nothing: the ladder goes on beside it, and nobody asks whether it helped. */
  readonly beside?: boolean;
  /** How many different people must agree before it is done; without it, one, or the playbook. */
  readonly approvals?: number;
};

export type ActPlan = ActTraits & {
  /** In words, for the person who approves. */
  readonly touches: string;
};

export type AskedAct<Options> = {
  /** Also the idempotency key, and what `confirm` finds it by. */
  readonly id: ActId;
  readonly incidentId: string;
  readonly options: Options;
  readonly reason: string;
  /** When the harm began. */
  readonly onsetAtMs: number;
  /** How long ago the incident last did the same by another act; absent: it never did. */
  readonly lastDoneMsAgo?: number;
};

export type JudgedAct<Options, Judged> = AskedAct<Options> & { readonly judged: Judged };

/** `says` is one sentence for whoever approves: what, from what, to what. */
export type Judgement<Judged> = { readonly judged: Judged; readonly says: string };

/** `says` is one sentence on what was done; the receipt is what it can be found by. */
export type Done = { readonly says: string; readonly receipt: unknown };
export type Confirmation = ({ readonly done: true } & Done) | { readonly done: false };

/** A refusal may ask: with these options on top, and a person's word, it would be done. */
export type ActFailure = Failure & { readonly ask?: Readonly<Record<string, unknown>> };

/** What actuators may reach, handed in by the shell. One member per system. */
export type Reach = {
  readonly instance: string;
  readonly policy: PolicyReach;
  /** Whether this deploy has a signing key: without one, nothing can be signed for visitors. */
  readonly canSign: boolean;
  /** With the role that watches; null is not configured. */
  readonly postgres: Postgres | null;
  /** Null when Cloudflare's API is not configured. */
  readonly cloudflare: CloudflareReach | null;
  /** Null when Neon's API is not configured. */
  readonly neon: NeonReach | null;
  /** Null when no role may change who may come in. */
  readonly credentials: CredentialsReach | null;
  /** Null when the site does not say that production keeps sessions in Redis. */
  readonly sessions: SessionsReach | null;
};

/** What the keys of those sessions begin with, and a token of its own that may drop them; null: there is none. */
export type SessionsReach = {
  readonly prefix: string;
  readonly writer: RedisWriter | null;
};

/** The rows that say who may come in: how the site says they are changed, and a role of its own that may. */
export type CredentialsReach = {
  readonly spec: AuditSpec | null;
  readonly writer: PostgresWriter;
};

/** Production's database at Neon, beside which branches are made. */
export type NeonReach = NeonProduction & {
  /** When every integrity check last held, null when nobody knows. */
  readonly cleanAtMs: () => Promise<number | null>;
  readonly now: () => number;
};

/** Production at Cloudflare, and what of it is never touched: Firebreak itself, and whom the site spares. */
export type CloudflareReach = CloudflareProduction & {
  readonly own: { readonly scripts: readonly string[]; readonly versionId: string | null };
  /** Networks of the site's allowlist. */
  readonly spared: readonly string[];
  readonly exempt: EdgeExempt;
  readonly now: () => number;
};

/** What is never asked to prove that it is a browser, for it is none. */
export type EdgeExempt = {
  /** Where Firebreak answers, and where payment providers and others deliver. */
  readonly routes: readonly string[];
  /** Where production is asked around the guard. */
  readonly hosts: readonly string[];
  /** Robots that Cloudflare has verified. */
  readonly bots: boolean;
};

/** The guard's policy, as actuators write it. */
export type PolicyReach = {
  readonly put: (entry: PolicyEntry) => Promise<Result<{ readonly seq: PolicySeq }, Failure>>;
  readonly get: (id: string) => Promise<Result<PolicyEntry | null, Failure>>;
  readonly remove: (id: string) => Promise<Result<{ readonly existed: boolean }, Failure>>;
};

/** Keeps the id literal, so that the registry's keys are the union that playbooks are checked against. */
export const defineLease = <const Id extends string, Options, Prior>(
  actuator: LeaseActuator<Id, Options, Prior>,
): LeaseActuator<Id, Options, Prior> => actuator;

export const defineAct = <const Id extends string, Options, Judged>(
  actuator: ActActuator<Id, Options, Judged>,
): ActActuator<Id, Options, Judged> => actuator;
