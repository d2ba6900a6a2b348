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

/** What the params are worth at `nowMs`: the defaults, under the overrides that have not expired. */
export function effectiveParams(
  specs: Readonly<Record<string, ParamSpec>>,
  overrides: readonly Override[],
  nowMs: number,
): Params {
  const effective: Record<string, ParamValue> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const override = overrides.findLast(
      (candidate) => candidate.param === name && candidate.expiresAtMs > nowMs,
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
    case "duration": {
      const parsed = typeof value === "string" ? parseDuration(value) : null;
      if (parsed === null) return `${given} is not a duration such as "90s"`;
      if (!parsed.ok) return `${name}: ${parsed.error}`;
      return outOfRange(given, parsed.value, literalMs(spec.min), literalMs(spec.max), spec);
    }
    case "int":
    case "double": {
      if (typeof value !== "number" || !Number.isFinite(value)) return `${given} is not a number`;
      if (spec.type === "int" && !Number.isInteger(value)) return `${given} is not a whole number`;
      return outOfRange(given, value, spec.min, spec.max, spec);
    }
  }
}

function outOfRange(
  given: string,
  value: number,
  min: number | undefined,
  max: number | undefined,
  spec: ParamSpec & { readonly min?: unknown; readonly max?: unknown },
): string | null {
  const isInside = value >= (min ?? -Infinity) && value <= (max ?? Infinity);
  return isInside ? null : `${given} is outside ${spec.min ?? "any"} to ${spec.max ?? "any"}`;
}

const literalMs = (text: string | undefined): number | undefined =>
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
