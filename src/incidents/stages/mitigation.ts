/** Takes the next step of the playbook's ladder while the harm lasts; says so when there is none. */
import { INACTIVE } from "../../detection/rule-machine.ts";
import { isFiring, isTriggered } from "../../detection/trigger.ts";
import { evidenceKinds } from "../../mitigations/guardrails.ts";
import {
  nextStep,
  type LadderAnswer,
  type LadderAttempt,
  type LadderStep,
  type Skip,
} from "../../mitigations/ladder.ts";
import type { CompiledStep } from "../../playbooks/compile.ts";
import { stepOptions } from "../../playbooks/step-options.ts";
import { actId, leaseId } from "../../shared/ids.ts";
import { assert } from "../../shared/assert.ts";
import { catalogue } from "../../signals/catalogue.ts";
import type { IncidentEvent } from "../journal.ts";
import { durationOf, foldDrafts, paramsOf, truthOf, type Moment, type Stage } from "../moment.ts";
import { isPrepared, isPreparedAct, type IncidentState, type LeaseState } from "../state.ts";
import { ladderAttempt, SETTLES_MS } from "./acts.ts";
import { approveAndApply, AUTO } from "./leases.ts";
import { whatToScale } from "./scale.ts";

/** Leases and acts one incident may hold over its life; past it, people take over. */
export const MITIGATIONS_MAX = 50;
export const mitigationsOf = ({ leases, acts }: IncidentState): number =>
  leases.length + acts.length;

export const mitigationStage: Stage = (state, moment) => {
  const { detect } = moment.playbook.spec;
  if (moment.playbook.rules.length === 0 || state.recoveredSinceMs !== null) return [];
  if (!isTriggered(detect.trigger, state.rules)) return [];
  const answer = climb(state, moment);
  switch (answer.answer) {
    case "busy":
      return [];
    case "hold":
      return skips(state, answer.skipped);
    case "exhausted":
      return [...skips(state, answer.skipped), ...exhausted(whatIsLeft(state), state, moment)];
    case "prepare":
    case "take": {
      if (mitigationsOf(state) >= MITIGATIONS_MAX) {
        return exhausted(`${MITIGATIONS_MAX} mitigations were tried`, state, moment);
      }
      const taken = [...skips(state, answer.skipped), ...take(answer, state, moment)];
      if (answer.answer === "take") return taken;
      // What a person may start waits aside, and what mends nothing is done beside; the ladder goes on.
      return [...taken, ...mitigationStage(foldDrafts(state, taken, moment.command), moment)];
    }
  }
};

const whatIsLeft = ({ leases, acts }: IncidentState): string =>
  leases.some(isPrepared) || acts.some(isPreparedAct)
    ? "what is left is prepared, and for a person to start"
    : "nothing is left to try";

const climb = (state: IncidentState, moment: Moment): LadderAnswer =>
  nextStep({
    steps: moment.playbook.steps.map((step) => ladderStep(step, state, moment)),
    attempts: [
      ...state.leases.map((lease) => ({
        ...lease,
        isEarlier: lease.round < state.timesResolved,
        ...standingOf(lease, state, moment),
      })),
      ...state.acts.map((act) => ladderAttempt(act, state, moment)),
    ],
    evidenceKinds: evidenceKinds(firingEvidence(state, moment), catalogue),
    autopilot: moment.autopilot,
  });

/**
 * What helps but does not cure, or waits for a person, need not be alone where its step says so. What helps first has its step's time
 * to show that it is enough.
 */
function standingOf(
  lease: LeaseState,
  state: IncidentState,
  { playbook, atMs }: Moment,
): Pick<LadderAttempt, "isAside" | "isAsked"> {
  if (lease.beside) return { isAside: true, isAsked: false };
  const spec = playbook.steps.find(({ id }) => id === lease.step)?.spec;
  if (isPrepared(lease) || spec?.alongside !== true) {
    return { isAside: isPrepared(lease), isAsked: false };
  }
  const isAsked = lease.status === "proposed" && lease.mode === "approve";
  const settlesMs = spec.expect === undefined ? SETTLES_MS : durationOf(state, spec.expect.within);
  const isHelping = lease.status === "effective" && atMs - (lease.appliedAtMs ?? 0) >= settlesMs;
  return { isAside: isAsked || isHelping, isAsked };
}

const ladderStep = (step: CompiledStep, state: IncidentState, moment: Moment): LadderStep => ({
  id: step.id,
  mode: step.mode,
  siteWide: step.words.siteWide,
  isBeside: step.words.beside,
  missing: moment.missing[step.spec.do] ?? null,
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

function exhausted(why: string, state: IncidentState, moment: Moment): readonly IncidentEvent[] {
  if (state.exhausted) return [];
  const says = [why, ...whatToScale(state, moment)].join(". ");
  return [{ type: "incident.escalated", data: { because: "exhausted", why: says } }];
}

type Taken = Extract<LadderAnswer, { readonly answer: "take" | "prepare" }>;

function take(
  { step: stepId, attempt }: Taken,
  state: IncidentState,
  moment: Moment,
): readonly IncidentEvent[] {
  const step = moment.playbook.steps.find((candidate) => candidate.id === stepId);
  assert(step !== undefined && state.opened !== null, "the ladder takes a step of the playbook");
  const optionsOf = (written: CompiledStep["spec"]["with"]) =>
    stepOptions(written, paramsOf(state), moment.playbook.spec.params);
  const common = {
    step: step.id,
    attempt,
    actuator: step.spec.do,
    with: { ...optionsOf(step.spec.with) },
    mode: step.mode,
    // Whoever starts what is prepared means it.
    shadow: step.mode !== "manual" && moment.autopilot === "shadow",
    siteWide: step.words.siteWide,
  };
  const mark = step.words.beside ? { beside: true } : {};
  const isDecided = step.mode === "auto";
  if (step.words.kind === "act") {
    const id = actId(state.opened.incidentId, step.id, attempt);
    const { approvals } = step.words;
    const proposed: IncidentEvent = {
      type: "act.proposed",
      data: {
        actId: id,
        ...common,
        ...mark,
        ...(approvals > 1 ? { approvals } : {}),
      },
    };
    return isDecided
      ? [proposed, { type: "act.approved", data: { actId: id, why: AUTO } }]
      : [proposed];
  }
  const lease = {
    id: leaseId(state.opened.incidentId, step.id, attempt),
    leaseMs: durationOf(state, step.spec.lease ?? ""),
  };
  const proposed: IncidentEvent = {
    type: "lease.proposed",
    data: {
      leaseId: lease.id,
      step: common.step,
      attempt,
      actuator: common.actuator,
      with: common.with,
      leaseMs: lease.leaseMs,
      release: step.spec.release ?? step.words.release,
      mode: common.mode,
      shadow: common.shadow,
      siteWide: common.siteWide,
      masks: [...step.words.masks],
      ...mark,
      ...(step.spec.select === undefined
        ? {}
        : { select: { ...optionsOf(step.spec.select), from: step.spec.select.from } }),
    },
  };
  // Who says yes says it to whom it is about, and that is found out first.
  if (step.spec.select !== undefined) return [proposed];
  return isDecided ? [proposed, ...approveAndApply(lease, moment.atMs, AUTO)] : [proposed];
}
