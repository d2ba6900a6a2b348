/**
 * One attempt at a payment that somebody holds, so that whoever dies in the middle has lost nothing and charged nobody twice: what is
 * about to happen is in Redis before it happens, and who was asked to charge is asked what became of it before anybody is asked again.
 */
import { within } from "../guard/deadline.ts";
import { ATTEMPTS_MAX, backoffMs } from "./backoff.ts";
import type { Payment, Settlement } from "./payment.ts";
import {
  askToCharge,
  askWhatBecame,
  type Charged,
  type Found,
  type PaymentProvider,
  type Unknown,
} from "./provider.ts";
import type { Claim, RetryQueue } from "./retry-queue.ts";

export type AttemptDeps = {
  readonly queue: RetryQueue;
  readonly provider: (id: string) => PaymentProvider | null;
  /** Production's own books. Called at least once for each payment that ended, before the queue forgets it. */
  readonly onSettled: (payment: Payment, settlement: Settlement) => Promise<void>;
  /** For one call of a provider. */
  readonly deadlineMs: number;
  /** How long after it was asked a provider that knows nothing of a payment is believed that nothing will come of it. */
  readonly believedAfterMs: number;
  /** 0..1. */
  readonly random: () => number;
};

export type Attempt =
  | { readonly state: "settled"; readonly settlement: Settlement }
  /** It waits for another attempt. `failure` is why. */
  | { readonly state: "again" | "dead"; readonly failure: Failure }
  /** Somebody else holds it by now, or Redis does not answer; it comes back by itself. */
  | { readonly state: "lost" };

export type Failure =
  /** A provider has failed, and may have charged. */
  | "unknown_outcome"
  /** It has failed, and has not. */
  | "unavailable"
  | "no_such_provider"
  /** It answers, and has not decided, or it is too early to believe that it knows nothing. */
  | "undecided"
  /** Production's own books could not be written. */
  | "not_booked";

/** What production's own books may take; together with two calls of a provider less than the queue leaves a payment to its holder. */
const BOOKING_DEADLINE_MS = 10_000;

/** Asks the one who was asked before, and charges at `target` only when nothing can come of that any more. */
export async function attempt(deps: AttemptDeps, taken: Claim, target: string): Promise<Attempt> {
  const claim = { ...taken, attempts: taken.attempts + 1 };
  const { job } = claim;
  if (job.asked === null) return charge(deps, claim, target);
  const provider = deps.provider(job.asked);
  if (provider === null) return putBack(deps, claim, "no_such_provider");
  const found = await askWhatBecame(provider, job, deps.deadlineMs);
  if (found.status === "none" && claim.nowMs - claim.askedAtMs >= deps.believedAfterMs) {
    return charge(deps, { ...claim, job: { ...job, round: job.round + 1 } }, target);
  }
  return conclude(deps, claim, { provider: job.asked, said: found });
}

/** The first attempt: the queue has the payment already, and that its provider is about to be asked. */
export async function firstAttempt(
  deps: AttemptDeps,
  claim: Claim,
  provider: PaymentProvider,
): Promise<Attempt> {
  const said = await askToCharge(provider, claim.job, deps.deadlineMs);
  return conclude(deps, claim, { provider: provider.id, said });
}

async function charge(deps: AttemptDeps, claim: Claim, target: string): Promise<Attempt> {
  const provider = deps.provider(target);
  if (provider === null) return putBack(deps, claim, "no_such_provider");
  const job = { ...claim.job, asked: target };
  const marked = await deps.queue.mark(claim, job, claim.attempts);
  if (marked === null) return { state: "lost" };
  return firstAttempt(deps, marked, provider);
}

type Said = { readonly provider: string; readonly said: Charged | Found | Unknown };

async function conclude(
  deps: AttemptDeps,
  claim: Claim,
  { provider, said }: Said,
): Promise<Attempt> {
  switch (said.status) {
    case "charged":
      return settle(deps, claim, { status: "charged", provider, reference: said.reference });
    case "declined":
    case "refused":
      return settle(deps, claim, { status: said.status, provider, code: said.code });
    case "unavailable":
      return putBack(deps, { ...claim, job: { ...claim.job, asked: null } }, "unavailable");
    case "none":
    case "pending":
      return putBack(deps, claim, "undecided");
    case "unknown":
      return putBack(deps, claim, "unknown_outcome");
  }
}

async function settle(deps: AttemptDeps, claim: Claim, settlement: Settlement): Promise<Attempt> {
  // Who was asked is still in the job: the next attempt hears the same of it, and books it then.
  if (!(await isBooked(deps.onSettled, claim.job.payment, settlement))) {
    return putBack(deps, claim, "not_booked");
  }
  const isSettled = await deps.queue.settle(claim, settlement);
  return isSettled ? { state: "settled", settlement } : { state: "lost" };
}

/** Has production's own books written; never throws, whatever production's function does. */
export function isBooked(
  onSettled: AttemptDeps["onSettled"],
  payment: Payment,
  settlement: Settlement,
): Promise<boolean> {
  const booked = Promise.resolve()
    .then(() => onSettled(payment, settlement))
    .then(
      () => true,
      () => false,
    );
  return within(booked, BOOKING_DEADLINE_MS, false);
}

async function putBack(deps: AttemptDeps, claim: Claim, failure: Failure): Promise<Attempt> {
  const job = { ...claim.job, failure };
  if (claim.attempts >= ATTEMPTS_MAX) {
    return (await deps.queue.bury(claim, job)) ? { state: "dead", failure } : { state: "lost" };
  }
  const isBack = await deps.queue.again(claim, job, backoffMs(claim.attempts, deps.random()));
  return isBack ? { state: "again", failure } : { state: "lost" };
}
