/**
 * Reads CEL source into a `Term`, or says everything that is wrong with it. Only what cannot turn "unknown" into
 * "healthy" is let in: no `has()`, no null, no lists, maps, loops or methods.
 */
import { Environment, ParseError, type ASTNode } from "@marcbachmann/cel-js";
import type { ParamSpec } from "../playbooks/schema.ts";
import type { SignalType } from "../signals/catalogue.ts";
import type { SignalName } from "../signals/signal.ts";
import { suggest } from "../shared/suggest.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { ArithmeticSign, CompareSign, Term, Value } from "./term.ts";

export const SOURCE_LENGTH_MAX = 1_000;
export const NODES_MAX = 200;
export const DEPTH_MAX = 32;
/** Lists, maps and long calls are refused with a better word than the parser's; this only bounds them until then. */
const ELEMENTS_MAX = 16;

/** The names an expression may use. */
export type Scope = {
  readonly signals: Readonly<Record<SignalName, { readonly type: SignalType }>>;
  readonly params: Readonly<Record<string, ParamSpec>>;
};

/** What is wrong, and where in the source it starts. */
export type ExpressionProblem = { readonly message: string; readonly offset: number };

/** The namespace of params; no signal source may have this name. */
export const PARAMS = "params";
export const FUNCTIONS = ["configured", "double", "known"] as const;

const LIMITS = {
  maxAstNodes: NODES_MAX,
  maxDepth: DEPTH_MAX,
  maxListElements: ELEMENTS_MAX,
  maxMapEntries: ELEMENTS_MAX,
  maxCallArguments: ELEMENTS_MAX,
};
const PARSER = new Environment({ limits: LIMITS });

/** Durations are milliseconds in expressions. */
export const paramType = (spec: ParamSpec): SignalType =>
  spec.type === "duration" ? "int" : spec.type;

/** Reads `source`; every name is resolved, nothing is type-checked yet. */
export function readExpression(
  source: string,
  scope: Scope,
): Result<Term, readonly ExpressionProblem[]> {
  if (source.length > SOURCE_LENGTH_MAX) {
    const message = `the expression is longer than ${SOURCE_LENGTH_MAX} characters`;
    return err([{ message, offset: 0 }]);
  }
  let ast: ASTNode;
  try {
    ast = PARSER.parse(source).ast;
  } catch (error) {
    // The library reports syntax, limits and broken literals by throwing; nothing else runs here.
    if (error instanceof ParseError) {
      return err([{ message: error.summary, offset: error.range?.start ?? 0 }]);
    }
    return err([{ message: error instanceof Error ? error.message : String(error), offset: 0 }]);
  }
  const reader = new Reader(scope);
  const term = reader.read(ast);
  return reader.problems.length === 0 ? ok(term) : err(reader.problems);
}

/** Stands where a problem was found, so that reading goes on and finds the others. */
const PLACEHOLDER: Term = { op: "literal", value: false };

/** One walk over one tree; collects problems instead of stopping at the first. */
class Reader {
  readonly problems: ExpressionProblem[] = [];
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  read(node: ASTNode): Term {
    switch (node.op) {
      case "value":
        return this.#literal(node);
      case "id":
      case ".":
        return this.#name(node);
      case "call":
        return this.#call(node, ...node.args);
      case "!_":
        return { op: "not", of: this.read(node.args) };
      case "-_":
        return { op: "negate", of: this.read(node.args) };
      case "&&":
      case "||":
        return { op: node.op === "&&" ? "and" : "or", ...this.#sides(node.args) };
      case "?:": {
        const [condition, yes, no] = node.args;
        return {
          op: "choose",
          condition: this.read(condition),
          yes: this.read(yes),
          no: this.read(no),
        };
      }
      default:
        return this.#binary(node);
    }
  }

  #binary(node: ASTNode): Term {
    switch (node.op) {
      case "<":
      case "<=":
      case ">":
      case ">=":
      case "==":
      case "!=": {
        const sign: CompareSign = node.op;
        return { op: "compare", sign, ...this.#sides(node.args) };
      }
      case "+":
      case "-":
      case "*":
      case "/":
      case "%": {
        const sign: ArithmeticSign = node.op;
        return { op: "arithmetic", sign, ...this.#sides(node.args) };
      }
      case "[]":
        return this.#refuse(node, 'write a name with a dot, such as probe.latency_ms, not ["…"]');
      case "rcall":
        return this.#refuse(
          node,
          `no function "${node.args[0]}" here; known: ${FUNCTIONS.join(", ")}`,
        );
      default:
        return this.#refuse(
          node,
          "lists, maps, in and optional access are not part of the language",
        );
    }
  }

  #sides([left, right]: readonly [ASTNode, ASTNode]): { left: Term; right: Term } {
    return { left: this.read(left), right: this.read(right) };
  }

  #literal(node: ASTNode & { op: "value" }): Term {
    const value = node.args;
    if (value === null) {
      return this.#refuse(node, "a signal is never null, it is unknown: write known(…)");
    }
    if (isValue(value)) return { op: "literal", value };
    return this.#refuse(node, "only numbers, true, false and text are part of the language");
  }

  #call(node: ASTNode, name: string, args: readonly ASTNode[]): Term {
    const [argument] = args;
    if (name === "has") {
      return this.#refuse(node, "has() would turn unknown into healthy: write known(…)");
    }
    if (!FUNCTIONS.some((known) => known === name)) {
      return this.#refuse(node, `no function "${name}"; ${suggest(name, FUNCTIONS)}`);
    }
    if (argument === undefined || args.length !== 1) {
      return this.#refuse(node, `${name}() takes one argument`);
    }
    const of = this.read(argument);
    if (name === "double") return { op: "double", of };
    if (of.op === "signal") {
      return { op: name === "known" ? "known" : "configured", name: of.name };
    }
    // What could not be read has been reported already.
    return of === PLACEHOLDER ? of : this.#refuse(node, `${name}() takes a signal`);
  }

  #name(node: ASTNode): Term {
    const path = dotted(node);
    if (path === null) return this.#refuse(node, "only signals and params have a dot");
    const [first, ...rest] = path.split(".");
    if (first === PARAMS && rest.length === 1) return this.#param(node, rest.join("."));
    const signal = Object.hasOwn(this.#scope.signals, path) ? this.#scope.signals[path] : undefined;
    if (signal !== undefined) return { op: "signal", name: path, type: signal.type };
    const names = Object.keys(this.#scope.signals);
    return this.#refuse(node, `unknown signal "${path}"; ${suggest(path, names)}`);
  }

  #param(node: ASTNode, name: string): Term {
    const { params } = this.#scope;
    const spec = Object.hasOwn(params, name) ? params[name] : undefined;
    if (spec !== undefined) return { op: "param", name, type: paramType(spec) };
    const known = suggest(name, Object.keys(params));
    return this.#refuse(node, `no param "${name}" is declared; ${known}`);
  }

  #refuse(node: ASTNode, message: string): Term {
    this.problems.push({ message, offset: node.start });
    return PLACEHOLDER;
  }
}

function isValue(value: unknown): value is Value {
  return ["bigint", "number", "boolean", "string"].includes(typeof value);
}

/** `a.b.c` as text, or null when something other than a name stands before a dot. */
function dotted(node: ASTNode): string | null {
  if (node.op === "id") return node.args;
  if (node.op !== ".") return null;
  const before = dotted(node.args[0]);
  return before === null ? null : `${before}.${node.args[1]}`;
}
