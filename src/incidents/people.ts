/** What people ask of an incident. A button pressed twice, by two people, or too late is refused with a reason they can read. */
import { err, ok, type Result } from "../shared/result.ts";
import { privateIn } from "../shared/private.ts";
import { actId, leaseId } from "../shared/ids.ts";
import type { ActWords } from "../playbooks/vocabulary.ts";
import type { CommandOf, IncidentCommand, Rejection } from "./command.ts";
import type { Actor, IncidentEvent } from "./journal.ts";
import type { Ground } from "./moment.ts";
import {
  hasEnded,
  isInForce,
  isResolved,
  isSelecting,
  isUndecided,
  type ActState,
  type IncidentState,
  type LeaseState,
} from "./state.ts";
import { link, unlink } from "./links.ts";
import { pages } from "./severity.ts";
import { approveAndPerform, withdraw } from "./stages/acts.ts";
import { approveAndApply, endAll, reverting } from "./stages/leases.ts";
import { openItems } from "./stages/checklist.ts";
import { MITIGATIONS_MAX, mitigationsOf } from "./stages/mitigation.ts";
import { dropAll, resolved } from "./stages/progress.ts";

/** A lease may be extended to end at most this far from now. */
export const LEASE_AHEAD_MS_MAX = 7 * 24 * 3_600_000;

type Answer = Result<readonly IncidentEvent[], Rejection>;
type PersonCommand = Exclude<
  IncidentCommand,
  { readonly type: "open" | "observe" | "wake" | "mute" | "report_effect" }
>;

export function decidePerson(state: IncidentState, command: PersonCommand, ground: Ground): Answer {
  switch (command.type) {
    case "acknowledge":
      return acknowledge(state);
    case "take_lead":
      return takeLead(state, command.data.lead);
    case "hand_over":
      return handOver(state, command.data);
    case "link":
      return link(state, command);
    case "unlink":
      return unlink(state, command);
    case "note":
      return ok([{ type: "incident.noted", data: { text: command.data.text } }]);
    case "set_severity":
      return setSeverity(state, command);
    case "escalate":
      return escalate(state, command.data.why);
    case "ask_support":
      return isResolved(state)
        ? reject("not_open", "the incident is resolved; reopen it to ask for help")
        : ok([{ type: "incident.support_asked", data: { ...command.data } }]);
    case "note_support":
      return state.supportAsked.includes(command.data.supplier)
        ? ok([{ type: "incident.support_answered", data: { ...command.data } }])
        : reject("not_asked", `nobody asked ${command.data.supplier} about this incident`);
    case "resolve":
      return resolve(state, command.data.why);
    case "reopen":
      return reopen(state, command, ground);
    case "publish":
      return publish(state, command);
    case "save_postmortem":
      return ok([{ type: "postmortem.saved", data: { markdown: command.data.markdown } }]);
    case "complete_postmortem":
      return completePostmortem(state, command.data.why ?? "", ground);
    case "tick":
    case "untick":
      return tick(state, command, ground);
    default:
      return decideOnLeases(state, command, ground);
  }
}

type LeaseCommand = Extract<
  PersonCommand,
  {
    readonly type: "apply" | "approve" | "decline" | "revert" | "extend" | "reword" | "release_all";
  }
>;

function decideOnLeases(state: IncidentState, command: LeaseCommand, ground: Ground): Answer {
  if (command.type !== "apply" && command.type !== "release_all") {
    const act = state.acts.find(({ id }) => id === command.data.leaseId);
    if (act !== undefined) return decideOnAct(act, command);
  }
  switch (command.type) {
    case "apply":
      return apply(state, command, ground);
    case "release_all":
      return ok([
        ...endAll(state, "person", command.data.why),
        ...withdraw(state, command.data.why),
      ]);
    case "approve":
      return withLease(state, command.data.leaseId, (lease) => approve(lease, command));
    case "decline":
      return withLease(state, command.data.leaseId, (lease) =>
        lease.status === "proposed"
          ? ok([{ type: "lease.declined", data: { leaseId: lease.id, why: command.data.why } }])
          : reject(
              "lease_not_waiting",
              `the mitigation is ${lease.status}, it does not wait for approval`,
            ),
      );
    case "revert":
      return withLease(state, command.data.leaseId, (lease) => revert(lease, command.data.why));
    case "extend":
      return withLease(state, command.data.leaseId, (lease) => extend(lease, command));
    case "reword":
      return withLease(state, command.data.leaseId, (lease) => reword(lease, command, ground));
  }
}

