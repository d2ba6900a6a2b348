/**
 * What becomes of a group of alerts. A tool that groups alerts means one trouble, so that a group is one incident: its first
 * alert opens it, worse ones raise it, the end of the last ends it, and all others are for the inbox alone. Pure.
 */
import { isWorse } from "../incidents/severity.ts";
import type { Alert } from "./alert.ts";
import type { Reception } from "./inbox.ts";

/** `alert` speaks for the group. */
export type GroupTurn = {
  readonly turn: "fires" | "worsens" | "ends";
  readonly scope: string;
  readonly alert: Alert;
};

/** The scope of an incident about this alert: its group's, or its own where its tool has none. */
export const scopeOf = ({ source, group, fingerprint }: Alert): string =>
  group == null ? `alert:${source}:${fingerprint}` : `alert:${source}:group:${group}`;

/** What a delivery changes, once for each group that it speaks of. */
export function turnsOf(
  before: readonly Alert[],
  { inbox, news }: Pick<Reception, "inbox" | "news">,
): readonly GroupTurn[] {
  const scopes = [...new Set(news.map(scopeOf))];
  if (scopes.length === 0) return [];
  const [was, is] = [firingByScope(before), firingByScope(inbox.alerts)];
  return scopes.flatMap((scope): readonly GroupTurn[] => {
    const [then, now] = [was.get(scope) ?? null, is.get(scope) ?? null];
    if (then === null) return now === null ? [] : [{ turn: "fires", scope, alert: now }];
    if (now !== null)
      return isWorse(now.severity, then.severity) ? [{ turn: "worsens", scope, alert: now }] : [];
    const last = news.findLast((alert) => scopeOf(alert) === scope);
    return last === undefined ? [] : [{ turn: "ends", scope, alert: last }];
  });
}

/** The worst firing alert of each group; of equals the one that began first. */
function firingByScope(alerts: readonly Alert[]): ReadonlyMap<string, Alert> {
  const worst = new Map<string, Alert>();
  for (const alert of alerts) {
    if (alert.status !== "firing") continue;
    const scope = scopeOf(alert);
    const known = worst.get(scope);
    const isBefore =
      known === undefined ||
      isWorse(alert.severity, known.severity) ||
      (alert.severity === known.severity && alert.startsAtMs < known.startsAtMs);
    if (isBefore) worst.set(scope, alert);
  }
  return worst;
}
