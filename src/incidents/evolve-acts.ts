/** What an event means for the acts. Total and pure. */
import { unreachable } from "../shared/assert.ts";
import type { EventData, IncidentEvent, JournalRow } from "./journal.ts";
import { isUndecided, type ActState, type IncidentState } from "./state.ts";

export type ActEvent = Extract<IncidentEvent, { readonly type: `act.${string}` }>;
export const isActEvent = (event: IncidentEvent): event is ActEvent =>
  event.type.startsWith("act.");

/** The acts as the event leaves them. */
export function foldAct(
  state: IncidentState,
  event: ActEvent,
  { atMs, actor }: Pick<JournalRow, "atMs" | "actor">,
): readonly ActState[] {
  if (event.type === "act.proposed") return [...state.acts, proposed(state, event.data, atMs)];
  return state.acts.map((act) =>
    act.id === event.data.actId ? { ...act, ...change(act, event, { atMs, actor }) } : act,
  );
}

function change(
  act: ActState,
  event: ActEvent,
  { atMs, actor }: Pick<JournalRow, "atMs" | "actor">,
): Partial<ActState> {
  switch (event.type) {
    case "act.proposed":
      return {};
    case "act.judged": {
      const { judged, says } = event.data;
      const known = { judgedAtMs: atMs, judged, says };
      // Declined before that was known: it stays so.
      if (act.status !== "proposed") return known;
      return { ...known, status: act.shadow ? "rehearsed" : "waiting" };
    }
    case "act.approved":
      return approved(act, actor);
    case "act.declined":
      return { status: "declined", why: event.data.why };
    case "act.performing":
      return { status: "performing" };
    case "act.performed":
      return { status: "performed", performedAtMs: atMs, says: event.data.says };
    case "act.effective":
      return { status: "effective", effectiveAtMs: atMs };
    case "act.ineffective":
      return { status: "ineffective", why: event.data.why };
    case "act.failed":
      return failed(act, event.data);
    default:
      return unreachable(event);
  }
}

/** Where more than one person must agree, nothing but different people counts. */
function approved(act: ActState, actor: JournalRow["actor"]): Partial<ActState> {
  const isPerson = actor.kind === "person";
  const isNew = isPerson && !act.approvedBy.includes(actor.id);
  const approvedBy = isNew ? [...act.approvedBy, actor.id] : act.approvedBy;
  return {
    approvedBy,
    isApproved: act.approvals === 1 || approvedBy.length >= act.approvals,
    isByPerson: act.isByPerson || isPerson,
  };
}

function failed(act: ActState, { during, failure }: EventData["act.failed"]): Partial<ActState> {
  if (act.status !== "performing" && !isUndecided(act)) return {};
  const isUnclear = during === "perform" && failure.class === "unknown_outcome";
  return { status: isUnclear ? "unclear" : "failed", why: failure.detail };
}

const proposed = (
  state: IncidentState,
  data: EventData["act.proposed"],
  atMs: number,
): ActState => ({
  id: data.actId,
  step: data.step,
  attempt: data.attempt,
  round: state.timesResolved,
  actuator: data.actuator,
  options: data.with,
  mode: data.mode,
  shadow: data.shadow,
  siteWide: data.siteWide,
  beside: data.beside ?? false,
  approvals: data.approvals ?? 1,
  approvedBy: [],
  status: "proposed",
  isApproved: false,
  isByPerson: data.mode === "manual",
  proposedAtMs: atMs,
  judgedAtMs: null,
  judged: null,
  says: "",
  performedAtMs: null,
  effectiveAtMs: null,
  why: "",
});
