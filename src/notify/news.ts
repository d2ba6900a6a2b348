/** What is news: the few events of an incident that people must hear of, each with its reason and a key that makes it one message. */
import { isActEvent, type ActEvent } from "../incidents/evolve-acts.ts";
import { isWorse } from "../incidents/severity.ts";
import type { EventData, IncidentEvent } from "../incidents/journal.ts";
import type { ActView, IncidentView, LeaseView } from "../incidents/view.ts";

export const MESSAGE_REASONS = [
  "opened",
  "acknowledged",
  "severity_raised",
  "severity_lowered",
  "approval_needed",
  "mitigated",
  "ineffective",
  "needs_person",
  "lead_changed",
  "escalated",
  "update_due",
  "follow_up_due",
  "support_asked",
  "support_answered",
  "recovery",
  "recovery_lost",
  "released",
  "resolved",
  "reopened",
  "alerts_joined",
  "flapping",
  "unmuted",
  "bundle",
] as const;
export type MessageReason = (typeof MESSAGE_REASONS)[number];

/** It changes what visitors get, or is about to. */
const LIVE: ReadonlySet<LeaseView["status"]> = new Set([
  "applying",
  "applied",
  "effective",
  "ineffective",
  "releasing",
  "reverting",
]);
export const isLive = (lease: LeaseView): boolean => LIVE.has(lease.status);

/** A signal's value as an event carries it. */
export type Evidence = EventData["incident.opened"]["readings"][number];

export type News = {
  readonly why: MessageReason;
  readonly key: string;
  /** What is new, in one sentence. */
  readonly text: string;
  /** The mitigation it is about. */
  readonly lease: LeaseView | null;
  readonly act: ActView | null;
  readonly readings: readonly Evidence[];
  /** Whom it asks, by their ids in `site.yaml`. */
  readonly people: readonly string[];
  /** What may be said in public; null when that is not asked. */
  readonly draft: string | null;
  /** Of several pieces of news told together: each in one sentence. */
  readonly parts?: readonly string[];
};

/** What people should hear of because of `event`, or null: most events are for the journal only. */
export function newsOf(event: IncidentEvent, view: IncidentView): News | null {
  switch (event.type) {
    case "incident.opened": {
      const { playbook, readings } = event.data;
      return news("opened", "opened", `Opened by playbook ${playbook.id}`, { readings });
    }
    case "incident.acknowledged":
      return news(
        "acknowledged",
        `acknowledged:${view.seq}`,
        `${view.acknowledgedBy ?? "Somebody"} acknowledged it`,
      );
    case "incident.noted":
      return event.data.alerts === undefined
        ? null
        : news("alerts_joined", `alerts_joined:${view.seq}`, event.data.text);
    case "incident.lead_taken":
      return event.data.from === undefined
        ? null
        : news(
            "lead_changed",
            `lead_changed:${view.seq}`,
            `${event.data.lead} leads now, instead of ${event.data.from}${event.data.note === undefined ? "" : `: ${event.data.note}`}`,
          );
    case "incident.severity_set":
      return severityNews(event.data, view);
    case "incident.escalated":
      return news("escalated", `escalated:${view.seq}`, `Escalated: ${event.data.why}`, {
        people: event.data.people ?? [],
      });
    case "incident.update_due":
      return news("update_due", `update_due:${view.seq}`, `An update is due: ${event.data.why}`, {
        draft: event.data.draft,
      });
    case "incident.support_asked":
    case "incident.support_answered":
      return supportNews(event, view);
    case "postmortem.chased": {
      const { why, people } = event.data;
      return news("follow_up_due", `follow_up_due:${view.seq}`, `Still owed: ${why}`, { people });
    }
    case "public.failed": {
      const { channel, failure } = event.data;
      const text = `The public cannot read it at ${channel}: ${failure.detail}`;
      return news("needs_person", `public_failed:${channel}`, text);
    }
    case "incident.muted":
      return mutedNews(event.data, view);
    case "incident.unmuted":
      return news("unmuted", `unmuted:${view.seq}`, `Heard again: ${event.data.why}`);
    case "incident.resolved":
      return news("resolved", `resolved:${view.seq}`, `Resolved: ${event.data.why}`);
    case "incident.reopened":
      return news("reopened", `reopened:${view.seq}`, `Open again: ${event.data.why}`);
    case "incident.recovery_seen":
      return news("recovery", `recovery:${roundOf(view)}`, "Production answers well again", {
        readings: event.data.readings,
      });
    case "incident.recovery_lost":
      return news("recovery_lost", `recovery_lost:${roundOf(view)}`, "The harm is back", {
        readings: event.data.readings,
      });
    default:
      return isActEvent(event) ? actNews(event, view) : leaseNews(event, view);
  }
}

