/** The same KPIs for parts: per severity, per playbook, and period by period. Pure. */
import type { IncidentView } from "../incidents/view.ts";
import { assert } from "../shared/assert.ts";
import { kpis, type Kpis, type KpiWindow } from "./kpis.ts";

export const KPI_KEYS = ["severity", "playbook"] as const;
export type KpiKey = (typeof KPI_KEYS)[number];

/** Parts told apart at most; a part without incidents is none. */
export const PARTS_MAX = 100;
export const PERIODS_MAX = 60;

export type KpiPart = { readonly key: string; readonly kpis: Kpis };

/** One for each severity, or playbook, that had an incident in the window, in the order of their names. */
export function kpisBy(
  views: readonly IncidentView[],
  window: KpiWindow,
  key: KpiKey,
): readonly KpiPart[] {
  const inWindow = views.filter(({ anchors: { detectedAtMs } }) => isIn(detectedAtMs, window));
  const parts = Map.groupBy(inWindow, (view) => view[key]);
  return [...parts]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .slice(0, PARTS_MAX)
    .map(([name, part]) => ({ key: name, kpis: kpis(part, window) }));
}

/** Period by period, oldest first; the last ends when the window does, and the first may be shorter. */
export function kpisOver(
  views: readonly IncidentView[],
  { fromMs, toMs }: KpiWindow,
  everyMs: number,
): readonly Kpis[] {
  const count = Math.ceil((toMs - fromMs) / everyMs);
  assert(count <= PERIODS_MAX, "a window has so many periods and no more");
  return Array.from({ length: count }, (_, index) => {
    const endMs = toMs - (count - 1 - index) * everyMs;
    return kpis(views, { fromMs: Math.max(fromMs, endMs - everyMs), toMs: endMs });
  });
}

const isIn = (atMs: number, { fromMs, toMs }: KpiWindow): boolean => atMs >= fromMs && atMs < toMs;
