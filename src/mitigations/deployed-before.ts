/** Whether a deployment can be what the harm began with: by when it was, and nothing else. */
import { z } from "zod";
import { formatDuration, parseDuration } from "../shared/duration.ts";

/** A rule sees harm a little after, and clocks differ a little: a deployment this much later may still be the cause. */
const AFTER_ONSET_MS = 60_000;

/** How long before the harm a deployment may have been, as playbooks write it. */
export const deployedWithin = z
  .string()
  .refine((text) => parseDuration(text).ok, "write a duration such as 30m")
  .default("30m");

/** Why a deployment is not to be rolled back, or null. */
export function notTheCause({
  createdAtMs,
  onsetAtMs,
  within,
}: {
  readonly createdAtMs: number;
  readonly onsetAtMs: number;
  readonly within: string;
}): string | null {
  const beforeMs = onsetAtMs - createdAtMs;
  if (beforeMs < -AFTER_ONSET_MS) {
    return `the last deployment was ${formatDuration(-beforeMs)} after the harm began: somebody is at work on it`;
  }
  const withinMs = parseDuration(within);
  if (withinMs.ok && beforeMs <= withinMs.value) return null;
  return `the last deployment was ${formatDuration(Math.max(0, beforeMs))} before the harm began, which is more than ${within}`;
}
