/** The options of a step: what stands after `with:`, where any value may be a param's, so that a number is declared once and can be overridden. */
import { writeDuration } from "../shared/duration.ts";
import { suggest } from "../shared/suggest.ts";
import { effectiveParams, type Params, type ParamValue } from "./params.ts";
import type { Path, Problem } from "./problem.ts";
import type { ParamSpec, StepSpec } from "./schema.ts";
import type { ActuatorWords, Vocabulary } from "./vocabulary.ts";

type Options = Readonly<Record<string, unknown>>;
type Specs = Readonly<Record<string, ParamSpec>>;

/** Every combination of their bounds is tried when the playbook is loaded. */
export const PARAMS_PER_STEP_MAX = 6;

const REFERENCE = /^params\.([a-z][a-z0-9_]*)$/;

/** What the actuator is given: each reference is what its param is worth. Durations are text again, as options write them. */
export function stepOptions(written: Options, params: Params, specs: Specs): Options {
  return replaced(written, (name) => {
    const value = params[name];
    return specs[name]?.type === "duration" && typeof value === "number"
      ? writeDuration(value)
      : value;
  });
}

/**
 * Everything that the actuator would refuse, now or after any override: a param must be declared, have a range, and every value at the
 * ends of the ranges must be one that the actuator takes.
 */
export function optionProblems(
  step: Pick<StepSpec, "do" | "with">,
  words: Pick<ActuatorWords, "problemsWith">,
  { specs, path }: { readonly specs: Specs; readonly path: Path },
): readonly Problem[] {
  const named = [...referencesIn(step.with)];
  const problem = (message: string): Problem => ({ path, message: `${step.do}: ${message}` });
  if (named.length > PARAMS_PER_STEP_MAX) {
    return [
      problem(`at most ${PARAMS_PER_STEP_MAX} params in one step, there are ${named.length}`),
    ];
  }
  const unusable = named.flatMap((name) => problemsWithParam(name, specs)).map(problem);
  if (unusable.length > 0) return unusable;
  const defaults = effectiveParams(specs, [], 0);
  const atDefaults = words.problemsWith(stepOptions(step.with, defaults, specs));
  if (atDefaults.length > 0) return atDefaults.map(problem);
  for (const chosen of combinations(named, specs)) {
    const atEnds = words.problemsWith(replaced(step.with, (name) => chosen[name]));
    if (atEnds.length === 0) continue;
    const values = Object.entries(chosen).map(([name, value]) => `params.${name} may be ${value}`);
    return [problem(`${values.join(", ")}: ${atEnds.join("; ")}`)];
  }
  return [];
}

type Selecting = Pick<StepSpec, "do" | "with"> & {
  readonly select: NonNullable<StepSpec["select"]>;
};

/** The same where a part of the options is found out later: each way of filling them must be one that the actuator takes. */
export function selectProblems(
  step: Selecting,
  words: ActuatorWords,
  {
    specs,
    path,
    selectors,
  }: Pick<Vocabulary, "selectors"> & {
    readonly specs: Specs;
    readonly path: Path;
  },
): readonly Problem[] {
  const { from, ...written } = step.select;
  const at = [...path, "select"];
  const selector = Object.hasOwn(selectors, from) ? selectors[from] : undefined;
  if (selector === undefined) {
    const known = suggest(from, Object.keys(selectors));
    return [{ path: [...at, "from"], message: `unknown selector "${from}"; ${known}` }];
  }
  if (words.kind === "act") {
    const message = `${step.do} is an act: what it is about, it finds out itself`;
    return [{ path: at, message }];
  }
  const asked = optionProblems({ do: from, with: written }, selector, { specs, path: at });
  if (asked.length > 0) return asked;
  const options = stepOptions(written, effectiveParams(specs, [], 0), specs);
  for (const picked of selector.fills(options)) {
    const filled = { do: step.do, with: { ...step.with, ...picked } };
    const refused = optionProblems(filled, words, { specs, path: [...path, "with"] });
    if (refused.length > 0) return refused;
  }
  return [];
}

function problemsWithParam(name: string, specs: Specs): readonly string[] {
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
  if (spec === undefined) {
    return [`no param "${name}" is declared; ${suggest(name, Object.keys(specs))}`];
  }
  if (spec.type === "bool") return [];
  if (spec.type === "string") {
    return [`params.${name} is text, whose values nobody could check beforehand: write it out`];
  }
  return spec.min === undefined || spec.max === undefined
    ? [`params.${name} needs a min and a max: without them nobody can say that every override fits`]
    : [];
}

/** As YAML would write them. */
function combinations(
  names: readonly string[],
  specs: Specs,
): readonly Readonly<Record<string, ParamValue>>[] {
  return names.reduce<readonly Readonly<Record<string, ParamValue>>[]>(
    (soFar, name) =>
      endsOf(specs[name]).flatMap((value) => soFar.map((one) => ({ ...one, [name]: value }))),
    names.length === 0 ? [] : [{}],
  );
}

function endsOf(spec: ParamSpec | undefined): readonly ParamValue[] {
  if (spec === undefined || spec.type === "string") return [];
  if (spec.type === "bool") return [false, true];
  return [spec.min ?? spec.default, spec.max ?? spec.default];
}

function referencesIn(options: Options): ReadonlySet<string> {
  const found = new Set<string>();
  replaced(options, (name) => {
    found.add(name);
    return null;
  });
  return found;
}

/** A copy in which each `params.<name>` is what `by` gives for it. */
const replaced = (options: Options, by: (name: string) => unknown): Options =>
  Object.fromEntries(Object.entries(options).map(([key, value]) => [key, replacedIn(value, by)]));

function replacedIn(value: unknown, by: (name: string) => unknown): unknown {
  if (typeof value === "string") {
    const name = REFERENCE.exec(value)?.[1];
    return name === undefined ? value : by(name);
  }
  if (Array.isArray(value)) return value.map((item: unknown) => replacedIn(item, by));
  return typeof value === "object" && value !== null ? replaced({ ...value }, by) : value;
}