function supportNews(
  event: Extract<IncidentEvent, { readonly type: `incident.support_${string}` }>,
  { seq }: IncidentView,
): News {
  if (event.type === "incident.support_answered") {
    const { supplier, text } = event.data;
    return news("support_answered", `support_answered:${seq}`, `${supplier} answered: ${text}`);
  }
  const { name, how, why } = event.data;
  const asked = `${name} is asked for help (${how}): ${why}`;
  return news("support_asked", `support_asked:${seq}`, asked);
}

function actNews(event: ActEvent, view: IncidentView): News | null {
  const act = view.acts.find(({ id }) => id === event.data.actId);
  if (act === undefined) return null;
  const tell = (why: MessageReason, text: string, readings: readonly Evidence[] = []): News =>
    news(why, `${event.type}:${act.id}`, text, { act, readings });
  switch (event.type) {
    case "act.judged":
      return judgedNews(act, tell);
    case "act.effective":
      return tell("mitigated", `${act.actuator} was done: ${act.says}`, event.data.readings);
    case "act.ineffective":
      return tell(
        "ineffective",
        `${act.actuator} did not help, and what it did stays done: ${event.data.why}`,
        event.data.readings,
      );
    case "act.failed": {
      const { during, failure } = event.data;
      // There was nothing to do: that is for the timeline.
      if (during === "judge" && failure.class === "refuse") return null;
      const became = act.status === "unclear" ? "may or may not have been done" : "was not done";
      return tell("needs_person", `${act.actuator} ${became}: ${failure.detail}`);
    }
    default:
      return null;
  }
}

/** It is news while it waits for someone: for an answer, for whoever may start it, or for autopilot to leave shadow. */
function judgedNews(act: ActView, tell: (why: MessageReason, text: string) => News): News | null {
  if (act.status === "rehearsed") {
    return tell("needs_person", `Autopilot is in shadow and did nothing; it would: ${act.says}`);
  }
  if (act.status !== "waiting") return null;
  const waits = act.mode === "manual" ? "is prepared, for a person to start" : "waits for approval";
  return tell("approval_needed", `${act.actuator} ${waits}: ${act.says}`);
}

function leaseNews(event: IncidentEvent, view: IncidentView): News | null {
  switch (event.type) {
    case "lease.proposed":
    case "lease.selected":
      return proposalNews(leaseOf(view, event.data.leaseId));
    case "lease.effective":
      return enforced(leaseOf(view, event.data.leaseId), (lease) =>
        news("mitigated", `mitigated:${lease.id}`, inForce(lease, event.data.readings), {
          lease,
          readings: event.data.readings,
        }),
      );
    case "lease.ineffective":
      return enforced(leaseOf(view, event.data.leaseId), (lease) =>
        news("ineffective", `ineffective:${lease.id}`, didNotHelp(lease, event.data.why), {
          lease,
          readings: event.data.readings,
        }),
      );
    case "lease.rearmed":
      return enforced(leaseOf(view, event.data.leaseId), (lease) =>
        news(
          "recovery_lost",
          `recovery_lost:${roundOf(view)}`,
          `The harm came back while ${lease.actuator} was being released, so it is in full force again`,
          { lease },
        ),
      );
    default:
      return endingNews(event, view);
  }
}

function endingNews(event: IncidentEvent, view: IncidentView): News | null {
  switch (event.type) {
    case "lease.reverted":
      return enforced(felt(leaseOf(view, event.data.leaseId)), (lease) =>
        news("released", `released:${lease.id}`, takenBack(lease, event.data.outcome), { lease }),
      );
    case "lease.expired":
      // When nothing fires any more, its end is the ordinary release that follows.
      if (view.firingRules.length === 0) return null;
      return enforced(leaseOf(view, event.data.leaseId), (lease) =>
        news(
          "needs_person",
          `expired:${lease.id}`,
          `${lease.actuator} ran out of time while the harm goes on`,
          { lease },
        ),
      );
    case "lease.failed": {
      const { during, failure } = event.data;
      return enforced(leaseOf(view, event.data.leaseId), (lease) =>
        news(
          "needs_person",
          `failed:${during}:${lease.id}`,
          `${lease.actuator} could not be ${FAILED_TO[during]}: ${failure.detail}`,
          { lease },
        ),
      );
    }
    default:
      return null;
  }
}

