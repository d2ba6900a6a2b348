/** Expressions of playbooks: CEL over signals and params, checked when they are loaded, three-valued when they are asked. */
import type { Params } from "../playbooks/params.ts";
import { isKnown, type SignalName, type SignalSet } from "../signals/signal.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { checkTypes } from "./check.ts";
import { evaluateTerm, type Outcome } from "./evaluate.ts";
import { paramsOf, restsOn, restsOnUnknown, signalsOf } from "./evidence.ts";
import { readExpression, type ExpressionProblem, type Scope } from "./read.ts";
import type { Term } from "./term.ts";
import type { Truth } from "./truth.ts";

export type { ExpressionProblem, Scope } from "./read.ts";

/** The answer now. `detail` says in words why it is unknown or broken; null when it is neither. */
export type Answer = { readonly truth: Truth; readonly detail: string | null };

export type Expression = {
  readonly source: string;
  /** The signals it reads, `known(…)` included. */
  readonly signals: readonly SignalName[];
  /** The params it reads. */
  readonly params: readonly string[];
  /** The signals that every way of being true rests on; of `a || b`, what both sides share. */
  readonly evidence: readonly SignalName[];
  /** Signals whose being unknown can help it to an answer, because the author asked with `known(…)`. */
  readonly unknownMakes: {
    readonly true: readonly SignalName[];
    readonly false: readonly SignalName[];
  };
  /** The signals must be as seen now (`asSeenAt`): stale and masked ones already unknown. */
  readonly evaluate: (signals: SignalSet, params: Params) => Answer;
};

const EXPLAINED_MAX = 4;

/** Compiles an expression that answers yes or no, or says everything that is wrong with it. */
export function compileExpression(
  source: string,
  scope: Scope,
): Result<Expression, readonly ExpressionProblem[]> {
  const read = readExpression(source, scope);
  if (!read.ok) return read;
  const term = read.value;
  const problems = checkTypes(source, term, scope);
  if (problems.length > 0) return err(problems);
  return ok({
    source,
    signals: signalsOf(term),
    params: paramsOf(term),
    evidence: restsOn(term, true),
    unknownMakes: { true: restsOnUnknown(term, true), false: restsOnUnknown(term, false) },
    evaluate: (signals, params) => answer(term, signals, params),
  });
}

function answer(term: Term, signals: SignalSet, params: Params): Answer {
  const outcome = evaluateTerm(term, { signals, params });
  switch (outcome.kind) {
    case "known":
      return { truth: outcome.value === true ? "true" : "false", detail: null };
    case "unknown":
      return { truth: "unknown", detail: explain(outcome, signals) };
    case "broken":
      return { truth: "broken", detail: outcome.why };
  }
}

/** `postgres.latency_ms is unknown: timeout (no answer in 3 s)`, for each signal that stood in the way. */
function explain(outcome: Outcome & { kind: "unknown" }, signals: SignalSet): string {
  const reasons = outcome.because.slice(0, EXPLAINED_MAX).map((name) => {
    const signal = signals[name];
    if (signal === undefined) return `${name} is unknown: no_data (never collected)`;
    if (isKnown(signal)) return `${name} is unknown: malformed (${JSON.stringify(signal.value)})`;
    const detail = signal.detail === undefined ? "" : ` (${signal.detail})`;
    return `${name} is unknown: ${signal.unknown}${detail}`;
  });
  const more = outcome.because.length - reasons.length;
  return [...reasons, ...(more > 0 ? [`${more} more`] : [])].join("; ");
}
