/** The report of one run: what every gameday says alike, and what it measured itself. */
import type { Expectation, Field, PersonsPart, Report, Times } from "./gameday.ts";
import { type PhaseCount } from "./measure.ts";
import { since } from "./time.ts";

/** `ok` and the durations follow from what was judged and when things happened. */
export function reportOn(
  field: Field,
  gameday: string,
  {
    startedAtMs,
    times,
    expectations,
    byHand = [],
    ...measured
  }: Pick<Report, "startedAtMs" | "incident" | "times" | "phases" | "tables" | "postmortem"> & {
    readonly expectations: readonly Expectation[];
    /** What people did that is in no journal. */
    readonly byHand?: readonly PersonsPart[];
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
    collateral: collateralOf(measured.phases),
    people: byHand,
    expectations,
    ...measured,
  };
}

function collateralOf(phases: readonly PhaseCount[]): Report["collateral"] {
  const sum = (of: keyof Report["collateral"]): number =>
    phases.reduce((total, phase) => total + phase[of], 0);
  return {
    served: sum("served"),
    refused: sum("refused"),
    failed: sum("failed"),
    broken: sum("broken"),
  };
}

const durationsOf = (times: Times): Report["durations"] => ({
  faultToDetectMs: since(times.faultAtMs, times.detectedAtMs),
  faultToMitigateMs: since(times.faultAtMs, times.mitigatedAtMs),
  timeToDetectMs: since(times.onsetAtMs, times.detectedAtMs),
  timeToAcknowledgeMs: since(times.detectedAtMs, times.acknowledgedAtMs),
  timeToMitigateMs: since(times.onsetAtMs, times.mitigatedAtMs),
  timeToEnforceMs: since(times.faultAtMs, times.enforcedAtMs),
  timeToResolveMs: since(times.onsetAtMs, times.resolvedAtMs),
});
