/** The checklist: what can be seen is ticked with what it was seen by, and opens again when it is lost; the rest waits for people. */
import type { CompiledItem } from "../../playbooks/compile.ts";
import type { IncidentEvent, Reading } from "../journal.ts";
import { readingsOf, truthOf, type Moment, type Stage } from "../moment.ts";
import type { IncidentState } from "../state.ts";

/** Ticks what is so, and opens what is not so any more. What a person said stands. */
export const checklistStage: Stage = (state, moment) =>
  moment.playbook.checklist.flatMap((item, index) => {
    const last = state.checklist[index];
    if (item.seen === null || last?.byPerson === true) return [];
    if (last?.isTicked === true) return isLost(item, state) ? [lost(item, index)] : [];
    const found = look(item.seen, state, moment);
    return found === null ? [] : [ticked(item, index, found)];
  });

type Found = { readonly why: string; readonly readings: Reading[] };

function look(
  seen: NonNullable<CompiledItem["seen"]>,
  state: IncidentState,
  moment: Moment,
): Found | null {
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
  }
}

const inWords = ({ signal, value = "unknown" }: Reading): string => `${signal} = ${String(value)}`;

/** What signals said holds for as long as the recovery does; what was done stays done. */
const isLost = ({ seen }: CompiledItem, state: IncidentState): boolean =>
  seen?.by === "signals" && state.recoveredSinceMs === null;

const ticked = ({ text }: CompiledItem, item: number, found: Found): IncidentEvent => ({
  type: "checklist.ticked",
  data: { item, text, ...found },
});

const lost = ({ text }: CompiledItem, item: number): IncidentEvent => ({
  type: "checklist.unticked",
  data: { item, text, why: "the recovery was lost" },
});

/** The items that nobody and nothing has ticked. */
export const openItems = (
  state: IncidentState,
  checklist: readonly CompiledItem[],
): readonly string[] =>
  checklist.flatMap(({ text }, index) => (state.checklist[index]?.isTicked === true ? [] : [text]));
