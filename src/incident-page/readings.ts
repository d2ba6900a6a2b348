/** What was last seen of each signal that the journal speaks of. Pure. */
import { readEvent, type IncidentEvent, type JournalRow } from "../incidents/journal.ts";
import type { Evidence } from "../notify/news.ts";
import type { Dated } from "./page.ts";

/** The newest first. */
export function lastReadings(rows: readonly JournalRow[]): readonly Dated[] {
  const last: Map<string, Dated> = new Map();
  for (const row of rows) {
    for (const reading of readingsOf(readEvent(row))) {
      // Taken out first: a map keeps the place of what it had.
      last.delete(reading.signal);
      last.set(reading.signal, { reading, atMs: row.atMs });
    }
  }
  return [...last.values()].toReversed();
}

function readingsOf(event: IncidentEvent | null): readonly Evidence[] {
  switch (event?.type) {
    case "incident.opened":
    case "incident.triggered":
    case "incident.recovery_seen":
    case "incident.recovery_lost":
    case "rule.changed":
    case "lease.effective":
    case "act.effective":
    case "act.ineffective":
    case "lease.ineffective":
      return event.data.readings;
    default:
      return [];
  }
}
