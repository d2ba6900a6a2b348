import { describe, it } from "vitest";
import { actuators, acts } from "../../../src/mitigations/registry.ts";
import { selectorWords } from "../../../src/mitigations/selectors/registry.ts";
import type { ParamSpec } from "../../../src/playbooks/schema.ts";
import {
  optionProblems,
  selectProblems,
  stepOptions,
} from "../../../src/playbooks/step-options.ts";
import { parseDuration, writeDuration } from "../../../src/shared/duration.ts";

const SPECS: Readonly<Record<string, ParamSpec>> = {
  limit: { type: "duration", default: "5s", min: "1s", max: "1m" },
  too_wide: { type: "duration", default: "5s", min: "0s", max: "1m" },
  unbounded: { type: "duration", default: "5s" },
  many: { type: "int", default: 10, min: 1, max: 20 },
  idle: { type: "bool", default: true },
  words: { type: "string", default: "5s" },
};

const timeout = (written: unknown): readonly string[] =>
  optionProblems({ do: "statement-timeout", with: { timeout: written } }, WORDS, {
    specs: SPECS,
    path: ["mitigate", 0, "with"],
  }).map(({ message }) => message);
const WORDS = actuators["statement-timeout"].words;

describe("options of a step that are params", () => {
  it("are what the params are worth, durations as text, lists and maps as well", ({ expect }) => {
    const written = {
      older_than: "params.limit",
      max: "params.many",
      idle_in_transaction: "params.idle",
      excluded_roles: ["params.words", "params. is text"],
      grace: "2s",
    };
    const params = { limit: 90_000, many: 3, idle: false, words: "etl" };
    expect(stepOptions(written, params, SPECS)).toEqual({
      older_than: "90s",
      max: 3,
      idle_in_transaction: false,
      excluded_roles: ["etl", "params. is text"],
      grace: "2s",
    });
  });

  it("are right when the actuator takes every value they may have", ({ expect }) => {
    expect(timeout("params.limit")).toEqual([]);
    const { words } = acts["end-long-queries"] ?? { words: WORDS };
    const options = { older_than: "params.limit", max: "params.many" };
    const context = { specs: SPECS, path: [] };
    expect(optionProblems({ do: "end-long-queries", with: options }, words, context)).toEqual([]);
  });

  it.for([
    {
      what: "may have a value that the actuator refuses",
      written: "params.too_wide",
      message:
        "statement-timeout: params.too_wide may be 0s: with.timeout: write a duration from 100ms to 10m",
    },
    {
      what: "is declared nowhere",
      written: "params.limt",
      message:
        'statement-timeout: no param "limt" is declared; did you mean "limit"? known: idle, limit, many, too_wide, unbounded, words',
    },
    {
      what: "has no range",
      written: "params.unbounded",
      message:
        "statement-timeout: params.unbounded needs a min and a max: without them nobody can say that every override fits",
    },
    {
      what: "is text",
      written: "params.words",
      message:
        "statement-timeout: params.words is text, whose values nobody could check beforehand: write it out",
    },
    {
      what: "is of another type",
      written: "params.many",
      message: "statement-timeout: with.timeout: Invalid input: expected string, received number",
    },
  ])("name the param that $what", ({ written, message }, { expect }) => {
    expect(timeout(written)).toEqual([message]);
  });

  it("are few enough to try every combination of their ends", ({ expect }) => {
    const names = Array.from({ length: 7 }, (_, index) => `p${index}`);
    const specs = Object.fromEntries(names.map((name) => [name, { ...SPECS["many"] }] as const));
    const problems = optionProblems(
      { do: "statement-timeout", with: { all: names.map((name) => `params.${name}`) } },
      WORDS,
      { specs: specs as Record<string, ParamSpec>, path: [] },
    );
    expect(problems.map(({ message }) => message)).toEqual([
      "statement-timeout: at most 6 params in one step, there are 7",
    ]);
  });
});

describe("a duration as text", () => {
  it.for([0, 1, 1_500, 5_000, 90_000, 300_000, 5_400_000, 86_400_000])(
    "%i ms comes back as it was",
    (ms, { expect }) => {
      expect(parseDuration(writeDuration(ms))).toEqual({ ok: true, value: ms });
    },
  );
});

describe("a step that finds out whom it is about", () => {
  const problems = (
    select: Readonly<Record<string, unknown>>,
    actuator = "block-networks",
    given = {},
  ) =>
    selectProblems(
      { do: actuator, with: given, select: { from: "traffic-suspects", ...select } },
      { ...actuators, ...acts }[actuator]?.words ?? WORDS,
      { specs: { ...SPECS, share: RATIO }, path: ["mitigate", 0], selectors: selectorWords() },
    ).map(({ path, message }) => `${path.join(".")}: ${message}`);
  const RATIO: ParamSpec = { type: "double", default: 0.01, min: 0, max: 0.05 };

  it("is right when its actuator takes all that may be named", ({ expect }) => {
    expect(problems({ by: ["address", "network"], usual_max: "params.share" })).toEqual([]);
    expect(problems({ by: ["ja4", "path"] }, "challenge-suspicious", { difficulty: 15 })).toEqual(
      [],
    );
  });

  it.for([
    {
      what: "a selector that there is not",
      said: problems({ from: "trafic-suspects" }),
      message:
        'mitigate.0.select.from: unknown selector "trafic-suspects"; did you mean "traffic-suspects"? known: api-offenders, auth-offenders, traffic-suspects',
    },
    {
      what: "an option that the selector does not know",
      said: problems({ by: ["adress"] }),
      message:
        'mitigate.0.select: traffic-suspects: select.by.0: Invalid option: expected one of "address"|"network"|"ja4"|"asn"|"path"|"country"',
    },
    {
      what: "a param that reaches further than the selector takes",
      said: problems({ by: ["address"], usual_max: "params.many" }),
      message:
        "mitigate.0.select: traffic-suspects: select.usual_max: Too big: expected number to be <=0.05",
    },
    {
      what: "a name that the actuator does not take",
      said: problems({ by: ["address", "path"] }),
      message: 'mitigate.0.with: block-networks: with: Unrecognized key: "routes"',
    },
    {
      what: "an act",
      said: problems({ by: ["address"] }, "end-long-queries"),
      message:
        "mitigate.0.select: end-long-queries is an act: what it is about, it finds out itself",
    },
  ])("names $what", ({ said, message }, { expect }) => {
    expect(said[0]).toContain(message);
  });
});
