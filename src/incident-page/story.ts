/** What an incident's page takes from the journal. Pure. */
import { readEvent, type JournalRow } from "../incidents/journal.ts";
import { readingsIn } from "../incidents/readings.ts";
import type { Dated } from "./page.ts";

/** What was last seen of each signal that the journal speaks of, the newest first. */
export function lastReadings(rows: readonly JournalRow[]): readonly Dated[] {
  const last: Map<string, Dated> = new Map();
  for (const row of rows) {
    for (const reading of readingsIn(readEvent(row))) {
      // Taken out first: a map keeps the place of what it had.
      last.delete(reading.signal);
      last.set(reading.signal, { reading, atMs: row.atMs });
    }
  }
  return [...last.values()].toReversed();
}

/** What may be said in public, where an update is due and nobody gave one; null where none is. */
export function publicDraft(rows: readonly JournalRow[]): string | null {
  const last = rows
    .map(readEvent)
    .findLast(
      (event) => event?.type === "incident.update_due" || event?.type === "status.published",
    );
  return last?.type === "incident.update_due" ? last.data.draft : null;
}
