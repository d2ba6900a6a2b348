/** The ladder: which of a playbook's steps comes next, or why none does. */
import { EVIDENCE_KINDS_MIN } from "./guardrails.ts";
import type { LeaseStatus } from "./lease.ts";

export type LadderStep = {
  readonly id: string;
  readonly mode: "auto" | "approve" | "manual";
  readonly siteWide: boolean;
  /** It mends nothing: whatever becomes of it, the ladder goes on. */
  readonly isBeside: boolean;
  /** What its actuator lacks in this deploy, in words; null when nothing. */
  readonly missing: string | null;
  /** The step's own condition, evaluated; null when it has none. */
  readonly condition: "true" | "false" | "unknown" | "broken" | null;
};

/** What became of a step so far; the last attempt counts. */
export type LadderAttempt = {
  readonly step: string;
  readonly status: LeaseStatus;
  readonly because: string | null;
  readonly shadow: boolean;
  /** From before the incident was last resolved: what was in vain then may help now. */
  readonly isEarlier: boolean;
  /** Made ready for a person to start, done, or in force beside what follows: it is in nobody's way, and is not taken again. */
  readonly isAside: boolean;
  /** A person was asked, and what follows need not wait for the answer; but until it is there, not everything was tried. */
  readonly isAsked: boolean;
};

export type LadderView = {
  readonly steps: readonly LadderStep[];
  /** Oldest first. */
  readonly attempts: readonly LadderAttempt[];
  readonly evidenceKinds: number;
  readonly autopilot: "on" | "shadow" | "off";
};

export type LadderAnswer =
  /** A step is being tried, or holds. */
  | { readonly answer: "busy" }
  | {
      readonly answer: "take";
      readonly step: string;
      readonly attempt: number;
      readonly skipped: readonly Skip[];
    }
  /** A step for a person to start is made ready, or one that mends nothing is taken; the ladder goes on beside it. */
  | {
      readonly answer: "prepare";
      readonly step: string;
      readonly attempt: number;
      readonly skipped: readonly Skip[];
    }
  /** The next step may not be taken yet. */
  | { readonly answer: "hold"; readonly skipped: readonly Skip[] }
  | { readonly answer: "exhausted"; readonly skipped: readonly Skip[] };

export type Skip = { readonly step: string; readonly why: string };

const OVER: ReadonlySet<LeaseStatus> = new Set(["reverted", "declined", "failed"]);
/** Taken back for one of these, a step may be taken again when the rules fire again. */
const REPEATABLE: ReadonlySet<string> = new Set(["recovered", "expired", "resolved"]);

/** The first step from the top that has not been tried in vain. What was only rehearsed has not been tried in earnest. */
export function nextStep(view: LadderView): LadderAnswer {
  const counted = view.attempts.filter((attempt) => view.autopilot !== "on" || !attempt.shadow);
  if (counted.some((attempt) => !OVER.has(attempt.status) && !attempt.isAside))
    return { answer: "busy" };
  const isHeld = view.steps.some(({ id }) => counted.some((one) => wasTakenBackByHand(one, id)));
  const skipped: Skip[] = [];
  for (const step of view.steps) {
    const tried = view.attempts.filter((attempt) => attempt.step === step.id);
    const last = counted.findLast((one) => one.step === step.id && !one.isEarlier);
    if (last?.isAside === true || wasInVain(last)) continue;
    const obstacle = isHeld ? HELD : obstacleTo(step, view);
    if (obstacle === null) {
      return { answer: wayOf(step), step: step.id, attempt: tried.length + 1, skipped };
    }
    skipped.push({ step: step.id, why: obstacle.why });
    if (obstacle.holds && !step.isBeside) return { answer: "hold", skipped };
  }
  const isAnswerDue = counted.some(({ status, isAsked }) => isAsked && !OVER.has(status));
  return isAnswerDue ? { answer: "hold", skipped } : { answer: "exhausted", skipped };
}

/** Does the ladder wait for it, or go on? */
const wayOf = ({ mode, isBeside }: LadderStep): "take" | "prepare" =>
  mode === "manual" || isBeside ? "prepare" : "take";

const wasInVain = (last: LadderAttempt | undefined): boolean =>
  last !== undefined && !(last.status === "reverted" && REPEATABLE.has(last.because ?? ""));

/** Whoever takes a step back, or everything, does not want the next one in its place. Reopening begins anew. */
const wasTakenBackByHand = (attempt: LadderAttempt, step: string): boolean =>
  attempt.step === step && attempt.because === "person" && !attempt.isEarlier;

const HELD = {
  why: "a person took a mitigation back: people decide from here",
  holds: true,
} as const;

function obstacleTo(
  step: LadderStep,
  view: LadderView,
): { readonly why: string; readonly holds: boolean } | null {
  if (step.missing !== null) return { why: step.missing, holds: false };
  // A person who starts a step knows more than the autopilot, and needs no second kind of evidence.
  const isForPerson = step.mode === "manual";
  if (view.autopilot === "off" && !isForPerson) return { why: "autopilot is off", holds: true };
  if (step.condition !== null && step.condition !== "true") {
    const holds = step.condition === "unknown" && !isForPerson;
    return { why: `its condition is ${step.condition}`, holds };
  }
  if (step.siteWide && !isForPerson && view.evidenceKinds < EVIDENCE_KINDS_MIN) {
    return {
      why: `it touches every visitor and only ${view.evidenceKinds} kind of evidence speaks for it`,
      holds: true,
    };
  }
  return null;
}
