/** The post-mortem as it stands: what somebody saved last, or a draft of what the journal knows now. Pure. */
import { readEvent, type JournalRow } from "../incidents/journal.ts";
import { renderPostmortem } from "./postmortem.ts";

export const POSTMORTEM_CHARS_MAX = 200_000;

/** Whose words these are: `draft` is written anew from the journal each time. */
export type PostmortemText = { readonly source: "draft" | "saved"; readonly markdown: string };

/** @param rows The journal, oldest first. */
export function postmortemText(rows: readonly JournalRow[], nowMs: number): PostmortemText {
  const saved = lastSaved(rows);
  return saved === null
    ? { source: "draft", markdown: renderPostmortem(rows, { nowMs }) }
    : { source: "saved", markdown: saved.markdown };
}

/** The post-mortem as somebody saved it last, and in which row, so that whoever writes meanwhile does not write over it; null while nobody did. */
export function lastSaved(
  rows: readonly JournalRow[],
): { readonly seq: number; readonly markdown: string } | null {
  for (const row of rows.toReversed()) {
    const event = row.type === "postmortem.saved" ? readEvent(row) : null;
    if (event?.type === "postmortem.saved") return { seq: row.seq, markdown: event.data.markdown };
  }
  return null;
}
