/** What an incident does, in the Worker's log: a line of JSON for each event, so that its id finds them all beside everything else. */
import type { JournalRow } from "./journal.ts";
import { say } from "../shared/log.ts";

/** Types, not words, nor who somebody is: what people wrote, who they are and what was measured is in the journal alone. */
export function sayRows(incident: string, rows: readonly JournalRow[]): void {
  for (const { seq, type, atMs, actor, cause } of rows) {
    const by = actor.kind === "person" ? actor.kind : `${actor.kind}:${actor.id}`;
    say("info", { part: "incidents", incident, seq, event: type, by, cause, atMs });
  }
}
