/** What one `Incident` object answers over RPC. */
import type { CommandAnswer, IncidentCommand } from "./command.ts";
import type { JournalRow } from "./journal.ts";
import type { IncidentView } from "./view.ts";

export const JOURNAL_PAGE_MAX = 500;
/** A page of long rows, such as saved post-mortems, ends earlier: what one call answers is limited by the runtime to 32 MiB. */
export const JOURNAL_PAGE_CHARS_MAX = 8 * 1024 * 1024;

export type IncidentApi = {
  handle(command: IncidentCommand): Promise<CommandAnswer>;
  /** Null before the opening event. */
  view(): Promise<IncidentView | null>;
  /** Rows after `afterSeq`, oldest first, at most `JOURNAL_PAGE_MAX`. Only an empty page is the end. */
  journal(afterSeq: number): Promise<readonly JournalRow[]>;
  /** As `journal`, but waits up to `waitMs` for the first new row. */
  follow(afterSeq: number, waitMs: number): Promise<readonly JournalRow[]>;
};
