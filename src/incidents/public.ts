/**
 * What an incident says in public: the one table from its states to those of status pages, and the updates that people
 * read there. Pure. An update without words of its own is worded by the status page, which knows no internals.
 */
import type { Harm } from "./harm.ts";
import type { EventData, IncidentEvent, IncidentStatus } from "./journal.ts";

export const PUBLIC_STATUSES = ["investigating", "identified", "monitoring", "resolved"] as const;
export type PublicStatus = (typeof PUBLIC_STATUSES)[number];

/** Updates kept of one incident: the first, and the last of them. */
export const UPDATES_MAX = 40;

export type PublicUpdate = {
  /** Of the journal's row. */
  readonly seq: number;
  readonly atMs: number;
  readonly status: PublicStatus;
  /** A person's words; null: the status alone is news. */
  readonly message: string | null;
  /** What a person says it is about; null: what the playbook says. */
  readonly component: string | null;
  /** What was known when it was said, so that it never reads otherwise. Absent from views that were kept before. */
  readonly facts?: PublicFacts;
};

export type PublicFacts = {
  readonly harm: Harm;
  /** Of its severity, something new is promised. */
  readonly isPromised: boolean;
};

/** The table; `inPublic` is how its first rows read once more is known. */
export const STATUS_OF: Readonly<Record<IncidentStatus, PublicStatus>> = {
  detected: "investigating",
  triaged: "investigating",
  investigating: "investigating",
  reopened: "investigating",
  mitigating: "identified",
  monitoring: "monitoring",
  resolved: "resolved",
};

/**
 * What a status means to those who read `updates` before. To the public nobody goes back to looking for what is wrong: once measures
 * were taken, one that did not help is followed by others, until it is over.
 */
function inPublic(status: IncidentStatus, updates: readonly PublicUpdate[]): PublicStatus {
  const meant = STATUS_OF[status];
  return meant === "investigating" && status !== "reopened" && wereMeasuresTaken(updates)
    ? "identified"
    : meant;
}

/** Since it began, or began again. */
const wereMeasuresTaken = (updates: readonly PublicUpdate[]): boolean =>
  updates
    .slice(updates.findLastIndex(({ status }) => status === "resolved") + 1)
    .some(({ status }) => status === "identified" || status === "monitoring");

/** How it stands in public: as was last said, for a person may know more than the signals do; but over when it is over. */
export function publicStatus(
  updates: readonly PublicUpdate[],
  status: IncidentStatus,
): PublicStatus {
  const last = updates.at(-1)?.status;
  const derived = inPublic(status, updates);
  // What was over and has come back is not over.
  return last === undefined || last === "resolved" || derived === "resolved" ? derived : last;
}

/** What an event made of the incident's status. */
type Turn = {
  readonly from: IncidentStatus;
  readonly to: IncidentStatus;
  readonly seq: number;
  readonly atMs: number;
  readonly facts?: PublicFacts;
};

/** The updates after an event. A status is news when it reads otherwise in public, and nobody has said so already. */
export function updatesAfter(
  updates: readonly PublicUpdate[],
  event: IncidentEvent,
  { from, to, ...row }: Turn,
): readonly PublicUpdate[] {
  switch (event.type) {
    case "status.published":
      return keep([...updates, published(updates, event.data, { to, ...row })]);
    case "incident.opened":
    case "incident.status_changed":
    case "incident.resolved":
    case "incident.reopened": {
      const status = inPublic(to, updates);
      const isTold = updates.at(-1)?.status === status;
      if (isTold || (updates.length > 0 && inPublic(from, updates) === status)) return updates;
      return keep([...updates, { ...row, status, message: null, component: null }]);
    }
    default:
      return updates;
  }
}

const published = (
  updates: readonly PublicUpdate[],
  { message, status, component }: EventData["status.published"],
  { to, ...row }: Omit<Turn, "from">,
): PublicUpdate => ({
  ...row,
  status: status ?? publicStatus(updates, to),
  message,
  component: component ?? null,
});

const keep = (updates: readonly PublicUpdate[]): readonly PublicUpdate[] =>
  updates.length <= UPDATES_MAX
    ? updates
    : [...updates.slice(0, 1), ...updates.slice(1 - UPDATES_MAX)];
