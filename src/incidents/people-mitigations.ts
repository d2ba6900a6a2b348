/**
 * What people ask of an incident's mitigations, leases and acts alike: apply, approve, decline, take back, extend, reword. Whatever comes too
 * late or twice is refused with a reason they can read.
 */
import { actId, leaseId } from "../shared/ids.ts";
import { err, ok, type Result } from "../shared/result.ts";
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
import { approveAndPerform, withdraw } from "./stages/acts.ts";
import { approveAndApply, endAll, reverting } from "./stages/leases.ts";
import { MITIGATIONS_MAX, mitigationsOf } from "./stages/mitigation.ts";

/** A lease may be extended to end at most this far from now. */
export const LEASE_AHEAD_MS_MAX = 7 * 24 * 3_600_000;

type Answer = Result<readonly IncidentEvent[], Rejection>;
export type MitigationCommand = Extract<
  IncidentCommand,
  {
    readonly type: "apply" | "approve" | "decline" | "revert" | "extend" | "reword" | "release_all";
  }
>;

export function decideOnMitigations(
  state: IncidentState,
  command: MitigationCommand,
  ground: Ground,
): Answer {
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
  command: Exclude<MitigationCommand, { readonly type: "apply" | "release_all" }>,
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
