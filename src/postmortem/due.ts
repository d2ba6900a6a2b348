/** By when a post-mortem is to be complete, and which are late. Pure. */
import { pages } from "../incidents/severity.ts";
import type { Anchors, IncidentView } from "../incidents/view.ts";

/** From the resolution: while people still remember. */
export const POSTMORTEM_MS = 5 * 24 * 3_600_000;

/** As far back as somebody is reminded of one. */
export const REMEMBERED_MS = 365 * 24 * 3_600_000;

/** When it is due; null where none has to be: an open incident, a rehearsal, or one that paged nobody. */
export const dueAfter = ({
  severity,
  drill,
  resolvedAtMs,
}: Pick<IncidentView, "severity" | "drill"> & Pick<Anchors, "resolvedAtMs">): number | null =>
  resolvedAtMs === null || drill || !pages(severity) ? null : resolvedAtMs + POSTMORTEM_MS;

/** The same for one that is not complete yet. */
export const postmortemDueAtMs = (view: IncidentView): number | null =>
  view.status !== "resolved" || view.postmortem === "completed"
    ? null
    : dueAfter({ ...view, resolvedAtMs: view.anchors.resolvedAtMs });

/** Those that should be complete by now, the latest first. */
export const overduePostmortems = (
  views: readonly IncidentView[],
  nowMs: number,
): readonly IncidentView[] =>
  views
    .filter((view) => (postmortemDueAtMs(view) ?? Infinity) <= nowMs)
    .toSorted((a, b) => (a.anchors.resolvedAtMs ?? 0) - (b.anchors.resolvedAtMs ?? 0));
