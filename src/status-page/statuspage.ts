/** The status in the JSON that clients of Statuspage already read (API v2). */
import { EVERY_COMPONENT, type PublicIncident, type StatusView } from "./view.ts";

/** Where the page stands, for links. */
export type PageOf = { readonly id: string; readonly url: string; readonly updatedAtMs: number };

/** `/status.json` */
export const statusJson = (view: StatusView, page: PageOf) => ({
  page: pageJson(view, page),
  status: { indicator: view.indicator, description: view.headline },
});

/** `/summary.json` */
export const summaryJson = (view: StatusView, page: PageOf) => ({
  ...statusJson(view, page),
  components: view.components.map((component, position) => ({
    id: component.id,
    name: component.name,
    status: component.status,
    position: position + 1,
    page_id: page.id,
    group: false,
    only_show_if_degraded: false,
    updated_at: rfc3339(page.updatedAtMs),
  })),
  incidents: view.open.map((incident) => incidentJson(incident, view, page)),
  scheduled_maintenances: view.windows.map((window) => windowJson(window, page)),
});

/** `/incidents.json` */
export const incidentsJson = (view: StatusView, page: PageOf) => ({
  page: pageJson(view, page),
  incidents: [...view.open, ...view.past].map((incident) => incidentJson(incident, view, page)),
});

const pageJson = ({ title }: StatusView, { id, url, updatedAtMs }: PageOf) => ({
  id,
  name: title,
  url,
  time_zone: "Etc/UTC",
  updated_at: rfc3339(updatedAtMs),
});

const incidentJson = (incident: PublicIncident, view: StatusView, page: PageOf) => ({
  id: incident.id,
  name: incidentTitle(incident, view),
  status: incident.status,
  impact: incident.impact,
  created_at: rfc3339(incident.startedAtMs),
  started_at: rfc3339(incident.startedAtMs),
  updated_at: rfc3339(incident.resolvedAtMs ?? page.updatedAtMs),
  resolved_at: incident.resolvedAtMs === null ? null : rfc3339(incident.resolvedAtMs),
  shortlink: `${page.url}#${incident.id}`,
  page_id: page.id,
  incident_updates: [
    {
      id: `${incident.id}-${incident.status}`,
      incident_id: incident.id,
      status: incident.status,
      body: incident.message,
      created_at: rfc3339(incident.resolvedAtMs ?? incident.startedAtMs),
    },
  ],
});

type SeenWindow = StatusView["windows"][number];

const windowJson = (window: SeenWindow, page: PageOf) => ({
  id: window.id,
  name: windowTitle(window),
  status: window.isInProgress ? "in_progress" : "scheduled",
  impact: "maintenance",
  scheduled_for: rfc3339(window.startsAtMs),
  scheduled_until: rfc3339(window.endsAtMs),
  updated_at: rfc3339(page.updatedAtMs),
  shortlink: `${page.url}#${window.id}`,
  page_id: page.id,
  incident_updates: [
    {
      id: `${window.id}-${window.isInProgress ? "in_progress" : "scheduled"}`,
      incident_id: window.id,
      status: window.isInProgress ? "in_progress" : "scheduled",
      body: window.message ?? windowTitle(window),
      created_at: rfc3339(page.updatedAtMs),
    },
  ],
});

const WINDOW_TITLES = {
  maintenance: "Planned maintenance",
  "read-only": "Planned pause of changes",
} as const;

export const windowTitle = ({ kind }: SeenWindow): string => WINDOW_TITLES[kind];

const TROUBLES = {
  minor: "degraded performance",
  major: "partial outage",
  critical: "major outage",
} as const;

/** `Website: major outage` */
export function incidentTitle({ component, impact }: PublicIncident, view: StatusView): string {
  const known = view.components.find(({ id }) => id === component)?.name ?? component;
  const name = component === EVERY_COMPONENT ? view.title : known;
  return `${name}: ${TROUBLES[impact]}`;
}

const rfc3339 = (atMs: number): string => new Date(atMs).toISOString();
