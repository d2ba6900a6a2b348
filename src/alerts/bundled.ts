/**
 * Alerts for which the inbox has no room left: kept as who they are and whether they fire, without their words. So a repetition is known
 * as one, what is over does not open again, and a group goes on until the last of its alerts has ended, however many they are. Pure.
 */
import type { Alert } from "./alert.ts";
import { scopeOf } from "./scopes.ts";

/** Some megabytes. Beyond, the least is dropped, and counted. */
export const BUNDLED_MAX = 20_000;

export type BundledAlert = Pick<Alert, "source" | "fingerprint" | "status" | "severity"> &
  Pick<Alert, "startsAtMs"> & {
    /** Of the incident about it. */
    readonly scope: string;
    readonly heardAtMs: number;
  };

/** What differs between two: null is gone. */
export type BundledChanges = ReadonlyMap<string, BundledAlert | null>;

export type Bundled = {
  /** By `keyOf`. */
  readonly byKey: ReadonlyMap<string, BundledAlert>;
  /** How many fire, by scope and severity: a delivery asks this, and there are thousands. */
  readonly firing: ReadonlyMap<string, Firing>;
};
type Firing = Pick<BundledAlert, "scope" | "severity"> & { readonly count: number };

export const NOTHING_BUNDLED: Bundled = { byKey: new Map(), firing: new Map() };

export const bundledOf = (alert: Alert & { readonly heardAtMs: number }): BundledAlert => {
  const { source, fingerprint, status, severity, startsAtMs, heardAtMs } = alert;
  return { source, fingerprint, scope: scopeOf(alert), status, severity, startsAtMs, heardAtMs };
};

export function bundledAfter(bundled: Bundled, changes: BundledChanges): Bundled {
  if (changes.size === 0) return bundled;
  const [byKey, firing] = [new Map(bundled.byKey), new Map(bundled.firing)];
  const count = ({ scope, severity, status }: BundledAlert, by: 1 | -1): void => {
    if (status !== "firing") return;
    const key = `${severity} ${scope}`;
    const counted = (firing.get(key)?.count ?? 0) + by;
    if (counted === 0) firing.delete(key);
    else firing.set(key, { scope, severity, count: counted });
  };
  for (const [key, alert] of changes) {
    const before = byKey.get(key);
    if (before !== undefined) count(before, -1);
    if (alert === null) byKey.delete(key);
    else {
      byKey.set(key, alert);
      count(alert, 1);
    }
  }
  return { byKey, firing };
}

/** The keys of those for which there is no room even here: what is over, and was heard of longest ago, first. */
export function beyondBounds({ byKey }: Bundled): readonly string[] {
  const excess = byKey.size - BUNDLED_MAX;
  if (excess <= 0) return [];
  return [...byKey]
    .toSorted(
      ([, a], [, b]) =>
        Number(a.status === "firing") - Number(b.status === "firing") || a.heardAtMs - b.heardAtMs,
    )
    .slice(0, excess)
    .map(([key]) => key);
}

/** The scopes of incidents that something bundled keeps from being over. */
export const heldBy = (
  { firing }: Bundled,
  isMeant: (alert: Pick<BundledAlert, "severity">) => boolean,
): ReadonlySet<string> =>
  new Set([...firing.values()].filter((one) => isMeant(one)).map(({ scope }) => scope));

/** What is bundled of one scope: a group, or an alert of its own. */
export type Bundle = {
  readonly scope: string;
  readonly source: string;
  readonly firing: number;
  readonly resolved: number;
};

/** The largest first. */
export function bundlesIn({ byKey }: Bundled): readonly Bundle[] {
  const byScope = new Map<string, Bundle>();
  for (const { scope, source, status } of byKey.values()) {
    const known = byScope.get(scope) ?? { scope, source, firing: 0, resolved: 0 };
    byScope.set(scope, { ...known, [status]: known[status] + 1 });
  }
  return [...byScope.values()].toSorted((a, b) => sizeOf(b) - sizeOf(a));
}

const sizeOf = ({ firing, resolved }: Bundle): number => firing + resolved;
