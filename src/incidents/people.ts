/** What people ask of an incident. A button pressed twice, by two people, or too late is refused with a reason they can read. */
import { err, ok, type Result } from "../shared/result.ts";
import { unfitForPublic } from "../shared/private.ts";
import type { CommandOf, IncidentCommand, Rejection } from "./command.ts";
import type { IncidentEvent } from "./journal.ts";
import { link, unlink } from "./links.ts";
import type { Ground } from "./moment.ts";
import { answerPager } from "./pager.ts";
import { decideOnMitigations } from "./people-mitigations.ts";
import { pages } from "./severity.ts";
import { isResolved, type IncidentState } from "./state.ts";
import { openItems } from "./stages/checklist.ts";
import { dropAll, resolved } from "./stages/progress.ts";

type Answer = Result<readonly IncidentEvent[], Rejection>;
type PersonCommand = Exclude<
  IncidentCommand,
  { readonly type: "open" | "observe" | "wake" | "mute" | "report_effect" }
>;

export function decidePerson(state: IncidentState, command: PersonCommand, ground: Ground): Answer {
  switch (command.type) {
    case "acknowledge":
      return acknowledge(state);
    case "answer_pager":
      return answerPager(state, command.data);
    case "take_lead":
      return takeLead(state, command.data.lead);
    case "hand_over":
      return handOver(state, command.data);
    case "link":
      return link(state, command);
    case "unlink":
      return unlink(state, command);
    case "note":
      return ok([{ type: "incident.noted", data: { ...command.data } }]);
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
      return decideOnMitigations(state, command, ground);
  }
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
  const problem = unfitForPublic(data.message);
  if (problem !== null) return reject("not_public", `the message is not public: ${problem}`);
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

const reject = (reason: Rejection["reason"], detail: string): Answer => err({ reason, detail });
