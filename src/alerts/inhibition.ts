/** Inhibition among alerts, as Alertmanager has it: while a source fires, targets that share its labels are quiet. Pure. */
import type { Alert } from "./alert.ts";
import { labelsOf } from "./labels.ts";
import { matchesAll, valueIn, type Labels, type Matcher } from "./matchers.ts";

export type InhibitRule = {
  readonly source: readonly Matcher[];
  readonly target: readonly Matcher[];
  /** Labels that must be the same; one that both lack is. */
  readonly equal: readonly string[];
};

/** What inhibits an alert, null when nothing does. */
export type Inhibitor = (alert: Alert) => Alert | null;

/** `alerts` are all that fire, quiet ones too: a silence keeps people from hearing of a cause, not the cause from being one. */
export function inhibitorOf(alerts: readonly Alert[], rules: readonly InhibitRule[]): Inhibitor {
  const prepared = rules.map((rule) => ({ rule, sources: sourcesOf(alerts, rule) }));
  return (alert) => {
    const labels = labelsOf(alert);
    for (const { rule, sources } of prepared) {
      if (!matchesAll(rule.target, labels)) continue;
      const found = sources.get(sharedBy(labels, rule));
      // What is a source as well is inhibited by what is only a source: else it would inhibit itself, and two each other.
      const source = matchesAll(rule.source, labels) ? found?.onlySource : found?.any;
      if (source !== undefined) return source;
    }
    return null;
  };
}

type Sources = { any?: Alert; onlySource?: Alert };

/** The first source of each kind, by the labels that it must share. */
function sourcesOf(alerts: readonly Alert[], rule: InhibitRule): ReadonlyMap<string, Sources> {
  const byShared = new Map<string, Sources>();
  for (const alert of alerts) {
    if (alert.status !== "firing") continue;
    const labels = labelsOf(alert);
    if (!matchesAll(rule.source, labels)) continue;
    const key = sharedBy(labels, rule);
    const known = byShared.get(key) ?? {};
    known.any ??= alert;
    if (!matchesAll(rule.target, labels)) known.onlySource ??= alert;
    byShared.set(key, known);
  }
  return byShared;
}

const sharedBy = (labels: Labels, { equal }: InhibitRule): string =>
  JSON.stringify(equal.map((name) => valueIn(labels, name)));
