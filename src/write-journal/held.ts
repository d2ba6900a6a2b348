/** Whether production may have a route's deliveries yet. */
import { mayBeOnRoutes } from "../guard/hits.ts";
import { matchesRoute } from "../guard/routes.ts";
import { knownEntry, type EnforcedKind, type KnownEntry } from "../policy/kinds.ts";
import type { GuardSettings, PolicyEntry } from "../policy/policy.ts";

/** What keeps a delivery away from production, and which routes it spares. */
const HOLDING: Partial<Record<EnforcedKind, (settings: GuardSettings) => readonly string[]>> = {
  maintenance: ({ maintenanceExempt }) => maintenanceExempt,
  "read-only": ({ readOnlyExempt }) => readOnlyExempt,
  "disabled-feature": () => [],
};

/** True while any client would be refused on this path: a mitigation that is being released holds until it is gone. */
export const isHeld = (
  path: string,
  {
    entries,
    settings,
    nowMs,
  }: {
    readonly entries: readonly PolicyEntry[];
    readonly settings: GuardSettings;
    readonly nowMs: number;
  },
): boolean =>
  entries.some((entry) => {
    const known = knownEntry(entry, settings.features);
    const exempt = known === null ? undefined : HOLDING[known.kind];
    if (known === null || exempt === undefined || !isInForce(known, nowMs)) return false;
    const isOn = (routes: readonly string[]): boolean =>
      routes.some((route) => matchesRoute(path, route));
    return mayBeOnRoutes(path, known.routes) && !isOn(exempt(settings));
  });

const isInForce = ({ entry, startsAtMs, header }: KnownEntry, nowMs: number): boolean =>
  entry.mode === "enforce" &&
  entry.share > 0 &&
  entry.expiresAtMs > nowMs &&
  (startsAtMs === null || startsAtMs <= nowMs) &&
  // A sender of webhooks carries no header that switches a feature.
  header === null;
