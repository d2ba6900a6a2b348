/** The mission's KPIs, computed from incidents. Pure; every mean comes with what stands behind it. */
import { pages } from "../incidents/severity.ts";
import type { IncidentView } from "../incidents/view.ts";
import type { LeaseStatus } from "../mitigations/lease.ts";
import { isOverdue } from "../postmortem/due.ts";
import { assert } from "../shared/assert.ts";

const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 24 * 60 * MINUTE_MS;

/** The mission's targets: a mean is met when it is below, completion when it is reached. */
export const TARGETS = {
  timeToDetectMs: 5 * MINUTE_MS,
  timeToAcknowledgeMs: 15 * MINUTE_MS,
  timeToResolveMs: 60 * MINUTE_MS,
  incidentsPerWeek: 1,
  postmortemCompletionRatio: 1,
} as const;

/** `[fromMs, toMs)`, epoch milliseconds; an incident belongs to the window it was detected in. */
export type KpiWindow = { readonly fromMs: number; readonly toMs: number };

/** A mean that is not known is null, with the reason; it is never zero for want of data. */
export type DurationKpi = {
  readonly meanMs: number | null;
  readonly medianMs: number | null;
  /** Incidents it was computed from. */
  readonly count: number;
  /** Incidents it should cover, but where it has not happened, or not yet. */
  readonly missing: number;
  /** The mean is to be below this; null where the mission sets none. */
  readonly targetMs: number | null;
  readonly isMet: boolean | null;
  readonly reason: string | null;
};

/** Over mitigations, not incidents. */
export type LagKpi = {
  readonly medianMs: number | null;
  readonly maxMs: number | null;
  /** Mitigations it was computed from. */
  readonly count: number;
  /** Mitigations that took effect, but nobody could say after how long: there were no visitors, or counts were missing. */
  readonly missing: number;
  readonly reason: string | null;
};

export type RateKpi = {
  /** Incidents per seven days. */
  readonly perWeek: number | null;
  readonly count: number;
  /** To be below this. */
  readonly target: number;
  readonly isMet: boolean | null;
  readonly reason: string | null;
};

export type ShareKpi = {
  /** 0..1 */
  readonly ratio: number | null;
  readonly completed: number;
  /** Resolved SEV-1 and SEV-2 incidents. */
  readonly count: number;
  readonly target: number;
  readonly isMet: boolean | null;
  readonly reason: string | null;
};

/** What was agreed on in post-mortems, as they were last saved. */
export type ItemsKpi = {
  readonly count: number;
  readonly done: number;
  /** At the end of the window. */
  readonly overdue: number;
};

export type Kpis = KpiWindow & {
  readonly incidents: number;
  /** Rehearsals in the window, left out of everything else. */
  readonly drills: number;
  /** MTTD: first bad sample to detection. */
  readonly timeToDetect: DurationKpi;
  /** MTTA: detection to acknowledgement; SEV-1 and SEV-2 only. */
  readonly timeToAcknowledge: DurationKpi;
  /** First bad sample to the first mitigation recorded as applied. */
  readonly timeToMitigate: DurationKpi;
  /** First bad sample to the first mitigation seen effective in the guard. */
  readonly timeToEnforce: DurationKpi;
  /** A lease granted to nearly all requests decided on it, by the policy's receipt. */
  readonly grantToEnforcement: LagKpi;
  /** MTTR: first bad sample to resolved. */
  readonly timeToResolve: DurationKpi;
  readonly incidentRate: RateKpi;
  readonly postmortemCompletion: ShareKpi;
  readonly actionItems: ItemsKpi;
};

/** The KPIs of the incidents detected in the window. */
export function kpis(views: readonly IncidentView[], { fromMs, toMs }: KpiWindow): Kpis {
  assert(fromMs < toMs, "a KPI window ends after it starts");
  const inWindow = views.filter(
    ({ anchors }) => anchors.detectedAtMs >= fromMs && anchors.detectedAtMs < toMs,
  );
  const real = inWindow.filter((view) => !view.drill);
  const severe = real.filter((view) => pages(view.severity));
  return {
    fromMs,
    toMs,
    incidents: real.length,
    drills: inWindow.length - real.length,
    timeToDetect: duration(real, sinceOnset("detectedAtMs"), TARGETS.timeToDetectMs),
    timeToAcknowledge: duration(severe, timeToAcknowledge, TARGETS.timeToAcknowledgeMs),
    timeToMitigate: duration(real, sinceOnset("mitigatedAtMs"), null),
    timeToEnforce: duration(real, sinceOnset("enforcedAtMs"), null),
    grantToEnforcement: grantToEnforcement(real),
    timeToResolve: duration(real, timeToResolve, TARGETS.timeToResolveMs),
    incidentRate: incidentRate(real.length, toMs - fromMs),
    postmortemCompletion: postmortemCompletion(severe),
    actionItems: actionItems(real, toMs),
  };
}

