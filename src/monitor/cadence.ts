/** How often the monitor ticks, which sources a tick asks, and how long their answers hold. Pure. */
import { effectiveParams, type Override, type Params } from "../playbooks/params.ts";
import { SITE_PARAMS, type SiteParamName } from "../playbooks/site-params.ts";
import { SITE } from "../playbooks/overrides.ts";
import { isKnown, type SignalSet } from "../signals/signal.ts";
import type { SourceId } from "../signals/catalogue.ts";
import type { Mood, Source } from "../signals/source.ts";
import { assert } from "../shared/assert.ts";

/** Suspicion keeps the monitor alert for this long. */
export const SUSPICION_MS = 60_000;
const EARLY_MS_MAX = 1_000;
/** Alarms and the cron are not exact: what is this little before its time is due, or a whole round would be lost. */
export const earlyMs = (intervalMs: number): number => Math.min(EARLY_MS_MAX, intervalMs / 10);

/** The site's params as they are now; durations in milliseconds. */
export const siteParams = (overrides: readonly Override[], nowMs: number): Params =>
  effectiveParams(
    SITE_PARAMS,
    overrides.filter(({ playbook }) => playbook === SITE),
    nowMs,
  );

/** A site param that is a duration, in milliseconds. */
export function siteDurationMs(params: Params, name: SiteParamName): number {
  const value = params[name];
  assert(typeof value === "number", `site param ${name} is a number`);
  return value;
}

export type Stir = {
  /** A rule is on its way, or an incident is open. */
  readonly isAlert: boolean;
  readonly suspectedAtMs: number | null;
  /** As they were known before this tick. */
  readonly signals: SignalSet;
};

/** What is going on, as far as it decides how often to look. */
export function moodOf({ isAlert, suspectedAtMs, signals }: Stir, nowMs: number): Mood {
  if (isAlert || (suspectedAtMs !== null && nowMs - suspectedAtMs < SUSPICION_MS)) return "alert";
  const requests = signals["traffic.origin_requests_count"];
  return requests !== undefined && isKnown(requests) && Number(requests.value) > 0
    ? "busy"
    : "idle";
}

export const cadenceMs = (mood: Mood, params: Params): number =>
  siteDurationMs(params, mood === "alert" ? "cadence_alert" : "cadence_calm");

export type Poll = { readonly source: SourceId; readonly freshMs: number };

type Cadenced = Pick<Source<SourceId>, "everyMs" | "busyEvery"> & { readonly id: SourceId };

/**
 * The sources that are due. A value holds until its source has surely been asked again in the calmest mood, twice over,
 * so that it never goes stale merely because nobody asked; a failed poll replaces it at once.
 */
export function planPolls(
  sources: readonly Cadenced[],
  polledAtMs: Readonly<Partial<Record<SourceId, number>>>,
  now: { readonly atMs: number; readonly mood: Mood; readonly params: Params },
): readonly Poll[] {
  const tickMs = cadenceMs("idle", now.params);
  return sources.flatMap((source) => {
    const { id } = source;
    const everyMs = paceOf(source, now.params);
    const lastMs = polledAtMs[id];
    const wantedMs = everyMs[now.mood] - earlyMs(everyMs[now.mood]);
    const isDue = lastMs === undefined || now.atMs - lastMs >= wantedMs;
    return isDue
      ? [{ source: id, freshMs: 2 * (Math.max(...Object.values(everyMs)) + tickMs) }]
      : [];
  });
}

/** A source's own pace; where the site says how often while visitors are there, an incident never makes it slower than that. */
function paceOf({ everyMs, busyEvery }: Cadenced, params: Params): Cadenced["everyMs"] {
  if (busyEvery === undefined) return everyMs;
  const busy = siteDurationMs(params, busyEvery);
  return { ...everyMs, busy, alert: Math.min(everyMs.alert, busy) };
}
