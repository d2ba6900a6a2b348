/** Does the monitor see production at all, and do its own probes of it succeed? Pure. */
import type { CatalogueName } from "../signals/catalogue.ts";
import { asSeenAt, isKnown, type SignalSet } from "../signals/signal.ts";

/** Each tells by itself whether production serves. While all are unknown, that no rule fires says nothing. */
const SIGHTS = [
  "probe.around_success_ratio",
  "probe.through_success_ratio",
  "traffic.error_ratio",
] as const satisfies readonly CatalogueName[];

/** Is any of them known at `nowMs`? */
export function seesProduction(signals: SignalSet, nowMs: number): boolean {
  const seen = asSeenAt(signals, nowMs);
  return SIGHTS.some((name) => {
    const signal = seen[name];
    return signal !== undefined && isKnown(signal);
  });
}

const PROBES = ["probe.around_success_ratio", "probe.through_success_ratio"] as const;

/** Was a probe, at the last look, not answered as it should be? */
export function probesFail(signals: SignalSet, nowMs: number): boolean {
  const seen = asSeenAt(signals, nowMs);
  return PROBES.some((name) => {
    const signal = seen[name];
    return signal !== undefined && isKnown(signal) && signal.value !== 1;
  });
}
