/**
 * What an answer rests on, told from the expression alone. Two questions that no single evaluation can answer:
 * could it be true (or false) only because a signal is unknown, and which signals must have been bad for it to be true.
 */
import type { SignalName } from "../signals/signal.ts";
import { everyTerm, parts, type Term } from "./term.ts";

/**
 * Signals whose being unknown can help the term to become `answer`, through `known(…)`.
 * Empty for every expression that does not use `known()`: there, unknown only ever makes unknown.
 */
export function restsOnUnknown(term: Term, answer: boolean): readonly SignalName[] {
  switch (term.op) {
    case "known":
      return answer ? [] : [term.name];
    case "not":
      return restsOnUnknown(term.of, !answer);
    case "and":
    case "or":
      return unique(parts(term).flatMap((part) => restsOnUnknown(part, answer)));
    case "choose":
      return unique([
        ...asked(term.condition),
        ...restsOnUnknown(term.yes, answer),
        ...restsOnUnknown(term.no, answer),
      ]);
    default:
      return asked(term);
  }
}

/**
 * Signals that every way of becoming `answer` rests on: of `a || b` only what both share. While one of them is unknown,
 * the term is not `answer`. For `any`, what every way of having a value at all rests on.
 */
export function restsOn(term: Term, answer: boolean | "any"): readonly SignalName[] {
  switch (term.op) {
    case "signal":
      return [term.name];
    // Whether something is measured is not evidence about production.
    case "known":
    case "configured":
    case "literal":
    case "param":
      return [];
    case "not":
      return restsOn(term.of, answer === "any" ? "any" : !answer);
    case "and":
    case "or": {
      const [left, right] = [restsOn(term.left, answer), restsOn(term.right, answer)];
      return answer === (term.op === "and") ? unique([...left, ...right]) : shared(left, right);
    }
    case "choose":
      return shared(
        [...restsOn(term.condition, true), ...restsOn(term.yes, answer)],
        [...restsOn(term.condition, false), ...restsOn(term.no, answer)],
      );
    case "double":
    case "negate":
    case "compare":
    case "arithmetic":
      return unique(parts(term).flatMap((part) => restsOn(part, "any")));
  }
}

/** Every signal that the term mentions, in order of appearance. */
export const signalsOf = (term: Term): readonly SignalName[] =>
  unique(
    everyTerm(term).flatMap((part) =>
      part.op === "signal" || part.op === "known" || part.op === "configured" ? [part.name] : [],
    ),
  );

/** Every param that the term mentions. */
export const paramsOf = (term: Term): readonly string[] =>
  unique(everyTerm(term).flatMap((part) => (part.op === "param" ? [part.name] : [])));

const asked = (term: Term): readonly SignalName[] =>
  everyTerm(term).flatMap((part) => (part.op === "known" ? [part.name] : []));

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)];

const shared = (left: readonly string[], right: readonly string[]): readonly string[] =>
  unique(left.filter((name) => right.includes(name)));
