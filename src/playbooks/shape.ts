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
        isKey: true,
      }));
    }
    case "invalid_key":
      return issue.issues.map(({ message }) => ({ path, message, isKey: true }));
    case "invalid_union":
      return unionProblems(issue, schema, value);
    default:
      return [{ path, message: withValue(plainMessage(issue), issue, valueAt(value, path)) }];
  }
}

/** Of the forms that a value may have, reports the one it comes nearest to; all of them when none is nearer. */
function unionProblems(
  issue: Issue & { readonly code: "invalid_union" },
  schema: z.ZodType,
  value: unknown,
): readonly Problem[] {
  const path = pathOf(issue);
  const given = valueAt(value, path);
  if (issue.errors.length === 0) {
    const message = `expected one of ${optionsAt(schema, path, value).join(", ")}`;
    return [{ path, message: withValue(message, issue, given) }];
  }
  const nearness = issue.errors.map((branch) => Math.max(...branch.map((one) => nearnessOf(one))));
  const nearest = issue.errors
    .filter((_, index) => nearness[index] === Math.max(...nearness))
    .flatMap((branch) => branch);
  if (nearest.some((one) => one.path.length > 0 || one.code === "unrecognized_keys")) {
    return nearest.flatMap((one) =>
      problemsOf({ ...one, path: [...path, ...one.path] }, schema, value),
    );
  }
  const messages = [...new Set(nearest.map((one) => plainMessage(one)))].join(", or ");
  return [{ path, message: withValue(messages, nearest[0] ?? issue, given) }];
}

function nearnessOf(issue: Issue): number {
  return issue.code === "custom" || issue.code === "unrecognized_keys" || issue.path.length > 0
    ? 2
    : 1;
}

function plainMessage(issue: Issue): string {
  switch (issue.code) {
    case "too_small":
      return issue.minimum === 1 && unitOf(issue.origin) !== ""
        ? "must not be empty"
        : `must have at least ${issue.minimum} ${unitOf(issue.origin)}`.trimEnd();
    case "too_big":
      return `must have at most ${issue.maximum} ${unitOf(issue.origin)}`.trimEnd();
    case "invalid_value":
      return issue.values.length === 1
        ? `must be ${String(issue.values[0])}`
        : `must be one of ${issue.values.map(String).join(", ")}`;
    default:
      return issue.message.replace(/^Invalid input: /, "");
  }
}

function unitOf(origin: string): string {
  switch (origin) {
    case "string":
      return "characters";
    case "array":
      return "items";
    default:
      return "";
  }
}

/** Adds what stands there, where the message does not say it and it is short enough to show. */
function withValue(message: string, issue: Issue, given: unknown): string {
  if (given === undefined) return "this key is required";
  const isOneValue = ["string", "number", "boolean"].includes(typeof given);
  if (!isOneValue || given === "" || issue.code === "custom") return message;
  const text = JSON.stringify(given);
  const shown = text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}…`;
  return `${message}; it is ${shown}`;
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
