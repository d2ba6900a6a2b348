/** The checklist: what can be seen is ticked with what it was seen by, and opens again when it is lost; the rest waits for people. */
import type { CompiledItem } from "../../playbooks/compile.ts";
import type { Recorded } from "../../playbooks/schema.ts";
import { publish } from "../../status-page/view.ts";
import { owedPostmortem } from "../chase.ts";
import type { IncidentEvent, Reading } from "../journal.ts";
import { readingsOf, truthOf, type Moment, type Stage } from "../moment.ts";
import { isResolved, type IncidentState } from "../state.ts";
import { viewOf } from "../view-of.ts";

/** Ticks what is so, and opens what is not so any more. What a person said stands. */
export const checklistStage: Stage = (state, moment) =>
  decideItems(state, moment, ({ by }) => by !== "record");

/** The same for what only an incident that is over can know; of that the last comes after the last look, with a receipt. */
export const recordsStage: Stage = (state, moment) =>
  decideItems(state, moment, ({ by }) => by === "record");

type Seen = NonNullable<CompiledItem["seen"]>;
type Found = { readonly why: string; readonly readings: Reading[] };

const decideItems = (
  state: IncidentState,
  moment: Moment,
  isAsked: (seen: Seen) => boolean,
): readonly IncidentEvent[] =>
  moment.playbook.checklist.flatMap((item, index) => {
    const last = state.checklist[index];
    if (item.seen === null || !isAsked(item.seen) || last?.byPerson === true) return [];
    if (last?.isTicked === true) return isLost(item, state) ? [lost(item, index)] : [];
    const found = look(item.seen, state, moment);
    return found === null ? [] : [ticked(item, index, found)];
  });

function look(seen: Seen, state: IncidentState, moment: Moment): Found | null {
  switch (seen.by) {
    case "signals": {
      // Before recovery is seen, a good value says only that this was not what broke.
      const isSo = state.recoveredSinceMs !== null && truthOf(seen.when, state, moment) === "true";
      if (!isSo) return null;
      const readings = readingsOf(seen.when, state, moment);
      return { why: readings.map(inWords).join(", "), readings };
    }
    case "evidence":
      return seen.collectors.every((collector) => state.collected.has(collector))
        ? { why: `evidence from ${seen.collectors.join(", ")}`, readings: [] }
        : null;
    case "step": {
      const own = [...state.leases, ...state.acts].filter((one) => one.step === seen.step);
      if (own.some(({ status, shadow }) => status === "effective" && !shadow)) {
        return { why: `step ${seen.step} was seen to help`, readings: [] };
      }
      const kept = own.some((one) => "beside" in one && one.beside && one.status === "performed");
      return kept ? { why: `step ${seen.step} was done`, readings: [] } : null;
    }
    case "record": {
      const why = isResolved(state) ? RECORDS[seen.record](state) : null;
      return why === null ? null : { why, readings: [] };
    }
  }
}

/** How each is known of an incident that is over; null: it is not. */
const RECORDS: Readonly<Record<Recorded, (state: IncidentState) => string | null>> = {
  status_page(state) {
    const view = viewOf(state, null);
    const page = view === null ? null : publish(view);
    return page?.status === "resolved" ? `the status page says resolved: ${page.component}` : null;
  },
  customers_mailed: ({ endMailedAtMs, anchors }) =>
    endMailedAtMs !== null && endMailedAtMs >= (anchors.resolvedAtMs ?? Infinity)
      ? "customers were mailed that it is over"
      : null,
  postmortem_owed(state) {
    const owed = owedPostmortem(state);
    return owed === null ? null : `${owed.owner} owes it until ${dayOf(owed.dueAtMs)}`;
  },
};

const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

const inWords = ({ signal, value = "unknown" }: Reading): string => `${signal} = ${String(value)}`;

/** What signals said holds for as long as the recovery does, and what records said for as long as they do; what was done stays done. */
const isLost = ({ seen }: CompiledItem, state: IncidentState): boolean =>
  (seen?.by === "signals" && state.recoveredSinceMs === null) ||
  (seen?.by === "record" && (!isResolved(state) || RECORDS[seen.record](state) === null));

const ticked = ({ text }: CompiledItem, item: number, found: Found): IncidentEvent => ({
  type: "checklist.ticked",
  data: { item, text, ...found },
});

const lost = ({ text, seen }: CompiledItem, item: number): IncidentEvent => ({
  type: "checklist.unticked",
  data: {
    item,
    text,
    why: seen?.by === "record" ? "it is not so any more" : "the recovery was lost",
  },
});

/** The items that nobody and nothing has ticked. */
export const openItems = (
  state: IncidentState,
  checklist: readonly CompiledItem[],
): readonly string[] =>
  checklist.flatMap(({ text }, index) => (state.checklist[index]?.isTicked === true ? [] : [text]));
