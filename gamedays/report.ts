/** The report of one run: what every gameday says alike, and what it measured itself. */
import type { Expectation, Field, Report, Times } from "./gameday.ts";
import { since } from "./time.ts";

/** `ok` and the durations follow from what was judged and when things happened. */
export function reportOn(
  field: Field,
  gameday: string,
  {
    startedAtMs,
    times,
    expectations,
    ...measured
  }: Pick<Report, "startedAtMs" | "incident" | "times" | "phases" | "tables" | "postmortem"> & {
    readonly expectations: readonly Expectation[];
  },
): Report {
  return {
    gameday,
    variant: field.variant,
    deployment: field.deployment,
    ok: expectations.every(({ ok }) => ok),
    startedAtMs,
    tookMs: Date.now() - startedAtMs,
    times,
    durations: durationsOf(times),
    expectations,
    ...measured,
  };
}

const durationsOf = (times: Times): Report["durations"] => ({
  timeToDetectMs: since(times.onsetAtMs, times.detectedAtMs),
  timeToAcknowledgeMs: since(times.detectedAtMs, times.acknowledgedAtMs),
  timeToMitigateMs: since(times.onsetAtMs, times.mitigatedAtMs),
  timeToEnforceMs: since(times.faultAtMs, times.enforcedAtMs),
  timeToResolveMs: since(times.onsetAtMs, times.resolvedAtMs),
});
