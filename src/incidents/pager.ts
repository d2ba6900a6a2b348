/**
 * What an answer in a pager means here. An acknowledgement is one. A resolution says as much, that somebody answered, but ends nothing:
 * what fires or is in force ends by itself or by a person's word here, where the reason is kept. Pure.
 */
import type { PagerAnswer } from "../alerts/pager-answers.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { CommandOf, Rejection } from "./command.ts";
import type { IncidentEvent } from "./journal.ts";
import { isResolved, type IncidentState } from "./state.ts";

/** How far a pager's clock may be behind ours: what was answered longer before people were asked, answers something older. */
export const PAGER_BEHIND_MS_MAX = 60_000;

/** In the name that the pager gives, which says that it does. */
export const pagerCommand = (answer: PagerAnswer, atMs: number): CommandOf<"answer_pager"> => {
  const { id, pager, who, deed, saidAtMs } = answer;
  return {
    id: `pager:${id}`,
    type: "answer_pager",
    atMs,
    actor: { kind: "person", id: `${who} (${pager})` },
    data: { pager, deed, saidAtMs },
  };
};

export function answerPager(
  state: IncidentState,
  { pager, deed, saidAtMs }: CommandOf<"answer_pager">["data"],
): Result<readonly IncidentEvent[], Rejection> {
  if (isResolved(state)) return err({ reason: "not_open", detail: "the incident is resolved" });
  if (saidAtMs < state.askedSinceMs - PAGER_BEHIND_MS_MAX) {
    const detail = "it was answered before it was reopened; people have been asked anew since";
    return err({ reason: "not_asked", detail });
  }
  const by = state.acknowledgedBy;
  if (by !== null && deed === "acknowledge") {
    return err({ reason: "already_acknowledged", detail: `${by} acknowledged it already` });
  }
  return ok([
    ...(by === null ? [{ type: "incident.acknowledged", data: {} } as const] : []),
    ...(deed === "resolve"
      ? [{ type: "incident.noted", data: { text: notOver(pager) } } as const]
      : []),
  ]);
}

const notOver = (pager: string): string =>
  `Resolved in ${pager}, which does not end it here: resolve it here when it is over.`;
