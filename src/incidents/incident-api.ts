/** What one `Incident` object answers over RPC. */
import type { CommandAnswer, IncidentCommand } from "./command.ts";
import type { JournalRow } from "./journal.ts";
import type { IncidentView } from "./view.ts";

export const JOURNAL_PAGE_MAX = 500;

export type IncidentApi = {
  handle(command: IncidentCommand): Promise<CommandAnswer>;
  /** Null before the opening event. */
  view(): Promise<IncidentView | null>;
  /** Rows after `afterSeq`, oldest first, at most `JOURNAL_PAGE_MAX`. */
  journal(afterSeq: number): Promise<readonly JournalRow[]>;
  /** As `journal`, but waits up to `waitMs` for the first new row. */
  follow(afterSeq: number, waitMs: number): Promise<readonly JournalRow[]>;
};
