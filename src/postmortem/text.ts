/** The post-mortem as it stands: what somebody saved last, or a draft of what the journal knows now. Pure. */
import { readEvent, type JournalRow } from "../incidents/journal.ts";
import { renderPostmortem } from "./postmortem.ts";

export const POSTMORTEM_CHARS_MAX = 200_000;

/** Whose words these are: `draft` is written anew from the journal each time. */
export type PostmortemText = { readonly source: "draft" | "saved"; readonly markdown: string };

/** @param rows The journal, oldest first. */
export function postmortemText(rows: readonly JournalRow[], nowMs: number): PostmortemText {
  const saved = rows.map(readEvent).findLast((event) => event?.type === "postmortem.saved");
  return saved?.type === "postmortem.saved"
    ? { source: "saved", markdown: saved.data.markdown }
    : { source: "draft", markdown: renderPostmortem(rows, { nowMs }) };
}
