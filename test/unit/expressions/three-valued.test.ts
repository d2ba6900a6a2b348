import { Environment } from "@marcbachmann/cel-js";
import fc from "fast-check";
import { describe, it } from "vitest";
import type { SignalSet } from "../../../src/signals/signal.ts";
import {
  allKnown,
  anyExpression,
  compiled,
  expressionWithoutKnown,
  PARAMS,
  SCOPE,
  signals,
  someNames,
  without,
} from "./support.ts";

const RUNS = { numRuns: 3_000 };
const truthOf = (source: string, set: SignalSet) => compiled(source).evaluate(set, PARAMS).truth;

describe("any expression without known()", () => {
  it("answers with unknown signals only what it would answer whatever their values", ({
    expect,
  }) => {
    fc.assert(
      fc.property(expressionWithoutKnown, allKnown, someNames, (source, values, names) => {
        const known = signals(values);
        const blind = truthOf(source, without(known, names));
        fc.pre(blind !== "unknown");
        expect(truthOf(source, known)).toBe(blind);
      }),
      RUNS,
    );
  });

  it("answers with a signal that never came as it does with one that is unknown", ({ expect }) => {
    fc.assert(
      fc.property(expressionWithoutKnown, allKnown, someNames, (source, values, names) => {
        const known = signals(values);
        const absent = Object.fromEntries(
          Object.entries(known).filter(([name]) => !names.includes(name)),
        );
        expect(truthOf(source, absent)).toBe(truthOf(source, without(known, names)));
      }),
    );
  });

  it("is known or broken, never unknown, when every signal is known", ({ expect }) => {
    fc.assert(
      fc.property(expressionWithoutKnown, allKnown, (source, values) => {
        expect(truthOf(source, signals(values))).not.toBe("unknown");
      }),
    );
  });
});

describe("any expression", () => {
  it("is made true or false by not knowing only where it says so", ({ expect }) => {
    fc.assert(
      fc.property(anyExpression, allKnown, someNames, (source, values, names) => {
        const { unknownMakes } = compiled(source);
        const known = signals(values);
        const blind = truthOf(source, without(known, names));
        fc.pre(blind === "true" || blind === "false");
        fc.pre(!unknownMakes[blind].some((name) => names.includes(name)));
        expect(truthOf(source, known)).toBe(blind);
      }),
      RUNS,
    );
  });

  it("is not true while anything it rests on is unknown", ({ expect }) => {
    fc.assert(
      fc.property(anyExpression, allKnown, (source, values) => {
        const known = signals(values);
        for (const name of compiled(source).evidence) {
          expect(truthOf(source, without(known, [name]))).not.toBe("true");
        }
      }),
      RUNS,
    );
  });

  it("answers what CEL itself answers when every signal is known", ({ expect }) => {
    const cel = new Environment()
      .registerVariable({
        name: "probe",
        schema: { success_ratio: "double", latency_ms: "double" },
      })
      .registerVariable({ name: "postgres", schema: { reachable_ratio: "double" } })
      .registerVariable({ name: "alerts", schema: { firing_count: "int" } })
      .registerVariable({ name: "feature", schema: { checkout_enabled: "bool" } })
      .registerVariable({ name: "deploy", schema: { version_text: "string" } })
      .registerVariable({
        name: "params",
        schema: {
          ratio_min: "double",
          count_max: "int",
          wait: "int",
          strict: "bool",
          version: "string",
        },
      })
      .registerFunction("known(dyn): bool", () => true)
      .registerFunction("configured(dyn): bool", () => true);
    fc.assert(
      fc.property(anyExpression, allKnown, (source, values) => {
        const ours = truthOf(source, signals(values));
        // CEL answers with NaN and infinity where we say broken; there is nothing to compare then.
        fc.pre(ours !== "broken");
        expect(String(cel.evaluate(source, inCel(values)))).toBe(ours);
      }),
      RUNS,
    );
  });
});

/** The same values, as CEL's context holds them. */
function inCel(values: Readonly<Record<string, number | boolean | string>>) {
  const context: Record<string, Record<string, unknown>> = {
    params: { ...PARAMS, count_max: BigInt(PARAMS.count_max), wait: BigInt(PARAMS.wait) },
  };
  for (const [name, value] of Object.entries(values)) {
    const [source = "", what = ""] = name.split(".");
    const isInt = Object.entries(SCOPE.signals).some(
      ([signal, { type }]) => signal === name && type === "int",
    );
    context[source] = { ...context[source], [what]: isInt ? BigInt(Number(value)) : value };
  }
  return context;
}
