/** By when a post-mortem is to be complete, and which are late. Pure. */
import { pages } from "../incidents/severity.ts";
import type { Anchors, IncidentView } from "../incidents/view.ts";
import type { WrittenItem } from "./action-items.ts";

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

/** One thing that was agreed on in a post-mortem and is not done. */
export type AgreedItem = {
  readonly view: IncidentView;
  readonly item: WrittenItem;
  readonly isOverdue: boolean;
};

/** What is left to do of all post-mortems, the latest first; what nobody dated comes last. Rehearsals bind nobody. */
export const agreedItems = (views: readonly IncidentView[], nowMs: number): readonly AgreedItem[] =>
  views
    .filter(({ drill }) => !drill)
    .flatMap((view) =>
      (view.actions ?? [])
        .filter(({ isDone }) => !isDone)
        .map((item) => ({ view, item, isOverdue: isOverdue(item, nowMs) })),
    )
    .toSorted((a, b) => (a.item.dueAtMs ?? Infinity) - (b.item.dueAtMs ?? Infinity));

export const isOverdue = ({ isDone, dueAtMs }: WrittenItem, nowMs: number): boolean =>
  !isDone && dueAtMs !== null && dueAtMs <= nowMs;
