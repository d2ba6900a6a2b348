/** What must happen outside because of an event: the effects that go to the outbox with it. */
import type { IncidentEvent } from "./journal.ts";
import type { EffectDraft, EffectKind, EffectOf } from "./effect.ts";
import type { ActState, IncidentState, LeaseState } from "./state.ts";

/** How long each kind of effect is worth trying. A mitigation that comes too late is worse than the next step. */
export const EFFECT_DEADLINE_MS: Readonly<Record<EffectKind, number>> = {
  "lease.select": 30_000,
  "lease.apply": 60_000,
  "lease.revert": 24 * 3_600_000,
  "act.judge": 60_000,
  "act.perform": 120_000,
  "evidence.collect": 60_000,
  "message.send": 30 * 60_000,
  "public.send": 60 * 60_000,
  "desk.project": 24 * 3_600_000,
};

/** What a policy entry takes as its reason: a longer one would be refused, and a title is not worth a mitigation. */
const REASON_CHARS_MAX = 500;

/** The effect whose result the event waits for, if it has one. `state` is the state after the event. */
export function react(
  state: IncidentState,
  event: IncidentEvent,
  atMs: number,
): EffectDraft | null {
  switch (event.type) {
    case "lease.proposed":
    case "lease.reselecting":
      return selectEffect(state, event.data.leaseId, atMs);
    case "lease.applying":
    case "lease.extended":
    case "lease.reworded":
    case "lease.widened":
    case "lease.releasing":
    case "lease.rearmed":
      return applyEffect(state, event.data.leaseId, atMs);
    case "lease.reverting":
    case "lease.expired":
      return revertEffect(state, event.data.leaseId, atMs);
    case "act.proposed":
      return actEffect(state, event.data.actId, (act) =>
        draft("act.judge", act.id, atMs, actData(act, state)),
      );
    case "act.performing":
      return actEffect(state, event.data.actId, (act) =>
        draft("act.perform", act.id, atMs, {
          ...actData(act, state),
          budgeted: !act.isByPerson,
        }),
      );
    case "evidence.requested":
      return draft("evidence.collect", `evidence:${event.data.collector}`, atMs, {
        collector: event.data.collector,
      });
    case "message.requested":
      return draft("message.send", `channel:${event.data.channel}`, atMs, {
        deliveryId: event.data.deliveryId,
        channel: event.data.channel,
        message: event.data.message,
        subject: event.data.subject,
        body: event.data.body,
        news: event.data.news,
        severity: event.data.severity,
        state: event.data.state,
        link: event.data.link,
        people: event.data.people,
        bundled: event.data.bundled?.map(({ message }) => message),
      });
    case "public.requested":
      return draft("public.send", `public:${event.data.channel}`, atMs, {
        deliveryId: event.data.deliveryId,
        channel: event.data.channel,
      });
    default:
      return null;
  }
}

/** Tells the desk what the incident looks like after a batch of events. */
export const projectEffect = (atMs: number): EffectDraft => draft("desk.project", "desk", atMs, {});

/** Null where the options say all. */
function selectEffect(state: IncidentState, leaseId: string, atMs: number): EffectDraft | null {
  const lease = state.leases.find((candidate) => candidate.id === leaseId);
  if (lease === undefined || lease.select === null) return null;
  return draft("lease.select", lease.id, atMs, {
    leaseId: asLeaseId(lease),
    actuator: lease.actuator,
    with: lease.options,
    select: lease.select,
    onsetAtMs: state.timesResolved === 0 ? state.anchors.onsetAtMs : state.askedSinceMs,
  });
}

function applyEffect(state: IncidentState, leaseId: string, atMs: number): EffectDraft | null {
  const lease = state.leases.find((candidate) => candidate.id === leaseId);
  if (lease === undefined || lease.expiresAtMs === null) return null;
  const effect = draft("lease.apply", lease.id, atMs, {
    leaseId: asLeaseId(lease),
    actuator: lease.actuator,
    with: lease.options,
    shadow: lease.shadow,
    share: lease.share,
    expiresAtMs: lease.expiresAtMs,
    reason: reasonOf(state),
    budgeted: !lease.isByPerson,
  });
  return { ...effect, deadlineMs: Math.min(effect.deadlineMs, lease.expiresAtMs) };
}

function revertEffect(state: IncidentState, leaseId: string, atMs: number): EffectDraft | null {
  const lease = state.leases.find((candidate) => candidate.id === leaseId);
  if (lease === undefined) return null;
  return draft("lease.revert", lease.id, atMs, {
    leaseId: asLeaseId(lease),
    actuator: lease.actuator,
    with: lease.options,
  });
}

function actEffect(
  state: IncidentState,
  actId: string,
  effect: (act: ActState) => EffectDraft,
): EffectDraft | null {
  const act = state.acts.find((candidate) => candidate.id === actId);
  return act === undefined ? null : effect(act);
}

const actData = (act: ActState, state: IncidentState): EffectOf<"act.judge">["data"] => ({
  actId: `act_${act.id.slice("act_".length)}`,
  actuator: act.actuator,
  with: act.options,
  reason: reasonOf(state),
});

const reasonOf = ({ opened }: IncidentState): string =>
  `${opened?.incidentId ?? ""} ${opened?.title ?? ""}`.trim().slice(0, REASON_CHARS_MAX);

const asLeaseId = (lease: LeaseState): `lse_${string}` => `lse_${lease.id.slice("lse_".length)}`;

const draft = <Kind extends EffectKind>(
  kind: Kind,
  key: string,
  atMs: number,
  data: EffectOf<Kind>["data"],
): Omit<EffectOf<Kind>, "id"> => ({ kind, key, data, deadlineMs: atMs + EFFECT_DEADLINE_MS[kind] });
