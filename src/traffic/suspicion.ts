/** Whether the last few seconds look bad enough to wake the monitor before its next tick. Pure. */
import type { TrafficSecond } from "./traffic-api.ts";

export const SUSPICION_SECONDS = 5;

export type SuspicionLimits = {
  /** Share of production's answers that failed, 0..1. */
  readonly errorRatio: number;
  /** Answers of production below which nothing is suspected. */
  readonly requestsMin: number;
};

/** Judges production's own answers only: what the guard refused says nothing about it. */
export function isSuspicious(seconds: readonly TrafficSecond[], limits: SuspicionLimits): boolean {
  const failed = seconds.reduce((sum, second) => sum + second.failed, 0);
  const answered = seconds.reduce((sum, second) => sum + second.served, failed);
  return answered >= limits.requestsMin && failed > 0 && failed / answered >= limits.errorRatio;
}