function approve(lease: LeaseState, { atMs, data: { why } }: CommandOf<"approve">): Answer {
  if (isSelecting(lease)) {
    return reject("lease_not_waiting", "whom it is about is still being found out");
  }
  return lease.status === "proposed"
    ? ok(approveAndApply(lease, atMs, why))
    : reject(
        "lease_not_waiting",
        `the mitigation is ${lease.status}, it does not wait for approval`,
      );
}

function decideOnAct(
  act: ActState,
  command: Exclude<LeaseCommand, { readonly type: "apply" | "release_all" }>,
): Answer {
  const { why } = command.data;
  switch (command.type) {
    case "approve":
      // Nobody can agree to what is not known yet.
      return act.status === "waiting"
        ? agree(act, command.actor, why)
        : reject("lease_not_waiting", `the act is ${act.status}, it does not wait for approval`);
    case "decline":
    case "revert":
      if (isUndecided(act)) return ok([{ type: "act.declined", data: { actId: act.id, why } }]);
      return command.type === "decline"
        ? reject("lease_not_waiting", `the act is ${act.status}, it does not wait for approval`)
        : reject("not_reversible", `the act is ${act.status}, and an act cannot be taken back`);
    case "extend":
      return reject("not_reversible", "an act is done once: there is nothing to extend");
    case "reword":
      return reject("bad_options", "visitors read nothing because of an act");
  }
}

/** Done once everybody who must has agreed. One person's second yes is no second person's. */
function agree(act: ActState, { kind, id }: Actor, why: string): Answer {
  if (act.approvals === 1) return ok(approveAndPerform(act, why));
  const needs = `${act.actuator} needs ${act.approvals} different people`;
  if (kind !== "person") return reject("same_person", `${needs}, and ${id} is none`);
  if (act.approvedBy.includes(id)) {
    return reject(
      "same_person",
      `${id} agreed already: ${needs}, and somebody else must agree too`,
    );
  }
  return act.approvedBy.length + 1 < act.approvals
    ? ok([{ type: "act.approved", data: { actId: act.id, why } }])
    : ok(approveAndPerform(act, why));
}

/** An incident that paged people is not over while somebody may still have to do something, unless somebody says why it is. */
function completePostmortem(state: IncidentState, why: string, ground: Ground): Answer {
  if (!isResolved(state)) {
    return reject(
      "still_open",
      "the incident is open; resolve it before completing its post-mortem",
    );
  }
  const open = [
    ...openItems(state, ground.playbook.checklist),
    ...state.actions.flatMap(({ action, owner, dueAtMs, isDone }) =>
      isDone || (owner !== null && dueAtMs !== null)
        ? []
        : [`"${action}" has no ${owner === null ? "owner" : "due date"}`],
    ),
  ];
  if (open.length === 0) return ok([{ type: "postmortem.completed", data: {} }]);
  if (pages(state.severity) && why.trim() === "") {
    return reject(
      "reason_required",
      `open: ${open.join("; ")}. See to it, or say why it is complete all the same`,
    );
  }
  return ok([{ type: "postmortem.completed", data: { why, open: [...open] } }]);
}

/** A person's word on an item stands, also against what Firebreak sees. */
function tick(
  state: IncidentState,
  { type, data: { item, why } }: CommandOf<"tick"> | CommandOf<"untick">,
  { playbook: { checklist } }: Ground,
): Answer {
  const found = checklist[item];
  if (found === undefined) {
    return reject("unknown_item", `the checklist has ${checklist.length} items, from 0`);
  }
  const { text } = found;
  const isTicked = state.checklist[item]?.isTicked ?? false;
  if (type === "untick") {
    return isTicked
      ? ok([{ type: "checklist.unticked", data: { item, text, why } }])
      : reject("not_ticked", `it is open: ${text}`);
  }
  return isTicked
    ? reject("already_ticked", `it is ticked already: ${text}`)
    : ok([{ type: "checklist.ticked", data: { item, text, why, readings: [] } }]);
}

