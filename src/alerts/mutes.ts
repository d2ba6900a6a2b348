/** Which alerts are quiet, and why: each decision is written beside the alert, so that people see it and a change of it is noticed. Pure. */
import type { Alert } from "./alert.ts";
import { flappingEndsAtMs, isFlapping, type FlapSpec } from "./flapping.ts";
import { scopeOf } from "./scopes.ts";
import { keyOf, type InboxAlert } from "./inbox.ts";
import { inhibitorOf, type InhibitRule } from "./inhibition.ts";
import { labelsOf } from "./labels.ts";
import {
  nextSilenceChangeMs,
  reasonOf,
  silenceMeans,
  silenceState,
  type MuteReason,
  type Silence,
} from "./silences.ts";

export type Mute = {
  readonly because: MuteReason;
  /** The silence, the window, or the alert that inhibits or flaps, as `<source> <fingerprint>`. */
  readonly by: string;
  /** Null: until that ends which nobody can foretell. */
  readonly untilMs: number | null;
};

export type QuietRules = {
  readonly inhibit: readonly InhibitRule[];
  readonly flapping: FlapSpec;
};

/** What makes for quiet at a moment. */
export type Quiet = QuietRules & { readonly silences: readonly Silence[] };

/** The alerts with what is true of them at `atMs`; those of which nothing else is true than before are the same objects. */
export function withMutes(
  alerts: readonly InboxAlert[],
  { silences, inhibit, flapping }: Quiet,
  atMs: number,
): readonly InboxAlert[] {
  const active = silences.filter((silence) => silenceState(silence, atMs) === "active");
  const inhibitor = inhibitorOf(alerts, inhibit);
  return alerts.map((alert) => {
    const flaps = isFlapping(alert.changesAtMs ?? [], alert.isFlapping ?? false, flapping, atMs);
    const mutes = [
      ...(isGathering(alert, atMs) ? [gatheringIn(alert)] : []),
      ...(alert.status === "firing" ? mutesOf(alert, active, inhibitor(alert)) : []),
      ...(flaps ? [{ because: "flapping", by: nameOf(alert), untilMs: null } as const] : []),
    ];
    const isSame = flaps === (alert.isFlapping ?? false) && areSame(mutes, alert.mutes ?? []);
    return isSame ? alert : { ...alert, isFlapping: flaps, mutes };
  });
}

/** People hear of it with the others of its group. */
const isGathering = ({ status, tellAtMs = 0 }: InboxAlert, atMs: number): boolean =>
  status === "firing" && tellAtMs > atMs;

const gatheringIn = (alert: InboxAlert): Mute => ({
  because: "gathering",
  by: scopeOf(alert),
  untilMs: alert.tellAtMs ?? null,
});

/** Most alerts have none, and a burst asks this of all of them with each delivery. */
const areSame = (some: readonly Mute[], others: readonly Mute[]): boolean =>
  some.length === others.length &&
  (some.length === 0 || JSON.stringify(some) === JSON.stringify(others));

const mutesOf = (
  alert: Alert,
  active: readonly Silence[],
  inhibitedBy: Alert | null,
): readonly Mute[] => [
  ...active
    .filter((silence) => silenceMeans(silence, labelsOf(alert)))
    .map((silence) => ({ because: reasonOf(silence), by: silence.id, untilMs: silence.endsAtMs })),
  ...(inhibitedBy === null
    ? []
    : [{ because: "inhibited", by: nameOf(inhibitedBy), untilMs: null } as const]),
];

const nameOf = (alert: Alert): string => keyOf(alert).replace("\n", " ");

/** When that changes by itself next; Infinity when nothing does. */
export const nextMuteChangeMs = (
  alerts: readonly InboxAlert[],
  { silences, flapping }: Quiet,
  atMs: number,
): number =>
  Math.min(
    nextSilenceChangeMs(silences, atMs),
    ...alerts.map(({ isFlapping: flaps = false, changesAtMs = [] }) =>
      flaps ? flappingEndsAtMs(changesAtMs, flapping) : Infinity,
    ),
    ...alerts.map((alert) => (isGathering(alert, atMs) ? (alert.tellAtMs ?? Infinity) : Infinity)),
  );
