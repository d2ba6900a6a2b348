/** Type-checks an expression that has been read, with CEL's own checker, and refuses what CEL allows but would launder "unknown". */
import { Environment } from "@marcbachmann/cel-js";
import { assert } from "../shared/assert.ts";
import { everyTerm, typeOf, type Term } from "./term.ts";
import { FUNCTIONS, PARAMS, paramType, type ExpressionProblem, type Scope } from "./read.ts";

/** What is wrong with the types of an expression that must answer yes or no; empty when nothing is. */
export function checkTypes(source: string, term: Term, scope: Scope): readonly ExpressionProblem[] {
  const checked = environmentOf(scope).check(source);
  if (!checked.valid) {
    const { error } = checked;
    return [
      { message: inWords(error?.summary ?? "wrong types"), offset: error?.range?.start ?? 0 },
    ];
  }
  if (checked.type !== "bool") {
    const message = `the expression must be true or false, it is ${checked.type}`;
    return [{ message, offset: 0 }];
  }
  return everyTerm(term).flatMap((part) => problemsOf(part));
}

/** The names of the scope as CEL's checker takes them: one typed object per source, one for params. */
function environmentOf(scope: Scope): Environment {
  const rooms = new Map<string, Record<string, string>>([[PARAMS, {}]]);
  for (const [name, spec] of Object.entries(scope.params))
    put(rooms, PARAMS, name, paramType(spec));
  for (const [name, { type }] of Object.entries(scope.signals)) {
    const [source, what, ...rest] = name.split(".");
    assert(
      source && what && rest.length === 0 && source !== PARAMS,
      "a signal is source.what_unit",
    );
    put(rooms, source, what, type);
  }
  const environment = new Environment();
  for (const [name, schema] of rooms) environment.registerVariable({ name, schema });
  for (const name of FUNCTIONS) {
    // `double` is CEL's own. The others are only ever checked here: `evaluate.ts` gives them their meaning.
    if (name !== "double") environment.registerFunction(`${name}(dyn): bool`, () => false);
  }
  return environment;
}

function put(
  rooms: Map<string, Record<string, string>>,
  room: string,
  field: string,
  type: string,
): void {
  rooms.set(room, { ...rooms.get(room), [field]: type });
}

function problemsOf(term: Term): readonly ExpressionProblem[] {
  if (term.op === "double" && !["int", "double"].includes(typeOf(term.of))) {
    return [{ message: "double() takes a number", offset: 0 }];
  }
  if (term.op === "compare" && (term.sign === "==" || term.sign === "!=")) {
    const hasDouble = [term.left, term.right].some((side) => typeOf(side) === "double");
    const message = `${term.sign} between doubles is never reliable: write <, <=, > or >=`;
    return hasDouble ? [{ message, offset: 0 }] : [];
  }
  if (term.op === "arithmetic" && !["int", "double"].includes(typeOf(term.left))) {
    return [{ message: `${term.sign} is for numbers only`, offset: 0 }];
  }
  return [];
}

/** The checker's message with advice for the mistake that everybody makes. */
function inWords(summary: string): string {
  const mixed = /^no such overload: (int|double) ([-+*/%]) (int|double)$/.exec(summary);
  if (mixed !== null && mixed[1] !== mixed[3]) {
    return `${mixed[1]} ${mixed[2]} ${mixed[3]} does not mix: write 2.0 instead of 2, or double(…) around the int`;
  }
  return summary;
}
