/** The port every mitigation implements: one file in `actuators/`, one line in `registry.ts`. */
import type { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import type { LeaseId } from "../shared/ids.ts";
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

/** What actuators may reach, handed in by the shell. One member per system. */
export type Reach = {
  readonly instance: string;
  readonly policy: PolicyReach;
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
