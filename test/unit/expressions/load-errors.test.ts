import { describe, it } from "vitest";
import fc from "fast-check";
import { compileExpression } from "../../../src/expressions/expression.ts";
import { DEPTH_MAX, NODES_MAX, SOURCE_LENGTH_MAX } from "../../../src/expressions/read.ts";
import { problemsOf, SCOPE } from "./support.ts";

describe("loading an expression refuses", () => {
  const rows = [
    [
      "a typo in a signal",
      "probe.sucess_ratio < 0.5",
      /^unknown signal "probe.sucess_ratio"; did you mean "probe.success_ratio"\? known: alerts/,
    ],
    ["an unknown source", "proobe < 0.5", /^unknown signal "proobe"/],
    ["a source alone", "probe < 0.5", /^unknown signal "probe"/],
    [
      "a path too deep",
      "probe.success_ratio.max < 0.5",
      /^unknown signal "probe.success_ratio.max"/,
    ],
    [
      "an undeclared param",
      "probe.success_ratio < params.ratio_mn",
      /^no param "ratio_mn" is declared; did you mean "ratio_min"\?/,
    ],
    ["has()", "has(probe.success_ratio)", /^has\(\) would turn unknown into healthy: write known/],
    ["!= null", "probe.success_ratio != null", /^a signal is never null/],
    ["== null", "null == probe.success_ratio", /^a signal is never null/],
    ["== on doubles", "probe.success_ratio == 1.0", /^== between doubles is never reliable/],
    [
      "!= on doubles",
      "probe.success_ratio != params.ratio_min",
      /^!= between doubles is never reliable/,
    ],
    [
      "double * int",
      "probe.success_ratio * 2 < 1.0",
      /^double \* int does not mix: write 2.0 instead of 2/,
    ],
    ["int + double", "alerts.firing_count + 0.5 < 1.0", /^int \+ double does not mix/],
    [
      "a number as the answer",
      "probe.success_ratio",
      /^the expression must be true or false, it is double/,
    ],
    ["text as the answer", '"yes"', /^the expression must be true or false, it is string/],
    ["a number as a condition", "probe.success_ratio ? true : false", /must be bool/],
    ["a number under !", "!alerts.firing_count", /no such overload/],
    ["branches of two types", "params.strict ? 1 : 2.0", /same type/],
    ["text arithmetic", 'deploy.version_text + "x" == "v1x"', /^\+ is for numbers only/],
    ["double() of text", "double(deploy.version_text) > 1.0", /^double\(\) takes a number/],
    [
      "a macro",
      "[1, 2].exists(x, x > 1)",
      /^no function "exists" here; known: configured, double, known/,
    ],
    ["a method", 'deploy.version_text.matches("a+")', /^no function "matches" here/],
    ["an unknown function", "size(deploy.version_text) > 1", /^no function "size"/],
    ["known() of a param", "known(params.strict)", /^known\(\) takes a signal/],
    ["known() of nothing", "known()", /^known\(\) takes one argument/],
    [
      "known() of two",
      "known(probe.latency_ms, probe.success_ratio)",
      /^known\(\) takes one argument/,
    ],
    ["an index", 'probe["success_ratio"] < 0.5', /^write a name with a dot/],
    ["a list", "alerts.firing_count in [1]", /^lists, maps, in and optional access are not part/],
    ["bytes", 'b"a" == "a"', /^only numbers, true, false and text/],
    ["an unsigned int", "1u < 2", /^only numbers, true, false and text/],
    ["a field of an answer", "known(probe.latency_ms).x", /^only signals and params have a dot/],
    ["half a sentence", "probe.success_ratio <", /Unexpected token/],
    ["nothing", "", /Unexpected/],
    ["an endless number", "probe.success_ratio < 1e999", /Invalid number/],
    ["an assignment", "probe.success_ratio = 1.0", /./],
  ] as const;

  it.for(rows)("%s", ([, source, message], { expect }) => {
    expect(problemsOf(source)).toEqual([expect.stringMatching(message)]);
  });

  it("every wrong name at once, each with its place", ({ expect }) => {
    const result = compileExpression("prob.x < 1.0 && has(probe.latency_ms) && params.nope", SCOPE);

    expect(result.ok ? [] : result.error.map(({ offset }) => offset)).toEqual([0, 16, 41]);
  });
});

describe("limits of an expression", () => {
  it("reads a source as long as it may be, and none longer", ({ expect }) => {
    const padded = (length: number) => "true".padEnd(length, " ");

    expect(problemsOf(padded(SOURCE_LENGTH_MAX))).toEqual([]);
    expect(problemsOf(padded(SOURCE_LENGTH_MAX + 1))).toEqual([
      "the expression is longer than 1000 characters",
    ]);
  });

  it("refuses more parts than it may have", ({ expect }) => {
    const sum = (terms: number) => `${Array.from({ length: terms }, () => "1").join("+")}>0`;

    expect(problemsOf(sum(90))).toEqual([]);
    expect(problemsOf(sum(NODES_MAX))).toEqual([expect.stringMatching(/maxAstNodes/)]);
  });

  it("refuses deeper nesting than it may have", ({ expect }) => {
    const nested = (depth: number) => `${"(".repeat(depth)}true${")".repeat(depth)}`;

    expect(problemsOf(nested(DEPTH_MAX / 2))).toEqual([]);
    expect(problemsOf(nested(DEPTH_MAX + 1))).toEqual([expect.stringMatching(/maxDepth/)]);
  });

  it("never throws, whatever it is given", ({ expect }) => {
    const word = fc.constantFrom(
      ..."probe.success_ratio params.strict known( has( ) ( [ ] { } ? : && || ! - + * / % < == null true 1 1.0 1u \"a\" b'' in . , \\ cel.bind( type".split(
        " ",
      ),
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(word, { maxLength: 20 }).map((all) => all.join(" ")),
    );
    fc.assert(
      fc.property(text, (source) => {
        const result = compileExpression(source, SCOPE);
        expect(result.ok || result.error.length > 0).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
