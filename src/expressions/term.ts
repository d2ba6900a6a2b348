/**
 * An expression after reading: a small tree that holds exactly what the language of playbooks allows.
 * Everything else that CEL can say was refused before one of these was made.
 */
import type { SignalType } from "../signals/catalogue.ts";
import type { SignalName } from "../signals/signal.ts";

/** CEL's ints are bigints, its doubles are numbers. */
export type Value = bigint | number | boolean | string;

export type CompareSign = "<" | "<=" | ">" | ">=" | "==" | "!=";
export type ArithmeticSign = "+" | "-" | "*" | "/" | "%";

export type Term =
  | { readonly op: "literal"; readonly value: Value }
  | { readonly op: "signal"; readonly name: SignalName; readonly type: SignalType }
  | { readonly op: "param"; readonly name: string; readonly type: SignalType }
  /** Is there a value at all? */
  | { readonly op: "known"; readonly name: SignalName }
  /** Is the source set up on this site? A fact about the deployment, never about its health. */
  | { readonly op: "configured"; readonly name: SignalName }
  | { readonly op: "double"; readonly of: Term }
  | { readonly op: "negate"; readonly of: Term }
  | { readonly op: "not"; readonly of: Term }
  | { readonly op: "and" | "or"; readonly left: Term; readonly right: Term }
  | {
      readonly op: "compare";
      readonly sign: CompareSign;
      readonly left: Term;
      readonly right: Term;
    }
  | {
      readonly op: "arithmetic";
      readonly sign: ArithmeticSign;
      readonly left: Term;
      readonly right: Term;
    }
  | { readonly op: "choose"; readonly condition: Term; readonly yes: Term; readonly no: Term };

/** The terms directly inside this one. */
export function parts(term: Term): readonly Term[] {
  switch (term.op) {
    case "literal":
    case "signal":
    case "param":
    case "known":
    case "configured":
      return [];
    case "double":
    case "negate":
    case "not":
      return [term.of];
    case "and":
    case "or":
    case "compare":
    case "arithmetic":
      return [term.left, term.right];
    case "choose":
      return [term.condition, term.yes, term.no];
  }
}

/** The term and everything inside it. */
export const everyTerm = (term: Term): readonly Term[] => [
  term,
  ...parts(term).flatMap((part) => everyTerm(part)),
];

/** The type of a term that has passed the type check. */
export function typeOf(term: Term): SignalType {
  switch (term.op) {
    case "literal":
      return typeOfValue(term.value);
    case "signal":
    case "param":
      return term.type;
    case "double":
      return "double";
    case "negate":
      return typeOf(term.of);
    case "arithmetic":
      return typeOf(term.left);
    case "choose":
      return typeOf(term.yes);
    case "known":
    case "configured":
    case "not":
    case "and":
    case "or":
    case "compare":
      return "bool";
  }
}

function typeOfValue(value: Value): SignalType {
  switch (typeof value) {
    case "bigint":
      return "int";
    case "number":
      return "double";
    case "boolean":
      return "bool";
    case "string":
      return "string";
  }
}
