/** Reminds whoever owes a post-mortem, or what was agreed on in it. */
import { clip } from "../../shared/clip.ts";
import { utcDate } from "../../shared/utc.ts";
import { chaseDueAtMs, owedBy, type Owed } from "../chase.ts";
import type { Stage } from "../moment.ts";

const NAMED_MAX = 8;
const ACTION_CHARS_MAX = 80;

/** One reminder, whatever is due by then. */
export const chaseStage: Stage = (state, { atMs, site }) => {
  const dueAtMs = chaseDueAtMs(state, site.reminders);
  if (dueAtMs === null || atMs < dueAtMs) return [];
  const owed = owedBy(state, site.reminders, atMs);
  const others = owed.length - NAMED_MAX;
  const why = [
    ...owed.slice(0, NAMED_MAX).map((one) => inWords(one, atMs)),
    ...(others > 0 ? [`and ${others} more`] : []),
  ].join("; ");
  const owners = new Set(owed.map(({ owner }) => owner?.toLowerCase()));
  const people = site.people
    .filter(({ id, name }) => owners.has(id.toLowerCase()) || owners.has(name.toLowerCase()))
    .map(({ id }) => id);
  return [{ type: "postmortem.chased", data: { why, people, owed: owed.length } }];
};

function inWords({ action, owner, dueAtMs }: Owed, atMs: number): string {
  const what = action === null ? "the post-mortem" : `"${clip(action, ACTION_CHARS_MAX)}"`;
  // Due by the end of a day is due on that day.
  const when = `${atMs < dueAtMs ? "is" : "was"} due on ${utcDate(dueAtMs - 1)}`;
  return `${what} (${owner ?? "nobody took it"}) ${when}`;
}
