/** Checks a value against a schema and says what is wrong in the words of the person who wrote the file. */
import { z } from "zod";
import { err, ok, type Result } from "../shared/result.ts";
import { suggest } from "../shared/suggest.ts";
import type { Path, Problem } from "./problem.ts";

const SHOWN_LENGTH_MAX = 60;

/** The value as the schema gives it, defaults filled in, or everything that is wrong with it. */
export function checkShape<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): Result<z.output<Schema>, readonly Problem[]> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  return err(parsed.error.issues.flatMap((issue) => problemsOf(issue, schema, value)));
}

type Issue = z.core.$ZodIssue;

function problemsOf(issue: Issue, schema: z.ZodType, value: unknown): readonly Problem[] {
  const path = pathOf(issue);
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = keysAt(schema, path, value);
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown key "${key}"; ${suggest(key, known)}`,
      }));
    }
    case "invalid_key":
      return issue.issues.map(({ message }) => ({ path, message: `this key: ${message}` }));
    case "invalid_union":
      return unionProblems(issue, schema, value);
    case "custom":
      return [{ path, message: issue.message }];
    default:
      return [{ path, message: plainMessage(issue, valueAt(value, path)) }];
  }
}

/** Of the forms that a value may have, reports the one it comes nearest to; all of them when none is nearer. */
function unionProblems(
  issue: Issue & { readonly code: "invalid_union" },
  schema: z.ZodType,
  value: unknown,
): readonly Problem[] {
  const path = pathOf(issue);
  if (issue.errors.length === 0) {
    const options = optionsAt(schema, path, value);
    const given = shown(valueAt(value, path));
    return [{ path, message: `expected one of ${options.join(", ")}; it is ${given}` }];
  }
  const nearness = issue.errors.map((branch) => Math.max(...branch.map((one) => nearnessOf(one))));
  const nearest = Math.max(...nearness);
  const problems = issue.errors
    .filter((_, index) => nearness[index] === nearest)
    .flatMap((branch) => branch)
    .flatMap((one) => problemsOf({ ...one, path: [...path, ...one.path] }, schema, value));
  const isOneValue = problems.every((problem) => problem.path.length === path.length);
  if (!isOneValue) return problems;
  return [{ path, message: [...new Set(problems.map(({ message }) => message))].join(", or ") }];
}

function nearnessOf(issue: Issue): number {
  if (issue.code === "custom") return 2;
  return issue.code === "unrecognized_keys" || issue.path.length > 0 ? 2 : 1;
}

function plainMessage(issue: Issue, given: unknown): string {
  if (given === undefined) return "this key is required";
  const message = issue.message.replace(/^Invalid (?:input|option): /, "");
  return `${message}; it is ${shown(given)}`;
}

function shown(given: unknown): string {
  const text = JSON.stringify(given) ?? "missing";
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}…`;
}

const pathOf = (issue: Issue): Path =>
  issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));

function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, part))
      return undefined;
    found = Object.getOwnPropertyDescriptor(found, part)?.value;
  }
  return found;
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The keys that the schema knows at a path, of the form that the value has there. */
const keysAt = (schema: z.ZodType, path: Path, value: unknown): readonly string[] => [
  ...new Set(
    schemasAt(schema, path, value).flatMap(({ properties }) => Object.keys(properties ?? {})),
  ),
];

/** The constants that the schema knows at a path. */
function optionsAt(schema: z.ZodType, path: Path, value: unknown): readonly string[] {
  const key = String(path.at(-1));
  return schemasAt(schema, path.slice(0, -1), value).flatMap(({ properties }) => {
    const option = properties?.[key];
    return typeof option === "object" ? [String(option.const)] : [];
  });
}

/** Follows a path through the published JSON Schema, through every form a value may have. */
function schemasAt(schema: z.ZodType, path: Path, value: unknown): readonly JsonSchema[] {
  let schemas = forms(z.toJSONSchema(schema, { io: "input" }), value);
  let here = value;
  for (const part of path) {
    here = valueAt(here, [part]);
    schemas = schemas.flatMap((one) => stepInto(one, part)).flatMap((one) => forms(one, here));
  }
  return schemas;
}

function stepInto(schema: JsonSchema, part: string | number): readonly JsonSchema[] {
  const { properties, additionalProperties, items } = schema;
  const next = [
    typeof part === "number" ? items : (properties?.[part] ?? additionalProperties),
  ].flat();
  return next.filter((one): one is JsonSchema => typeof one === "object");
}

/** The alternatives of a schema, without those whose `type` key names something else than the value's does. */
function forms(schema: JsonSchema, value: unknown): readonly JsonSchema[] {
  const alternatives = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])];
  if (alternatives.length === 0) return [schema];
  const type = valueAt(value, ["type"]);
  const options = alternatives.filter((one): one is JsonSchema => typeof one === "object");
  const named = options.filter(({ properties }) => {
    const own = properties?.["type"];
    return typeof own === "object" && own.const === type;
  });
  return named.length > 0 ? named : options;
}
