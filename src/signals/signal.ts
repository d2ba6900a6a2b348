/** A signal: a named, typed, time-stamped value about production. It is known or unknown; unknown is never zero and never healthy. */

/** `<source>.<what>_<unit>`; ratios are 0..1. A name never changes its meaning. */
export type SignalName = string;

/** Why there is no value. `stale` and `masked` are given by readers; the rest by the source that tried. */
export const UNKNOWN_REASONS = [
  "not_configured",
  "no_data",
  "stale",
  "timeout",
  "refused",
  "malformed",
  "masked",
] as const;
export type UnknownReason = (typeof UNKNOWN_REASONS)[number];

export type SignalValue = number | boolean | string;

export type KnownSignal = {
  readonly name: SignalName;
  readonly value: SignalValue;
  /** When the value was true of production, epoch milliseconds. */
  readonly atMs: number;
  /** How long after `atMs` the value may still be used. */
  readonly freshMs: number;
};

export type UnknownSignal = {
  readonly name: SignalName;
  readonly unknown: UnknownReason;
  readonly atMs: number;
  /** For the person paged: what was tried and what came back. Never holds a secret. */
  readonly detail?: string;
};

export type Signal = KnownSignal | UnknownSignal;

/** The signals of one moment, by name. */
export type SignalSet = Readonly<Record<SignalName, Signal>>;

export const isKnown = (signal: Signal): signal is KnownSignal => "value" in signal;

/** Makes a signal from a measured value; a number that is not finite becomes `malformed`, so that NaN never reaches a rule. */
export function measured(
  name: SignalName,
  value: SignalValue,
  { atMs, freshMs }: { readonly atMs: number; readonly freshMs: number },
): Signal {
  if (typeof value === "number" && !Number.isFinite(value)) {
    return unknownSignal(name, "malformed", { atMs, detail: `the source gave ${value}` });
  }
  return { name, value, atMs, freshMs };
}

/** Makes a signal that says why there is no value. */
export const unknownSignal = (
  name: SignalName,
  unknown: UnknownReason,
  { atMs, detail }: { readonly atMs: number; readonly detail?: string },
): UnknownSignal => ({ name, unknown, atMs, ...(detail === undefined ? {} : { detail }) });

/** The signals as a reader at `nowMs` may use them: what outlived its freshness is `stale`, what `masks` hides is `masked`. */
export function asSeenAt(
  signals: SignalSet,
  nowMs: number,
  masks: ReadonlySet<SignalName> = new Set(),
): SignalSet {
  const seen: Record<SignalName, Signal> = {};
  for (const signal of Object.values(signals)) {
    if (masks.has(signal.name)) {
      seen[signal.name] = unknownSignal(signal.name, "masked", { atMs: nowMs });
    } else if (isKnown(signal) && nowMs - signal.atMs > signal.freshMs) {
      seen[signal.name] = unknownSignal(signal.name, "stale", { atMs: signal.atMs });
    } else {
      seen[signal.name] = signal;
    }
  }
  return seen;
}