type Measure = (view: IncidentView) => number | null;

const sinceOnset =
  (anchor: "detectedAtMs" | "mitigatedAtMs" | "enforcedAtMs"): Measure =>
  ({ anchors }) =>
    difference(anchors.onsetAtMs, anchors[anchor]);

const timeToAcknowledge: Measure = ({ anchors }) =>
  difference(anchors.detectedAtMs, anchors.acknowledgedAtMs);

/** An incident that was reopened is not resolved, whatever it was before. */
const timeToResolve: Measure = ({ anchors, status }) =>
  status === "resolved" ? difference(anchors.onsetAtMs, anchors.resolvedAtMs) : null;

/** An onset that another system's clock puts after our own anchor counts as the same moment. */
const difference = (fromMs: number, toMs: number | null): number | null =>
  toMs === null ? null : Math.max(0, toMs - fromMs);

function duration(
  views: readonly IncidentView[],
  measure: Measure,
  targetMs: number | null,
): DurationKpi {
  const measuredMs = views.map(measure).filter((value) => value !== null);
  const counts = {
    count: measuredMs.length,
    missing: views.length - measuredMs.length,
    targetMs,
  };
  if (measuredMs.length === 0) {
    const reason =
      views.length === 0
        ? "no incidents that it covers in the window"
        : `has not happened in any of the ${views.length} incidents that it covers`;
    return { meanMs: null, medianMs: null, ...counts, isMet: null, reason };
  }
  const meanMs = measuredMs.reduce((sum, value) => sum + value, 0) / measuredMs.length;
  return {
    meanMs,
    medianMs: median(measuredMs),
    ...counts,
    isMet: targetMs === null ? null : meanMs < targetMs,
    reason: null,
  };
}

/** What only rehearsed is not enforced. */
function grantToEnforcement(views: readonly IncidentView[]): LagKpi {
  const leases = views.flatMap((view) => view.leases).filter(({ shadow }) => !shadow);
  const lagsMs = leases.flatMap(({ enforcementLagMs = null }) => enforcementLagMs ?? []);
  const tookEffect = leases.filter(
    ({ status, enforcementLagMs = null }) => enforcementLagMs === null && IN_EFFECT.has(status),
  );
  const counts = { count: lagsMs.length, missing: tookEffect.length };
  if (lagsMs.length > 0) {
    return { medianMs: median(lagsMs), maxMs: Math.max(...lagsMs), ...counts, reason: null };
  }
  const reason = `measured for none of the ${counts.missing} mitigations that took effect`;
  return { medianMs: null, maxMs: null, ...counts, reason };
}

const IN_EFFECT: ReadonlySet<LeaseStatus> = new Set([
  "effective",
  "releasing",
  "reverting",
  "reverted",
]);

/** The middle value, or the mean of the two middle ones. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  assert(upper !== undefined && lower !== undefined, "a median is of at least one value");
  return (lower + upper) / 2;
}

/** No incidents in a watched week is a rate of zero; less than a week says nothing about weeks. */
function incidentRate(count: number, windowMs: number): RateKpi {
  const target = TARGETS.incidentsPerWeek;
  if (windowMs < WEEK_MS) {
    const reason = "the window is shorter than seven days";
    return { perWeek: null, count, target, isMet: null, reason };
  }
  const perWeek = (count * WEEK_MS) / windowMs;
  return { perWeek, count, target, isMet: perWeek < target, reason: null };
}

function postmortemCompletion(severe: readonly IncidentView[]): ShareKpi {
  const due = severe.filter((view) => view.status === "resolved");
  const completed = due.filter((view) => view.postmortem === "completed").length;
  const counts = { completed, count: due.length, target: TARGETS.postmortemCompletionRatio };
  if (due.length === 0) {
    const reason = "no resolved SEV-1 or SEV-2 incidents in the window";
    return { ratio: null, ...counts, isMet: null, reason };
  }
  const ratio = completed / due.length;
  return { ratio, ...counts, isMet: completed === due.length, reason: null };
}

function actionItems(views: readonly IncidentView[], atMs: number): ItemsKpi {
  const items = views.flatMap(({ actions = [] }) => actions);
  return {
    count: items.length,
    done: items.filter(({ isDone }) => isDone).length,
    overdue: items.filter((item) => isOverdue(item, atMs)).length,
  };
}
