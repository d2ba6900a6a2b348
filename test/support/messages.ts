/** What each row of a journal asks people to be told. */
import { evolve } from "../../src/incidents/evolve.ts";
import { readEvent } from "../../src/incidents/journal.ts";
import { initialState } from "../../src/incidents/state.ts";
import { updateDueAtMs } from "../../src/incidents/update-clock.ts";
import { viewOf } from "../../src/incidents/view-of.ts";
import { plainSite, type MessageSite } from "../../src/notify/message-site.ts";
import { messagesFor, type MessageDraft } from "../../src/notify/pipeline.ts";
import type { JournalWriter } from "./journal.ts";

/** A site with one channel, whose messages have links. */
export const PAGER: MessageSite = plainSite({
  title: "Shop",
  channels: [{ id: "on-call", severities: ["SEV-1"] }],
  url: "https://shop.example/",
});

/** What each row asked for at the time it was written. */
export const told = (journal: JournalWriter, site: MessageSite = PAGER): readonly MessageDraft[] =>
  journal.rows.flatMap((row, index) => {
    const state = journal.rows.slice(0, index + 1).reduce(evolve, initialState);
    const view = viewOf(state, row.atMs + 60_000, updateDueAtMs(state, site.updateEveryMs));
    const event = readEvent(row);
    return view === null || event === null ? [] : messagesFor(event, view, site, row.atMs);
  });

/** What the last row asked for. */
export const toldLast = (
  journal: JournalWriter,
  site: MessageSite = PAGER,
): readonly MessageDraft[] =>
  told(journal, site).slice(told({ ...journal, rows: journal.rows.slice(0, -1) }, site).length);
