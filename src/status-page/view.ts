/** What the public may see, and in which words. Pure; nothing internal passes: no titles, names, signals or addresses. */
import type { Severity } from "../playbooks/schema.ts";
import type { IncidentStatus } from "../incidents/journal.ts";
import type { IncidentView } from "../incidents/view.ts";
import type { LeaseStatus } from "../mitigations/lease.ts";

/** A tick older than this many cadences is no knowledge any more. */
export const TICK_STALE_FACTOR = 2.5;

export type PublicStatus = "investigating" | "identified" | "monitoring" | "resolved";
export type Impact = "minor" | "major" | "critical";

/** An incident as the public knows it. */
export type PublicIncident = {
  readonly id: string;
  readonly component: string;
  readonly message: string;
  readonly impact: Impact;
  readonly status: PublicStatus;
  readonly startedAtMs: number;
  readonly resolvedAtMs: number | null;
};

/** Maintenance that was declared ahead, as the public knows it. */
export type PublicWindow = {
  readonly id: string;
  readonly kind: "maintenance" | "read-only";
  readonly message: string | null;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
};

/** When the monitor last looked, and how often it means to; null when nobody could say. */
export type LastLook = { readonly lastTickAtMs: number | null; readonly cadenceMs: number } | null;

/** `seesProduction`: something that tells whether production serves was known at that look. */
export type Sight = (NonNullable<LastLook> & { readonly seesProduction: boolean }) | null;

export type Component = { readonly id: string; readonly name: string };

export type ComponentStatus =
  | "operational"
  | "degraded_performance"
  | "partial_outage"
  | "major_outage"
  | "under_maintenance"
  | "unknown";

/** `none` is only ever said when somebody looked just now and saw nothing. */
export type Indicator = "none" | Impact | "maintenance" | "unknown";

export type StatusView = {
  readonly title: string;
  readonly indicator: Indicator;
  readonly headline: string;
  readonly components: readonly (Component & { readonly status: ComponentStatus })[];
  readonly open: readonly PublicIncident[];
  readonly past: readonly PublicIncident[];
  /** Scheduled and in progress, by when they begin; none is an incident. */
  readonly windows: readonly (PublicWindow & { readonly isInProgress: boolean })[];
  /** When production was last looked at. */
  readonly lookedAtMs: number | null;
};

const IMPACTS: Readonly<Record<Severity, Impact>> = {
  "SEV-1": "critical",
  "SEV-2": "major",
  "SEV-3": "minor",
  "SEV-4": "minor",
};

const STATUSES: Readonly<Record<IncidentStatus, PublicStatus>> = {
  detected: "investigating",
  triaged: "investigating",
  investigating: "investigating",
  reopened: "investigating",
  mitigating: "identified",
  monitoring: "monitoring",
  resolved: "resolved",
};

/** Stands for every component. */
export const EVERY_COMPONENT = "*";

/**
 * The public side of an incident; null when it is a rehearsal, or when its playbook publishes nothing and nothing touches
 * every visitor: what every visitor meets is never hidden behind a green page.
 */
export function publish(view: IncidentView): PublicIncident | null {
  const page = view.statusPage ?? restriction(view);
  if (page === null || view.drill) return null;
  return {
    id: view.id,
    component: page.component,
    message: page.message,
    impact: page === view.statusPage ? IMPACTS[view.severity] : "major",
    status: STATUSES[view.status],
    startedAtMs: view.anchors.onsetAtMs,
    resolvedAtMs: view.status === "resolved" ? view.anchors.resolvedAtMs : null,
  };
}

const IN_FORCE: ReadonlySet<LeaseStatus> = new Set([
  "applied",
  "effective",
  "ineffective",
  "releasing",
]);

/** What the page says when something touches every visitor although no playbook publishes it: applied by hand, say. */
const restriction = (view: IncidentView): IncidentView["statusPage"] =>
  view.leases.some((lease) => lease.siteWide && !lease.shadow && IN_FORCE.has(lease.status))
    ? { component: EVERY_COMPONENT, message: "The site is restricted while we work on it." }
    : null;

/** Whether the monitor has looked recently enough for silence to mean health. */
export const isLookFresh = (look: LastLook, nowMs: number): boolean =>
  look !== null &&
  look.lastTickAtMs !== null &&
  nowMs - look.lastTickAtMs <= TICK_STALE_FACTOR * look.cadenceMs;

/** The page. `incidents` is null when nobody could say; what is not known is never shown as healthy. */
export function statusView(
  site: { readonly title: string; readonly components: readonly Component[] },
  seen: {
    readonly look: Sight;
    readonly incidents: readonly PublicIncident[] | null;
    readonly windows: readonly PublicWindow[];
  },
  nowMs: number,
): StatusView {
  const incidents = seen.incidents ?? [];
  const open = incidents.filter((incident) => incident.status !== "resolved");
  const isSeen = seen.look?.seesProduction === true && isLookFresh(seen.look, nowMs);
  const isKnown = isSeen && seen.incidents !== null;
  const windows = seen.windows
    .filter(({ endsAtMs }) => endsAtMs > nowMs)
    .map((window) => ({ ...window, isInProgress: window.startsAtMs <= nowMs }));
  const isPlanned = windows.some(({ isInProgress }) => isInProgress);
  const quiet = isPlanned ? "maintenance" : isKnown ? "none" : "unknown";
  const indicator = worstOf(open) ?? quiet;
  return {
    title: site.title,
    indicator,
    headline: HEADLINES[indicator],
    components: site.components.map((component) => ({
      ...component,
      status: componentStatus(
        open.filter(({ component: of }) => of === component.id || of === EVERY_COMPONENT),
        quiet,
      ),
    })),
    open,
    past: incidents.filter((incident) => incident.status === "resolved"),
    windows,
    lookedAtMs: seen.look?.lastTickAtMs ?? null,
  };
}

const HEADLINES: Readonly<Record<Indicator, string>> = {
  none: "All systems operational",
  minor: "Minor problems",
  major: "Partial outage",
  critical: "Major outage",
  maintenance: "Planned maintenance in progress",
  unknown: "Status unknown: our monitoring cannot tell at the moment",
};

const COMPONENT_STATUSES: Readonly<Record<Impact, ComponentStatus>> = {
  minor: "degraded_performance",
  major: "partial_outage",
  critical: "major_outage",
};

const BY_HARM = ["critical", "major", "minor"] as const;

const worstOf = (open: readonly PublicIncident[]): Impact | null =>
  BY_HARM.find((impact) => open.some((incident) => incident.impact === impact)) ?? null;

/** What a component is without an incident of its own. */
const QUIET_STATUSES = {
  none: "operational",
  maintenance: "under_maintenance",
  unknown: "unknown",
} as const satisfies Partial<Record<Indicator, ComponentStatus>>;

function componentStatus(
  open: readonly PublicIncident[],
  quiet: keyof typeof QUIET_STATUSES,
): ComponentStatus {
  const worst = worstOf(open);
  return worst === null ? QUIET_STATUSES[quiet] : COMPONENT_STATUSES[worst];
}
