/** Parameters: the defaults of a playbook, and the overrides that people put over them for a while. */
import type { ParamSpec } from "./schema.ts";
import { parseDuration } from "../shared/duration.ts";
import { assert } from "../shared/assert.ts";

/** Durations are milliseconds here. */
export type ParamValue = number | boolean | string;
export type Params = Readonly<Record<string, ParamValue>>;

/** A change without a deploy; it always expires. `playbook` is a playbook's id, or `site`. */
export type Override = {
  readonly playbook: string;
  /** A param's name, or `mode`, whose values are `on`, `shadow` and `off`. */
  readonly param: string;
  /** As it would be written in YAML: durations are text. */
  readonly value: ParamValue;
  readonly by: string;
  readonly reason: string;
  readonly expiresAtMs: number;
};

/**
 * What the params are worth at `nowMs`: the defaults, under the overrides that have not expired. One that was right when it was
 * set, and that the param as now deployed no longer takes, counts for nothing: it must not stop the loop that reads it.
 */
export function effectiveParams(
  specs: Readonly<Record<string, ParamSpec>>,
  overrides: readonly Override[],
  nowMs: number,
): Params {
  const effective: Record<string, ParamValue> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const override = overrides.findLast(
      (candidate) =>
        candidate.param === name &&
        candidate.expiresAtMs > nowMs &&
        problemWithValue(name, spec, candidate.value) === null,
    );
    effective[name] = inMemory(spec, override?.value ?? spec.default);
  }
  return effective;
}

/** Says what is wrong with a value for a param, or null. Names the param, the value and the allowed range. */
export function problemWithValue(name: string, spec: ParamSpec, value: unknown): string | null {
  const given = `${name}: ${JSON.stringify(value)}`;
  switch (spec.type) {
    case "bool":
      return typeof value === "boolean" ? null : `${given} is not true or false`;
    case "string":
      return typeof value === "string" ? null : `${given} is not text`;
    case "duration":
      return problemWithDuration(name, spec, value);
    case "int":
    case "double": {
      if (typeof value !== "number" || !Number.isFinite(value)) return `${given} is not a number`;
      if (spec.type === "int" && !Number.isInteger(value)) return `${given} is not a whole number`;
      return isWithin(value, spec) ? null : outside(given, spec);
    }
  }
}

function problemWithDuration(name: string, spec: Range<string>, value: unknown): string | null {
  const given = `${name}: ${JSON.stringify(value)}`;
  if (typeof value !== "string") return `${given} is not a duration such as "90s"`;
  const parsed = parseDuration(value);
  if (!parsed.ok) return `${name}: ${parsed.error}`;
  const range = { min: boundMs(spec.min), max: boundMs(spec.max) };
  return isWithin(parsed.value, range) ? null : outside(given, spec);
}

type Range<Bound> = { readonly min?: Bound | undefined; readonly max?: Bound | undefined };

const isWithin = (value: number, { min, max }: Range<number>): boolean =>
  value >= (min ?? -Infinity) && value <= (max ?? Infinity);

const outside = (given: string, { min, max }: Range<number | string>): string =>
  `${given} is outside ${min ?? "any"} to ${max ?? "any"}`;

const boundMs = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : durationMs(text);

const inMemory = (spec: ParamSpec, value: ParamValue): ParamValue =>
  spec.type === "duration" ? durationMs(String(value)) : value;

/** A duration that the schema has already accepted. */
function durationMs(text: string): number {
  const parsed = parseDuration(text);
  assert(parsed.ok, "a duration past the schema parses");
  return parsed.value;
}

/** Resolves what a playbook writes where a duration stands: `"90s"`, or `params.hold`. */
export function resolveDuration(written: string, params: Params): number {
  if (!written.startsWith("params.")) return durationMs(written);
  const value = params[written.slice("params.".length)];
  assert(typeof value === "number", `${written} is a duration param`);
  return value;
}