const FAILED_TO = { apply: "applied", adjust: "changed", revert: "taken back" } as const;

/** Of what somebody wanted quiet, people hear no more; of what flaps, once. */
const mutedNews = (
  { because, why, startsAtMs, endsAtMs }: EventData["incident.muted"],
  { seq }: IncidentView,
): News | null =>
  because === "flapping" && endsAtMs > startsAtMs ? news("flapping", `flapping:${seq}`, why) : null;

/** It may be raised to the same again, after it was lowered: that wakes people again. */
function severityNews(
  { from, to, why }: EventData["incident.severity_set"],
  { seq }: IncidentView,
): News | null {
  if (from === to) return null;
  return isWorse(to, from)
    ? news(
        "severity_raised",
        `severity_raised:${to}:${seq}`,
        `Raised from ${from} to ${to}: ${why}`,
      )
    : news(
        "severity_lowered",
        `severity_lowered:${to}:${seq}`,
        `Lowered from ${from} to ${to}: ${why}`,
      );
}

/** A proposal is news while it waits for someone: for an answer, or for autopilot to leave shadow. */
function proposalNews(lease: LeaseView | null): News | null {
  // Nobody can say anything to it before it is known whom it is about.
  if (lease === null || lease.about === "") return null;
  const about = lease.about === undefined ? "" : `: ${lease.about}`;
  if (lease.shadow) {
    const text = `Autopilot is in shadow: ${lease.actuator} is computed and counted, and changes nothing${about}`;
    return news("needs_person", `shadow:${lease.id}`, text, { lease });
  }
  if (lease.status !== "proposed" || lease.mode === "auto") return null;
  const waits =
    lease.mode === "manual" ? "is prepared, for a person to start" : "waits for approval";
  return news("approval_needed", `approval:${lease.id}`, `${lease.actuator} ${waits}${about}`, {
    lease,
  });
}

/** What a shadow lease does is told once, when it is proposed: visitors never notice the rest. */
const enforced = (lease: LeaseView | null, tell: (lease: LeaseView) => News): News | null =>
  lease === null || lease.shadow ? null : tell(lease);

/** What nobody felt, nobody need hear the end of. */
const felt = (lease: LeaseView | null): LeaseView | null => (lease?.beside === true ? null : lease);

const leaseOf = (view: IncidentView, id: string): LeaseView | null =>
  view.leases.find((lease) => lease.id === id) ?? null;

/** Recovery that comes and goes is told once for the mitigation that was then in force, not at each swing. */
const roundOf = (view: IncidentView): string => view.leases.findLast(isLive)?.id ?? "none";

/** Without an expectation in the playbook, being in force is all that was confirmed. */
const inForce = (lease: LeaseView, readings: readonly Evidence[]): string =>
  `${lease.actuator} is in force${readings.length === 0 ? "" : ", and what the playbook expects of it is seen"}`;

const didNotHelp = (lease: LeaseView, why: string): string =>
  `${lease.actuator} did not help and is being taken back: ${why}`;

function takenBack(lease: LeaseView, outcome: EventData["lease.reverted"]["outcome"]): string {
  switch (outcome) {
    case "restored":
      return `${lease.actuator} was taken back; what was there before is there again`;
    case "gone":
      return `${lease.actuator} is gone; somebody or something had removed it already`;
    case "changed":
      return `${lease.actuator} is no longer ours: somebody changed it meanwhile, and it was left as it is`;
  }
}

const news = (
  why: MessageReason,
  key: string,
  text: string,
  about: {
    readonly lease?: LeaseView;
    readonly act?: ActView;
    readonly readings?: readonly Evidence[];
    readonly people?: readonly string[];
    readonly draft?: string;
  } = {},
): News => ({
  why,
  key,
  text,
  lease: about.lease ?? null,
  act: about.act ?? null,
  readings: about.readings ?? [],
  people: about.people ?? [],
  draft: about.draft ?? null,
});
