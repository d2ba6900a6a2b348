/** What the incident about an alert is found by. */
import type { Alert } from "./alert.ts";

/** What the name of a group of ours begins with. */
export const OUR_GROUP = "by:";

export const isOurGroup = (group: string | null | undefined): boolean =>
  group?.startsWith(OUR_GROUP) === true;

/** The scope of an incident about this alert: its group's, or its own where its tool has none. */
export function scopeOf(alert: Pick<Alert, "source" | "group" | "fingerprint">): string {
  const known = scopes.get(alert);
  if (known !== undefined) return known;
  const { source, group, fingerprint } = alert;
  const ofTool =
    group == null ? `alert:${source}:${fingerprint}` : `alert:${source}:group:${group}`;
  // A group of ours may have alerts of several tools.
  const scope = isOurGroup(group) ? `alert:${group}` : ofTool;
  scopes.set(alert, scope);
  return scope;
}

/** The group of ours that a scope is of; null where it is of anything else. */
export const ourGroupIn = (scope: string): string | null =>
  scope.startsWith(`alert:${OUR_GROUP}`) ? scope.slice("alert:".length) : null;

/** A delivery asks it of all alerts that are kept. */
const scopes = new WeakMap<object, string>();
