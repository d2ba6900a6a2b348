/** What the public may see, and in which words. Pure; nothing internal passes: no titles, names, signals or addresses. */
import { publicStatus, type PublicStatus, type PublicUpdate } from "../incidents/public.ts";
import type { IncidentView } from "../incidents/view.ts";
import type { LeaseStatus } from "../mitigations/lease.ts";
import type { Severity } from "../playbooks/schema.ts";
import { USUAL_TEMPLATES } from "../playbooks/site-templates.ts";

/** A tick older than this many cadences is no knowledge any more. */
export const TICK_STALE_FACTOR = 2.5;
/** But on the page no look is old while the next may still be at it, waiting for what hangs, or not yet copied. */
export const LOOK_MS_MIN = 15_000;

export type Impact = "minor" | "major" | "critical";

/** What was said in public, at a moment. */
export type PublicNews = {
  readonly id: string;
  readonly atMs: number;
  readonly status: PublicStatus;
  readonly message: string;
};

/** An incident as the public knows it. */
export type PublicIncident = {
  readonly id: string;
  readonly component: string;
  readonly impact: Impact;
  readonly status: PublicStatus;
  readonly startedAtMs: number;
  readonly resolvedAtMs: number | null;
  /** Oldest first; at least one. */
  readonly updates: readonly PublicNews[];
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

/**
 * `seesProduction`: something that tells whether production serves was known at that look. `probesFail`: a probe of ours was
 * not answered as it should be.
 */
export type Sight =
  | (NonNullable<LastLook> & { readonly seesProduction: boolean; readonly probesFail: boolean })
  | null;

export type Component = {
  readonly id: string;
  readonly name: string;
  readonly description?: string | undefined;
};

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
  /** The incidents were read just now; else they are as they last were. */
  readonly isListed: boolean;
  /** Since when `past` lacks none. */
  readonly pastSinceMs: number | null;
};

const IMPACTS: Readonly<Record<Severity, Impact>> = {
  "SEV-1": "critical",
  "SEV-2": "major",
  "SEV-3": "minor",
  "SEV-4": "minor",
};

/** Stands for every component. */
export const EVERY_COMPONENT = "*";

/**
 * The public side of an incident; null when it is a rehearsal, or when its playbook publishes nothing, nobody said anything in
 * public and nothing touches every visitor: what every visitor meets is never hidden behind a green page.
 */
export function publish(
  view: IncidentView,
  wordsOf: PublicWords = USUAL_WORDS,
): PublicIncident | null {
  const known = updatesOf(view);
  const firstWords = known.findIndex(({ message }) => message !== null);
  const isTold = view.statusPage !== null || firstWords >= 0;
  const page = view.statusPage ?? (isTold ? IN_WORDS_OF_PEOPLE : restriction(view));
  if (page === null || view.drill) return null;
  // Where no playbook publishes anything, the public story begins with what a person said.
  const updates = view.statusPage === null && isTold ? known.slice(firstWords) : known;
  const component = updates.reduce((of, update) => update.component ?? of, page.component);
  return {
    id: view.id,
    component,
    impact: isTold ? IMPACTS[view.severity] : "major",
    status: publicStatus(known, view.status),
    startedAtMs: view.anchors.onsetAtMs,
    resolvedAtMs: view.status === "resolved" ? view.anchors.resolvedAtMs : null,
    updates: updates.map((update, index) =>
      newsOf(
        view.id,
        update,
        wordsOf(update, {
          component,
          own: wordsOfPlaybook(update, index, page.message),
          onsetAtMs: view.anchors.onsetAtMs,
        }),
      ),
    ),
  };
}

/** What the playbook says as it begins; null where that is not what is said. */
const wordsOfPlaybook = ({ status }: PublicUpdate, index: number, message: string): string | null =>
  index === 0 && message !== "" && status !== "resolved" ? message : null;

/** What other pages are told to say of an incident that ours told of and no longer tells of: nothing touches every visitor any more. */
export function withdrawn(view: IncidentView, wordsOf: PublicWords = USUAL_WORDS): PublicIncident {
  const about = { component: EVERY_COMPONENT, own: null, onsetAtMs: view.anchors.onsetAtMs };
  const updates = updatesOf(view).map((update) => newsOf(view.id, update, wordsOf(update, about)));
  const last = updates.at(-1);
  const atMs = (last?.atMs ?? view.anchors.onsetAtMs) + 1_000;
  const end: PublicNews = {
    id: `${last?.id ?? view.id}-gone`,
    atMs,
    status: "resolved",
    message: wordsOf({ atMs, status: "resolved" }, about),
  };
  return {
    id: view.id,
    component: EVERY_COMPONENT,
    impact: "major",
    status: "resolved",
    startedAtMs: view.anchors.onsetAtMs,
    resolvedAtMs: null,
    updates: [...updates, end],
  };
}

