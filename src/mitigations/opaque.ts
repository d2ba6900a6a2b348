/** Actuators whose options, prior value and judgement are unknown to their caller: those come from a journal, and are read through the actuator's own schemas. */
import type { Failure } from "../incidents/journal.ts";
import type { ActWords, LeaseWords } from "../playbooks/vocabulary.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type {
  ActActuator,
  ActFailure,
  Application,
  AppliedLease,
  AskedAct,
  Confirmation,
  Done,
  Inspection,
  Judgement,
  JudgedAct,
  LeaseActuator,
  Reach,
  Reverted,
} from "./actuator.ts";
import { problems } from "./problems.ts";

export type StoredLease = AppliedLease<unknown, unknown>;

export type Actuator = {
  readonly id: string;
  readonly words: LeaseWords;
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

function wordsOf<Options, Prior>(actuator: LeaseActuator<string, Options, Prior>): LeaseWords {
  const { masks, release, siteWide, beside = false } = actuator.traits;
  return {
    kind: "lease",
    masks,
    release,
    siteWide,
    beside,
    problemsWith: (options) => problems("with", actuator.options, options),
  };
}

export type StoredAct = AskedAct<unknown>;
export type StoredJudgedAct = JudgedAct<unknown, unknown>;

export type Act = {
  readonly id: string;
  readonly words: ActWords;
  readonly missing: (reach: Reach) => string | null;
  readonly judge: (act: StoredAct, reach: Reach) => Promise<Result<Judgement<unknown>, Failure>>;
  readonly perform: (act: StoredJudgedAct, reach: Reach) => Promise<Result<Done, ActFailure>>;
  readonly confirm: (act: StoredJudgedAct, reach: Reach) => Promise<Result<Confirmation, Failure>>;
};

export function asAct<Options, Judged>(actuator: ActActuator<string, Options, Judged>): Act {
  const unreadable = err({
    class: "refuse",
    detail: `${actuator.id} cannot read what the journal holds for it`,
  } as const);
  const read = (act: StoredJudgedAct): Result<JudgedAct<Options, Judged>, Failure> => {
    const options = actuator.options.safeParse(act.options);
    const judged = actuator.judged.safeParse(act.judged);
    return options.success && judged.success
      ? ok({ ...act, options: options.data, judged: judged.data })
      : unreadable;
  };
  const { siteWide, beside = false, approvals = 1 } = actuator.traits;
  return {
    id: actuator.id,
    words: {
      kind: "act",
      masks: [],
      siteWide,
      beside,
      approvals,
      problemsWith: (options) => problems("with", actuator.options, options),
    },
    missing: (reach) => actuator.missing(reach),
    async judge(act, reach) {
      const options = actuator.options.safeParse(act.options);
      return options.success
        ? actuator.judge({ ...act, options: options.data }, reach)
        : unreadable;
    },
    async perform(act, reach) {
      const typed = read(act);
      return typed.ok ? actuator.perform(typed.value, reach) : typed;
    },
    async confirm(act, reach) {
      const typed = read(act);
      return typed.ok ? actuator.confirm(typed.value, reach) : typed;
    },
  };
}
