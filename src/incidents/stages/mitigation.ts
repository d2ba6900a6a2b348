/** Takes the next step of the playbook's ladder while the harm lasts; says so when there is none. */
import { INACTIVE } from "../../detection/rule-machine.ts";
import { isFiring, isTriggered } from "../../detection/trigger.ts";
import { evidenceKinds } from "../../mitigations/guardrails.ts";
import { nextStep, type LadderStep, type Skip } from "../../mitigations/ladder.ts";
import type { CompiledStep } from "../../playbooks/compile.ts";
import { leaseId } from "../../shared/ids.ts";
import { assert } from "../../shared/assert.ts";
import { catalogue } from "../../signals/catalogue.ts";
import type { IncidentEvent } from "../journal.ts";
import { durationOf, truthOf, type Moment, type Stage } from "../moment.ts";
import type { IncidentState } from "../state.ts";
import { approveAndApply } from "./leases.ts";

/** Leases one incident may hold over its life; past it, people take over. */
export const LEASES_MAX = 50;

export const mitigationStage: Stage = (state, moment) => {
  const { detect } = moment.playbook.spec;
  if (moment.playbook.rules.length === 0 || state.recoveredSinceMs !== null) return [];
  if (!isTriggered(detect.trigger, state.rules)) return [];
  const answer = nextStep({
    steps: moment.playbook.steps.map((step) => ladderStep(step, state, moment)),
    attempts: state.leases.map((lease) => ({
      ...lease,
      isEarlier: lease.round < state.timesResolved,
    })),
    evidenceKinds: evidenceKinds(firingEvidence(state, moment), catalogue),
    autopilot: moment.autopilot,
  });
  switch (answer.answer) {
    case "busy":
      return [];
    case "hold":
      return skips(state, answer.skipped);
    case "exhausted":
      return [...skips(state, answer.skipped), ...exhausted(state, "nothing is left to try")];
    case "take":
      return state.leases.length >= LEASES_MAX
        ? exhausted(state, `${LEASES_MAX} mitigations were tried`)
        : [...skips(state, answer.skipped), ...take(answer.step, answer.attempt, state, moment)];
  }
};

const ladderStep = (step: CompiledStep, state: IncidentState, moment: Moment): LadderStep => ({
  id: step.id,
  mode: step.spec.mode,
  siteWide: step.words.siteWide,
  condition: step.when === null ? null : truthOf(step.when, state, moment),
});

/** What the rules that fire rest on. A rule that fires on what is unknown is no evidence of anything. */
const firingEvidence = (state: IncidentState, moment: Moment): readonly string[] =>
  moment.playbook.rules
    .filter(({ spec }) => spec.unknown !== "fire" && isFiring(state.rules[spec.id] ?? INACTIVE))
    .flatMap((rule) => rule.when.evidence);

/** A reason already in the journal is not repeated. */
const skips = (state: IncidentState, skipped: readonly Skip[]): readonly IncidentEvent[] =>
  skipped
    .filter(({ step, why }) => state.skipped[step] !== why)
    .map((skip) => ({ type: "step.skipped", data: skip }));

const exhausted = (state: IncidentState, why: string): readonly IncidentEvent[] =>
  state.exhausted ? [] : [{ type: "incident.escalated", data: { because: "exhausted", why } }];

function take(
  stepId: string,
  attempt: number,
  state: IncidentState,
  moment: Moment,
): readonly IncidentEvent[] {
  const step = moment.playbook.steps.find((candidate) => candidate.id === stepId);
  assert(step !== undefined && state.opened !== null, "the ladder takes a step of the playbook");
  const lease = {
    id: leaseId(state.opened.incidentId, step.id, attempt),
    leaseMs: durationOf(state, step.spec.lease),
  };
  const proposed: IncidentEvent = {
    type: "lease.proposed",
    data: {
      leaseId: lease.id,
      step: step.id,
      attempt,
      actuator: step.spec.do,
      with: step.spec.with,
      leaseMs: lease.leaseMs,
      release: step.spec.release ?? step.words.release,
      mode: step.spec.mode,
      shadow: moment.autopilot === "shadow",
      siteWide: step.words.siteWide,
      masks: [...step.words.masks],
    },
  };
  return step.spec.mode === "approve"
    ? [proposed]
    : [proposed, ...approveAndApply(lease, moment.atMs, "the playbook says auto")];
}