/** What an update says where no person does, of one component or of every. */
export type PublicWords = (
  update: Pick<PublicUpdate, "atMs" | "status" | "facts">,
  about: {
    readonly component: string;
    /** The playbook's; null: the status says it. */
    readonly own: string | null;
    readonly onsetAtMs: number;
  },
) => string;
const USUAL_WORDS: PublicWords = ({ status }, { own }) => own ?? USUAL_TEMPLATES.external[status];

const IN_WORDS_OF_PEOPLE: IncidentView["statusPage"] = { component: EVERY_COMPONENT, message: "" };

/** Those of a view from before there were any follow from its status. */
function updatesOf({ updates = [], status, anchors }: IncidentView): readonly PublicUpdate[] {
  if (updates.length > 0) return updates;
  const atMs = anchors.resolvedAtMs ?? anchors.onsetAtMs;
  return [{ seq: 1, atMs, status: publicStatus([], status), message: null, component: null }];
}

/** An update in words: a person's, or else what is given. */
const newsOf = (id: string, update: PublicUpdate, words: string): PublicNews => ({
  id: `${id}-${update.seq}`,
  atMs: update.atMs,
  status: update.status,
  message: update.message ?? words,
});

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

/** Whether the monitor has looked as lately as it means to. */
export const isLookFresh = (look: LastLook, nowMs: number): boolean =>
  look !== null && ageMs(look, nowMs) <= TICK_STALE_FACTOR * look.cadenceMs;

const ageMs = ({ lastTickAtMs }: NonNullable<LastLook>, nowMs: number): number =>
  lastTickAtMs === null ? Infinity : nowMs - lastTickAtMs;

/** Whether it has looked recently enough for silence to mean health. */
const isSeen = (look: Sight, nowMs: number): look is NonNullable<Sight> =>
  look !== null &&
  look.seesProduction &&
  (isLookFresh(look, nowMs) || ageMs(look, nowMs) <= LOOK_MS_MIN);

export type Seen = {
  readonly look: Sight;
  /** As last read; null when they never were. */
  readonly incidents: readonly PublicIncident[] | null;
  /** They were read just now. */
  readonly isListed: boolean;
  /** Since when no past one is missing; null when they never were read. */
  readonly pastSinceMs: number | null;
  readonly windows: readonly PublicWindow[];
};

/** The page; what is not known is never shown as healthy. */
export function statusView(
  site: { readonly title: string; readonly components: readonly Component[] },
  seen: Seen,
  nowMs: number,
): StatusView {
  const incidents = seen.incidents ?? [];
  const open = incidents.filter((incident) => incident.status !== "resolved");
  const windows = seen.windows
    .filter(({ endsAtMs }) => endsAtMs > nowMs)
    .map((window) => ({ ...window, isInProgress: window.startsAtMs <= nowMs }));
  const isPlanned = windows.some(({ isInProgress }) => isInProgress);
  const quiet = isPlanned ? "maintenance" : quietOf(seen, nowMs);
  const worst = worstOf(open);
  const indicator = worst ?? quiet;
  return {
    title: site.title,
    indicator,
    headline: worst === null && quiet === "minor" ? CHECKS_FAIL : HEADLINES[indicator],
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
    isListed: seen.isListed,
    pastSinceMs: seen.pastSinceMs,
  };
}

/** What is to be said where nothing is open: green only if somebody looked just now, and saw nothing amiss. */
function quietOf({ look, isListed }: Seen, nowMs: number): Quiet {
  if (!isSeen(look, nowMs)) return "unknown";
  if (look.probesFail) return "minor";
  return isListed ? "none" : "unknown";
}

const CHECKS_FAIL = "Some of our checks fail, and we are looking into it";

const HEADLINES: Readonly<Record<Indicator, string>> = {
  none: "All systems operational",
  minor: "Degraded performance",
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

/** Of several impacts the one that counts; null of none. */
export const worstOf = (open: readonly { readonly impact: Impact }[]): Impact | null =>
  BY_HARM.find((impact) => open.some((incident) => incident.impact === impact)) ?? null;

/** What a component is without an incident of its own. */
const QUIET_STATUSES = {
  none: "operational",
  minor: "degraded_performance",
  maintenance: "under_maintenance",
  unknown: "unknown",
} as const satisfies Partial<Record<Indicator, ComponentStatus>>;
type Quiet = keyof typeof QUIET_STATUSES;

function componentStatus(
  open: readonly { readonly impact: Impact }[],
  quiet: Quiet,
): ComponentStatus {
  const worst = worstOf(open);
  return worst === null ? QUIET_STATUSES[quiet] : COMPONENT_STATUSES[worst];
}
