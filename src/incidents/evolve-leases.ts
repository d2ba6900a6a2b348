/** What an event means for the leases. Total and pure. */
import { unreachable } from "../shared/assert.ts";
import type { EventData, IncidentEvent, JournalRow } from "./journal.ts";
import type { IncidentState, LeaseState } from "./state.ts";

export type LeaseEvent = Extract<IncidentEvent, { readonly type: `lease.${string}` }>;
export const isLeaseEvent = (event: IncidentEvent): event is LeaseEvent =>
  event.type.startsWith("lease.");

/** `askedEndAtMs` is the end that the effect behind this result asked for. */
type Moment = Pick<JournalRow, "atMs" | "actor"> & { readonly askedEndAtMs: number | null };

/** The leases as the event leaves them. */
export function foldLease(
  state: IncidentState,
  event: LeaseEvent,
  moment: Moment,
): readonly LeaseState[] {
  if (event.type === "lease.proposed") {
    return [...state.leases, proposed(state, event.data, moment.atMs)];
  }
  return state.leases.map((lease) =>
    lease.id === event.data.leaseId ? { ...lease, ...change(lease, event, moment) } : lease,
  );
}

function change(
  lease: LeaseState,
  event: LeaseEvent,
  { atMs, actor, askedEndAtMs }: Moment,
): Partial<LeaseState> {
  switch (event.type) {
    case "lease.proposed":
      return {};
    case "lease.selected":
    case "lease.widened":
    case "lease.reselecting":
    case "lease.unselected":
      return selectionChange(lease, event, atMs);
    case "lease.approved":
      return { isByPerson: lease.isByPerson || actor.kind === "person" };
    case "lease.adjusted":
      return {
        adjustFailedAtMs: null,
        ...(askedEndAtMs === null ? {} : { heldUntilMs: askedEndAtMs }),
      };
    case "lease.declined":
      return { status: "declined", why: event.data.why };
    case "lease.applying":
      return { status: "applying", expiresAtMs: event.data.expiresAtMs };
    case "lease.applied": {
      // Asked back before the application's result arrived: only what was there before is news.
      const recorded = {
        appliedAtMs: atMs,
        prior: event.data.prior,
        heldUntilMs: event.data.expiresAtMs,
      };
      return lease.status === "applying" ? { ...recorded, status: "applied" } : recorded;
    }
    case "lease.effective":
      return {
        status: "effective",
        enforcementLagMs: event.data.enforcementLagMs ?? lease.enforcementLagMs,
      };
    case "lease.ineffective":
      return { status: "ineffective", why: event.data.why };
    case "lease.extended":
      return { expiresAtMs: event.data.expiresAtMs };
    case "lease.reworded":
      return { options: { ...lease.options, message: event.data.message } };
    case "lease.releasing":
      return { status: "releasing", share: event.data.share, stageSinceMs: atMs };
    case "lease.rearmed":
      return {
        status: "effective",
        share: 1,
        stageSinceMs: null,
        expiresAtMs: event.data.expiresAtMs,
        rearmed: lease.rearmed + 1,
      };
    case "lease.reverting":
      return { status: "reverting", because: event.data.because, why: event.data.why };
    case "lease.expired":
      return { status: "expired", because: "expired", why: "its time ran out" };
    case "lease.reverted":
      return { status: "reverted", share: 0 };
    case "lease.failed":
      return failed(lease, event.data, atMs);
    default:
      return unreachable(event);
  }
}

type SelectionEvent = Extract<
  LeaseEvent,
  { readonly type: `lease.${"selected" | "widened" | "reselecting" | "unselected"}` }
>;

/** Whom or what it is about, and how that was last found out. */
function selectionChange(
  { selection }: LeaseState,
  event: SelectionEvent,
  atMs: number,
): Partial<LeaseState> {
  switch (event.type) {
    case "lease.selected":
    case "lease.widened": {
      const { says } = event.data;
      const known = { ...selection, isKnown: true, inVain: 0, says };
      return { options: event.data.with, selection: known };
    }
    case "lease.reselecting":
      return { selection: { ...selection, askedAtMs: atMs, asked: selection.asked + 1 } };
    case "lease.unselected":
      return { selection: { ...selection, inVain: selection.inVain + 1 } };
    default:
      return unreachable(event);
  }
}

/** A failed adjustment leaves the lease in force as it was, until the end that was last confirmed. */
const failed = (
  lease: LeaseState,
  { during, failure }: EventData["lease.failed"],
  atMs: number,
): Partial<LeaseState> =>
  during === "adjust"
    ? { adjustFailedAtMs: atMs, expiresAtMs: lease.heldUntilMs ?? lease.expiresAtMs }
    : { status: "failed", because: lease.because ?? "failed", why: failure.detail };

function proposed(
  state: IncidentState,
  data: EventData["lease.proposed"],
  atMs: number,
): LeaseState {
  return {
    id: data.leaseId,
    step: data.step,
    attempt: data.attempt,
    round: state.timesResolved,
    actuator: data.actuator,
    options: data.with,
    select: data.select ?? null,
    selection: {
      askedAtMs: atMs,
      inVain: 0,
      asked: data.select === undefined ? 0 : 1,
      isKnown: false,
      says: "",
    },
    leaseMs: data.leaseMs,
    release: data.release,
    mode: data.mode,
    shadow: data.shadow,
    siteWide: data.siteWide,
    masks: data.masks,
    beside: data.beside ?? false,
    status: "proposed",
    isByPerson: data.mode === "manual",
    proposedAtMs: atMs,
    appliedAtMs: null,
    expiresAtMs: null,
    heldUntilMs: null,
    adjustFailedAtMs: null,
    share: 1,
    stageSinceMs: null,
    enforcementLagMs: null,
    rearmed: 0,
    prior: null,
    because: null,
    why: "",
  };
}