/** Of what is over, only more can be said, not that it goes on; and nothing that the public should not read. */
function publish(state: IncidentState, { data }: CommandOf<"publish">): Answer {
  const found = privateIn(data.message);
  if (found !== null) {
    return reject("not_public", `the message has ${found} in it, and everybody would read it`);
  }
  if (isResolved(state) && data.status !== null) {
    return reject("not_open", "the incident is resolved; reopen it, or leave the status out");
  }
  return ok([{ type: "status.published", data: { ...data } }]);
}

function acknowledge(state: IncidentState): Answer {
  if (isResolved(state)) return reject("not_open", "the incident is resolved");
  if (state.acknowledgedBy !== null) {
    return reject("already_acknowledged", `${state.acknowledgedBy} acknowledged it already`);
  }
  return ok([{ type: "incident.acknowledged", data: {} }]);
}

/** What the monitor waited for once is not waited for again. Rules of a later playbook are not this incident's. */
function reopen(state: IncidentState, command: CommandOf<"reopen">, ground: Ground): Answer {
  if (!isResolved(state)) return reject("still_open", "the incident is open");
  const { why, rules = {} } = command.data;
  const own = ground.playbook.rules.flatMap(({ spec: { id } }) => {
    const rule = rules[id];
    return rule === undefined ? [] : [[id, rule] as const];
  });
  const seen = own.length === 0 ? {} : { rules: Object.fromEntries(own) };
  return ok([{ type: "incident.reopened", data: { why, ...seen } }]);
}

/** A lead that changes hands is news: people must know whom to ask. */
function takeLead({ lead: from }: IncidentState, lead: string): Answer {
  const isHandedOver = from !== null && from !== lead;
  return ok([{ type: "incident.lead_taken", data: { lead, ...(isHandedOver ? { from } : {}) } }]);
}

/** There must be somebody to hand over from: whoever begins takes the lead. */
function handOver({ lead }: IncidentState, { to, note }: CommandOf<"hand_over">["data"]): Answer {
  if (lead === null) return reject("not_led", "nobody leads it; take the lead instead");
  if (lead === to) return ok([]);
  return ok([{ type: "incident.lead_taken", data: { lead: to, from: lead, note } }]);
}

const escalate = (state: IncidentState, why: string): Answer =>
  isResolved(state)
    ? reject("not_open", "the incident is resolved; reopen it to escalate it")
    : ok([{ type: "incident.escalated", data: { because: "person", why } }]);

function setSeverity(state: IncidentState, command: CommandOf<"set_severity">): Answer {
  const { severity, why } = command.data;
  return severity === state.severity
    ? ok([])
    : ok([{ type: "incident.severity_set", data: { from: state.severity, to: severity, why } }]);
}

function resolve(state: IncidentState, why: string): Answer {
  if (isResolved(state)) return reject("not_open", "the incident is resolved already");
  const firing = Object.entries(state.rules)
    .filter(([, rule]) => rule.status === "firing" || rule.status === "clearing")
    .map(([id]) => id);
  if (firing.length > 0 && why.trim() === "") {
    return reject(
      "reason_required",
      `still firing: ${firing.join(", ")}; say why it is resolved all the same`,
    );
  }
  return ok([...dropAll(state), ...resolved(why || "resolved by hand")]);
}

