/** Whether the last few seconds look bad enough to wake the monitor before its next tick. Pure. */
import { endings } from "./endings.ts";
import { MANY_FAILURES, type SignInFigures } from "./sign-in-figures.ts";
import type { TrafficSecond } from "./traffic-api.ts";

export const SUSPICION_SECONDS = 5;

export type SuspicionLimits = {
  /** Share of production's answers that failed, 0..1. */
  readonly errorRatio: number;
  /** Answers of production below which nothing is suspected. */
  readonly requestsMin: number;
  /** Failed sign-ins in twenty seconds from which it is no forgetful user. */
  readonly failedSignInsMin: number;
};

/** Judges production's own answers only: what the guard refused says nothing about it. */
export function isSuspicious(
  seconds: readonly TrafficSecond[],
  untilSecond: number,
  limits: SuspicionLimits,
): boolean {
  const { requests, failed } = endings(seconds, untilSecond);
  return requests >= limits.requestsMin && failed > 0 && failed / requests >= limits.errorRatio;
}

/** Somebody is trying passwords, or one was found. */
export const isSignInSuspicious = (
  figures: SignInFigures,
  failed: number,
  { failedSignInsMin }: Pick<SuspicionLimits, "failedSignInsMin">,
): boolean =>
  failed >= failedSignInsMin ||
  figures.suspiciousSuccesses > 0 ||
  figures.failedPerAddress > MANY_FAILURES ||
  figures.accountsPerAddress >= MANY_FAILURES ||
  figures.addressesPerAccount >= MANY_FAILURES;
