/** The status in the JSON that clients of Statuspage already read (API v2). */
import { EVERY_COMPONENT, type PublicIncident, type PublicNews, type StatusView } from "./view.ts";
import { componentName } from "./words.ts";

/** As many as Statuspage lists; what is open comes first. */
export const INCIDENTS_MAX = 50;

/** Where the page stands, for links. */
export type PageOf = { readonly id: string; readonly url: string; readonly updatedAtMs: number };

/** `/status.json` */
export const statusJson = (view: StatusView, page: PageOf) => ({
  page: pageJson(view, page),
  status: { indicator: view.indicator, description: view.headline },
});

/** `/components.json` */
export const componentsJson = (view: StatusView, page: PageOf) => ({
  page: pageJson(view, page),
  components: view.components.map((component, index) => componentJson(component, index, page)),
});

/** `/summary.json` */
export const summaryJson = (view: StatusView, page: PageOf) => ({
  ...statusJson(view, page),
  components: componentsJson(view, page).components,
  incidents: unresolvedJson(view, page).incidents,
  scheduled_maintenances: windowsJson(view, page).scheduled_maintenances,
});

/** `/incidents.json` */
export const incidentsJson = (view: StatusView, page: PageOf) => ({
  page: pageJson(view, page),
  incidents: [...view.open, ...view.past]
    .slice(0, INCIDENTS_MAX)
    .map((incident) => incidentJson(incident, view, page)),
});

/** `/incidents/unresolved.json` */
export const unresolvedJson = (view: StatusView, page: PageOf) => ({
  page: pageJson(view, page),
  incidents: view.open.map((incident) => incidentJson(incident, view, page)),
});

/** `/scheduled-maintenances.json` */
export const windowsJson = (view: StatusView, page: PageOf) => ({
  page: pageJson(view, page),
  scheduled_maintenances: view.windows.map((window) => windowJson(window, view, page)),
});

/** `/scheduled-maintenances/active.json` and `/upcoming.json` */
const windowsThat =
  (areInProgress: boolean) =>
  ({ windows, ...view }: StatusView, page: PageOf) =>
    windowsJson(
      { ...view, windows: windows.filter(({ isInProgress }) => isInProgress === areInProgress) },
      page,
    );

/** Every document, by its path below `/api/v2/`. */
export const DOCUMENTS = {
  "status.json": statusJson,
  "summary.json": summaryJson,
  "components.json": componentsJson,
  "incidents.json": incidentsJson,
  "incidents/unresolved.json": unresolvedJson,
  "scheduled-maintenances.json": windowsJson,
  "scheduled-maintenances/active.json": windowsThat(true),
  "scheduled-maintenances/upcoming.json": windowsThat(false),
} as const;

const pageJson = ({ title }: StatusView, { id, url, updatedAtMs }: PageOf) => ({
  id,
  name: title,
  url,
  time_zone: "Etc/UTC",
  updated_at: rfc3339(updatedAtMs),
});

type SeenComponent = StatusView["components"][number];

const componentJson = (
  { id, name, description, status }: SeenComponent,
  index: number,
  page: PageOf,
) => ({
  id,
  name,
  description: description ?? null,
  status,
  position: index + 1,
  page_id: page.id,
  group_id: null,
  group: false,
  showcase: true,
  only_show_if_degraded: false,
  start_date: null,
  // Nobody wrote down when it was first named, and clients want a moment.
  created_at: rfc3339(0),
  updated_at: rfc3339(page.updatedAtMs),
});

function incidentJson(incident: PublicIncident, view: StatusView, page: PageOf) {
  const components = affected(incident.component, view, page);
  const monitoring = incident.updates.findLast(({ status }) => status === "monitoring");
  return {
    id: incident.id,
    name: incidentTitle(incident, view),
    status: incident.status,
    impact: incident.impact,
    created_at: rfc3339(incident.startedAtMs),
    started_at: rfc3339(incident.startedAtMs),
    updated_at: rfc3339(lastNewsAtMs(incident)),
    monitoring_at: monitoring === undefined ? null : rfc3339(monitoring.atMs),
    resolved_at: incident.resolvedAtMs === null ? null : rfc3339(incident.resolvedAtMs),
    shortlink: `${page.url}#${incident.id}`,
    page_id: page.id,
    components,
    incident_updates: incident.updates.toReversed().map((news) => newsJson(incident.id, news)),
  };
}

const newsJson = (incidentId: string, { id, atMs, status, message }: PublicNews) => ({
  id,
  incident_id: incidentId,
  status,
  body: message,
  created_at: rfc3339(atMs),
  updated_at: rfc3339(atMs),
  display_at: rfc3339(atMs),
  affected_components: null,
});

/** When it was last spoken of. */
export const lastNewsAtMs = ({ updates, startedAtMs }: PublicIncident): number =>
  updates.at(-1)?.atMs ?? startedAtMs;

/** The components that it touches, as they stand now. */
const affected = (component: string, view: StatusView, page: PageOf) =>
  view.components.flatMap((seen, index) =>
    seen.id === component || component === EVERY_COMPONENT
      ? [componentJson(seen, index, page)]
      : [],
  );

type SeenWindow = StatusView["windows"][number];

function windowJson(window: SeenWindow, view: StatusView, page: PageOf) {
  const status = window.isInProgress ? "in_progress" : "scheduled";
  const createdAt = rfc3339(window.isInProgress ? window.startsAtMs : page.updatedAtMs);
  return {
    id: window.id,
    name: windowTitle(window),
    status,
    impact: "maintenance",
    scheduled_for: rfc3339(window.startsAtMs),
    scheduled_until: rfc3339(window.endsAtMs),
    created_at: createdAt,
    started_at: rfc3339(window.startsAtMs),
    updated_at: rfc3339(page.updatedAtMs),
    monitoring_at: null,
    resolved_at: null,
    shortlink: `${page.url}#${window.id}`,
    page_id: page.id,
    components: affected(EVERY_COMPONENT, view, page),
    incident_updates: [
      {
        id: `${window.id}-${status}`,
        incident_id: window.id,
        status,
        body: window.message ?? windowTitle(window),
        created_at: createdAt,
        updated_at: createdAt,
        display_at: createdAt,
        affected_components: null,
      },
    ],
  };
}

const WINDOW_TITLES = {
  maintenance: "Planned maintenance",
  "read-only": "Planned pause of changes",
} as const;
export const windowTitle = ({ kind }: SeenWindow): string => WINDOW_TITLES[kind];

export const TROUBLES = {
  minor: "degraded performance",
  major: "partial outage",
  critical: "major outage",
} as const;

/** `Website: major outage` */
export const incidentTitle = (
  { component, impact }: PublicIncident,
  page: Parameters<typeof componentName>[1],
): string => `${componentName(component, page)}: ${TROUBLES[impact]}`;

const rfc3339 = (atMs: number): string => new Date(atMs).toISOString();