function apply(state: IncidentState, command: CommandOf<"apply">, ground: Ground): Answer {
  const { actuator, leaseMs, why } = command.data;
  // Nobody looks after the mitigations of an incident that is over.
  if (isResolved(state)) {
    return reject("not_open", "the incident is resolved; reopen it, or declare another");
  }
  const words = ground.actuators[actuator];
  if (words === undefined) {
    const known = Object.keys(ground.actuators).join(", ");
    return reject("unknown_actuator", `there is no actuator "${actuator}"; known: ${known}`);
  }
  const problems = words.problemsWith(command.data.with);
  if (problems.length > 0) return reject("bad_options", problems.join("; "));
  if (state.opened === null || mitigationsOf(state) >= MITIGATIONS_MAX) {
    return reject("limit_reached", `an incident holds at most ${MITIGATIONS_MAX} mitigations`);
  }
  if (words.kind === "act") return act(state, command, words);
  if (leaseMs === null) {
    return reject("bad_options", `${actuator} holds for a time: say for how long, as \`lease\``);
  }
  const step = `by-hand-${actuator}`;
  const attempt = state.leases.filter((lease) => lease.step === step).length + 1;
  const lease = { id: leaseId(state.opened.incidentId, step, attempt), leaseMs };
  const proposed: IncidentEvent = {
    type: "lease.proposed",
    data: {
      leaseId: lease.id,
      step,
      attempt,
      actuator,
      with: { ...command.data.with },
      leaseMs,
      release: "manual",
      mode: "manual",
      shadow: false,
      siteWide: words.siteWide,
      masks: [...words.masks],
      ...(words.beside ? { beside: true } : {}),
    },
  };
  return ok([proposed, ...approveAndApply(lease, command.atMs, why)]);
}

/** By hand: whoever asks for it has said yes, unless it takes more than one person, who see first what it would do. */
function act(
  state: IncidentState,
  command: CommandOf<"apply">,
  { siteWide, beside, approvals }: ActWords,
): Answer {
  const { actuator, leaseMs, why } = command.data;
  if (leaseMs !== null) {
    return reject("bad_options", `${actuator} is done once: leave \`lease\` out`);
  }
  const step = `by-hand-${actuator}`;
  const attempt = state.acts.filter((one) => one.step === step).length + 1;
  const id = actId(state.opened?.incidentId ?? "", step, attempt);
  return ok([
    {
      type: "act.proposed",
      data: {
        actId: id,
        step,
        attempt,
        actuator,
        with: { ...command.data.with },
        mode: "manual",
        shadow: false,
        siteWide,
        ...(beside ? { beside } : {}),
        ...(approvals > 1 ? { approvals } : {}),
      },
    },
    ...(approvals > 1 ? [] : [{ type: "act.approved", data: { actId: id, why } } as const]),
  ]);
}

function revert(lease: LeaseState, why: string): Answer {
  if (hasEnded(lease)) return reject("lease_ended", `the mitigation is ${lease.status} already`);
  if (lease.status === "proposed") {
    return ok([{ type: "lease.declined", data: { leaseId: lease.id, why } }]);
  }
  // Asked again while it is being taken back: the first request does it.
  if (lease.status === "reverting" || lease.status === "expired") return ok([]);
  return ok([reverting(lease, "person", why)]);
}

function extend(lease: LeaseState, command: CommandOf<"extend">): Answer {
  if (!isInForce(lease) || lease.expiresAtMs === null) {
    return reject(
      "lease_ended",
      `the mitigation is ${lease.status}; only one in force can be extended`,
    );
  }
  const expiresAtMs = lease.expiresAtMs + command.data.byMs;
  if (expiresAtMs - command.atMs > LEASE_AHEAD_MS_MAX) {
    return reject(
      "limit_reached",
      "a mitigation ends at most seven days from now; extend it again then",
    );
  }
  return ok([
    { type: "lease.extended", data: { leaseId: lease.id, expiresAtMs, why: command.data.why } },
  ]);
}

/** Only what has words for visitors takes a message, and only while somebody reads it. */
function reword(lease: LeaseState, command: CommandOf<"reword">, ground: Ground): Answer {
  const { message, why } = command.data;
  if (!isInForce(lease)) {
    return reject(
      "lease_ended",
      `the mitigation is ${lease.status}; only one in force can be reworded`,
    );
  }
  const problems =
    ground.actuators[lease.actuator]?.problemsWith({ ...lease.options, message }) ?? [];
  if (problems.length > 0) return reject("bad_options", problems.join("; "));
  return ok([{ type: "lease.reworded", data: { leaseId: lease.id, message, why } }]);
}

function withLease(state: IncidentState, id: string, then: (lease: LeaseState) => Answer): Answer {
  const lease = state.leases.find((candidate) => candidate.id === id);
  return lease === undefined
    ? reject("unknown_lease", `this incident has no mitigation ${id}`)
    : then(lease);
}

const reject = (reason: Rejection["reason"], detail: string): Answer => err({ reason, detail });
