/**
 * Evaluates a term in Kleene's logic: an unknown part makes the whole unknown unless the rest decides it alone.
 * A part that fails although everything it needs is known is broken. Terms hold no loops, so the work is bounded
 * by `NODES_MAX`.
 */
import type { Params } from "../playbooks/params.ts";
import type { SignalType } from "../signals/catalogue.ts";
import { isKnown, type SignalName, type SignalSet } from "../signals/signal.ts";
import { assert } from "../shared/assert.ts";
import type { ArithmeticSign, CompareSign, Term, Value } from "./term.ts";

/** What a term is worth now. `because` names the unknown signals that stood in the way. */
export type Outcome =
  | { readonly kind: "known"; readonly value: Value }
  | { readonly kind: "unknown"; readonly because: readonly SignalName[] }
  | { readonly kind: "broken"; readonly why: string };

type Inputs = { readonly signals: SignalSet; readonly params: Params };

const INT_MAX = 2n ** 63n - 1n;
const INT_MIN = -(2n ** 63n);

const known = (value: Value): Outcome => ({ kind: "known", value });
const broken = (why: string): Outcome => ({ kind: "broken", why });

/** What the term is worth with these signals and params. Never throws for data: only for a term that was not type-checked. */
export function evaluateTerm(term: Term, inputs: Inputs): Outcome {
  switch (term.op) {
    case "literal":
      return known(term.value);
    case "signal":
      return readSignal(term.name, term.type, inputs.signals);
    case "param":
      return readParam(term.name, term.type, inputs.params);
    case "known":
      return known(isKnownIn(term.name, inputs.signals));
    case "configured":
      return known(isConfiguredIn(term.name, inputs.signals));
    case "double":
      return onValue(evaluateTerm(term.of, inputs), (value) => known(Number(value)));
    case "negate":
      return onValue(evaluateTerm(term.of, inputs), negate);
    case "not":
      return onValue(evaluateTerm(term.of, inputs), (value) => known(!isTrue(value)));
    case "and":
      return both(evaluateTerm(term.left, inputs), evaluateTerm(term.right, inputs), false);
    case "or":
      return both(evaluateTerm(term.left, inputs), evaluateTerm(term.right, inputs), true);
    case "compare":
      return onValues(term, inputs, (left, right) => known(compare(term.sign, left, right)));
    case "arithmetic":
      return onValues(term, inputs, (left, right) => calculate(term.sign, left, right));
    case "choose":
      return choose(term, inputs);
  }
}

function readSignal(name: SignalName, type: SignalType, signals: SignalSet): Outcome {
  const signal = signals[name];
  const value =
    signal !== undefined && isKnown(signal) ? valueOfType(signal.value, type) : undefined;
  return value === undefined ? { kind: "unknown", because: [name] } : known(value);
}

function readParam(name: string, type: SignalType, params: Params): Outcome {
  const value = valueOfType(params[name], type);
  return value === undefined ? broken(`params.${name} has no ${type} value`) : known(value);
}

/** The value as CEL holds it, or undefined when it is not of the declared type: then it says nothing. */
function valueOfType(value: unknown, type: SignalType): Value | undefined {
  switch (type) {
    case "double":
      return typeof value === "number" && Number.isFinite(value) ? value : undefined;
    case "int":
      return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;
    case "bool":
      return typeof value === "boolean" ? value : undefined;
    case "string":
      return typeof value === "string" ? value : undefined;
  }
}

const isKnownIn = (name: SignalName, signals: SignalSet): boolean => {
  const signal = signals[name];
  return signal !== undefined && isKnown(signal);
};

/** Only a source that says so itself is not configured; a signal that never came is a fault, not a fact. */
const isConfiguredIn = (name: SignalName, signals: SignalSet): boolean => {
  const signal = signals[name];
  return signal === undefined || isKnown(signal) || signal.unknown !== "not_configured";
};

/** `&&` is decided by a false, `||` by a true, whatever the other side is. */
function both(left: Outcome, right: Outcome, decisive: boolean): Outcome {
  for (const side of [left, right]) {
    if (side.kind === "known" && isTrue(side.value) === decisive) return side;
  }
  return undecided(left, right) ?? known(!decisive);
}

/** Under an unknown condition no branch is taken, not even when both would say the same. */
function choose(term: Term & { op: "choose" }, inputs: Inputs): Outcome {
  const condition = evaluateTerm(term.condition, inputs);
  return onValue(condition, (value) => evaluateTerm(isTrue(value) ? term.yes : term.no, inputs));
}

/** Unknown wins over broken: what is missing may be what would have decided. */
function undecided(left: Outcome, right: Outcome): Outcome | null {
  const because = [left, right].flatMap((side) => (side.kind === "unknown" ? side.because : []));
  if (because.length > 0) return { kind: "unknown", because: [...new Set(because)] };
  return [left, right].find((side) => side.kind === "broken") ?? null;
}

const onValue = (of: Outcome, then: (value: Value) => Outcome): Outcome =>
  of.kind === "known" ? then(of.value) : of;

function onValues(
  term: { readonly left: Term; readonly right: Term },
  inputs: Inputs,
  then: (left: Value, right: Value) => Outcome,
): Outcome {
  const [left, right] = [evaluateTerm(term.left, inputs), evaluateTerm(term.right, inputs)];
  if (left.kind === "known" && right.kind === "known") return then(left.value, right.value);
  const outcome = undecided(left, right);
  assert(outcome !== null, "one side has no value");
  return outcome;
}

function compare(sign: CompareSign, left: Value, right: Value): boolean {
  switch (sign) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    case "==":
      return left === right;
    case "!=":
      return left !== right;
  }
}

const negate = (value: Value): Outcome =>
  typeof value === "bigint" ? inRange(-value) : known(-Number(value));

function calculate(sign: ArithmeticSign, left: Value, right: Value): Outcome {
  if (typeof left === "bigint" && typeof right === "bigint") return whole(sign, left, right);
  assert(typeof left === "number" && typeof right === "number", "arithmetic is type-checked");
  const value = fractional(sign, left, right);
  // NaN compares as false with everything, which would read as "not ill".
  return Number.isFinite(value) ? known(value) : broken(`${left} ${sign} ${right} is not a number`);
}

function fractional(sign: ArithmeticSign, left: number, right: number): number {
  switch (sign) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
    case "%":
      return left % right;
  }
}

function whole(sign: ArithmeticSign, left: bigint, right: bigint): Outcome {
  switch (sign) {
    case "+":
      return inRange(left + right);
    case "-":
      return inRange(left - right);
    case "*":
      return inRange(left * right);
    case "/":
      return right === 0n ? broken(`${left} / 0`) : inRange(left / right);
    case "%":
      return right === 0n ? broken(`${left} % 0`) : known(left % right);
  }
}

const inRange = (value: bigint): Outcome =>
  value >= INT_MIN && value <= INT_MAX ? known(value) : broken("a whole number beyond 64 bits");

/** A yes or no that was type-checked as one. */
function isTrue(value: Value): boolean {
  assert(typeof value === "boolean", "a condition is type-checked");
  return value;
}
