/** An actuator whose options and prior value are unknown to its caller: they come from a journal, and are read through its own schemas. */
import type { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import type { ActuatorWords } from "../playbooks/vocabulary.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type {
  Application,
  AppliedLease,
  Inspection,
  LeaseActuator,
  Reach,
  Reverted,
} from "./actuator.ts";

export type StoredLease = AppliedLease<unknown, unknown>;

export type Actuator = {
  readonly id: string;
  readonly words: ActuatorWords;
  readonly missing: (reach: Reach) => string | null;
  readonly apply: (
    lease: StoredLease,
    reach: Reach,
  ) => Promise<Result<Application<unknown>, Failure>>;
  readonly verify: (lease: StoredLease, reach: Reach) => Promise<Result<boolean, Failure>>;
  readonly inspect: (lease: StoredLease, reach: Reach) => Promise<Inspection>;
  readonly revert: (lease: StoredLease, reach: Reach) => Promise<Result<Reverted, Failure>>;
};

export function asActuator<Options, Prior>(
  actuator: LeaseActuator<string, Options, Prior>,
): Actuator {
  const read = (lease: StoredLease): Result<AppliedLease<Options, Prior>, Failure> => {
    const options = actuator.options.safeParse(lease.options);
    const prior = actuator.prior.nullable().safeParse(lease.prior);
    if (options.success && prior.success) {
      return ok({ ...lease, options: options.data, prior: prior.data });
    }
    return err({
      class: "refuse",
      detail: `${actuator.id} cannot read what the journal holds for it`,
    });
  };
  return {
    id: actuator.id,
    words: wordsOf(actuator),
    missing: (reach) => actuator.missing(reach),
    async apply(lease, reach) {
      const typed = read(lease);
      return typed.ok ? actuator.apply(typed.value, reach) : typed;
    },
    async verify(lease, reach) {
      const typed = read(lease);
      return typed.ok ? actuator.verify(typed.value, reach) : typed;
    },
    async inspect(lease, reach) {
      const typed = read(lease);
      return typed.ok ? actuator.inspect(typed.value, reach) : "unknown";
    },
    async revert(lease, reach) {
      const typed = read(lease);
      return typed.ok ? actuator.revert(typed.value, reach) : typed;
    },
  };
}

function wordsOf<Options, Prior>(actuator: LeaseActuator<string, Options, Prior>): ActuatorWords {
  const { masks, release, siteWide } = actuator.traits;
  return {
    masks,
    release,
    siteWide,
    problemsWith: (options) => problems(actuator.options, options),
  };
}

function problems(schema: z.ZodType, options: unknown): readonly string[] {
  const parsed = schema.safeParse(options);
  if (parsed.success) return [];
  return parsed.error.issues.map(
    (issue) => `${["with", ...issue.path].join(".")}: ${issue.message}`,
  );
}
