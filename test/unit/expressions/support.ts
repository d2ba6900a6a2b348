/** A small site to write expressions about, and generated expressions about it. */
import fc from "fast-check";
import {
  compileExpression,
  type Expression,
  type Scope,
} from "../../../src/expressions/expression.ts";
import {
  measured,
  unknownSignal,
  type Signal,
  type SignalSet,
} from "../../../src/signals/signal.ts";
import { SOURCE_LENGTH_MAX } from "../../../src/expressions/read.ts";
import type { SignalValue, UnknownReason } from "../../../src/signals/signal.ts";

export const SCOPE = {
  signals: {
    "probe.success_ratio": { type: "double" },
    "probe.latency_ms": { type: "double" },
    "postgres.reachable_ratio": { type: "double" },
    "alerts.firing_count": { type: "int" },
    "feature.checkout_enabled": { type: "bool" },
    "deploy.version_text": { type: "string" },
  },
  params: {
    ratio_min: { type: "double", default: 0.5 },
    count_max: { type: "int", default: 3 },
    wait: { type: "duration", default: "5s" },
    strict: { type: "bool", default: true },
    version: { type: "string", default: "v1" },
  },
} as const satisfies Scope;

export const PARAMS = { ratio_min: 0.5, count_max: 3, wait: 5_000, strict: true, version: "v1" };

const TIMES = { atMs: 1_000, freshMs: 60_000 };

/** Signals by name: a value, or in square brackets why there is none. */
export function signals(
  values: Readonly<Record<string, SignalValue | [UnknownReason]>>,
): SignalSet {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]): [string, Signal] =>
      Array.isArray(value)
        ? [name, unknownSignal(name, value[0], TIMES)]
        : [name, measured(name, value, TIMES)],
    ),
  );
}

export function compiled(source: string, scope: Scope = SCOPE): Expression {
  const result = compileExpression(source, scope);
  if (!result.ok) throw new Error(`${source}: ${JSON.stringify(result.error)}`);
  return result.value;
}

export const problemsOf = (source: string, scope: Scope = SCOPE): readonly string[] => {
  const result = compileExpression(source, scope);
  return result.ok ? [] : result.error.map(({ message }) => message);
};

const DOUBLES = ["probe.success_ratio", "probe.latency_ms", "postgres.reachable_ratio"] as const;
const number = fc.constantFrom(-1, 0, 0.25, 0.5, 1, 2, 1e9);
const literal = number.map((value) => (Number.isInteger(value) ? value.toFixed(1) : String(value)));
const count = fc.integer({ min: -2, max: 5 });

/** Source text of expressions that compile, by the type they have. */
const generated = (withKnown: boolean) =>
  fc
    .letrec<{ bool: string; double: string; int: string }>((tie) => ({
      bool: fc.oneof(
        { maxDepth: 4, depthSize: "small" },
        fc.constantFrom("true", "false", "feature.checkout_enabled", "params.strict"),
        ...(withKnown
          ? [fc.constantFrom(...DOUBLES, "alerts.firing_count").map((name) => `known(${name})`)]
          : []),
        fc.constantFrom("configured(probe.success_ratio)", '(deploy.version_text == "v1")'),
        fc
          .tuple(tie("double"), fc.constantFrom("<", "<=", ">", ">="), tie("double"))
          .map((parts) => `(${parts.join(" ")})`),
        fc
          .tuple(tie("int"), fc.constantFrom("<", ">=", "==", "!="), tie("int"))
          .map((parts) => `(${parts.join(" ")})`),
        fc
          .tuple(tie("bool"), fc.constantFrom("&&", "||", "=="), tie("bool"))
          .map((parts) => `(${parts.join(" ")})`),
        tie("bool").map((part) => `!(${part})`),
        fc
          .tuple(tie("bool"), tie("bool"), tie("bool"))
          .map(([condition, yes, no]) => `(${condition} ? ${yes} : ${no})`),
      ),
      double: fc.oneof(
        { maxDepth: 4, depthSize: "small" },
        fc.constantFrom(...DOUBLES, "params.ratio_min"),
        literal,
        tie("int").map((part) => `double(${part})`),
        fc
          .tuple(tie("double"), fc.constantFrom("+", "-", "*", "/"), tie("double"))
          .map((parts) => `(${parts.join(" ")})`),
        fc
          .tuple(tie("bool"), tie("double"), tie("double"))
          .map(([condition, yes, no]) => `(${condition} ? ${yes} : ${no})`),
      ),
      int: fc.oneof(
        { maxDepth: 4, depthSize: "small" },
        fc.constantFrom("alerts.firing_count", "params.count_max", "params.wait"),
        count.map(String),
        fc
          .tuple(tie("int"), fc.constantFrom("+", "-", "*", "/", "%"), tie("int"))
          .map((parts) => `(${parts.join(" ")})`),
      ),
      // A longer one is refused before it is read.
    }))
    .bool.filter((source) => source.length <= SOURCE_LENGTH_MAX);

export const anyExpression = generated(true);
export const expressionWithoutKnown = generated(false);

/** A value for every signal. */
export const allKnown = fc.record({
  "probe.success_ratio": number,
  "probe.latency_ms": number,
  "postgres.reachable_ratio": number,
  "alerts.firing_count": count,
  "feature.checkout_enabled": fc.boolean(),
  "deploy.version_text": fc.constantFrom("v1", "v2"),
});

/** Names of signals that are to be unknown. */
export const someNames = fc.subarray(Object.keys(SCOPE.signals));

/** The signals with those named made unknown, for a reason that is not a fact about the deployment. */
export const without = (known: SignalSet, names: readonly string[]): SignalSet => ({
  ...known,
  ...Object.fromEntries(names.map((name) => [name, unknownSignal(name, "timeout", TIMES)])),
});
