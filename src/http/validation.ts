/** Says what is wrong with a request: every field, what it was, and what is allowed. */
import type { z } from "zod";
import { redact } from "../shared/redact.ts";

const SHOWN_MAX = 80;
export const FIELD_ERRORS_MAX = 50;

export type FieldError = {
  /** `body.lease`, `query.limit`. */
  readonly field: string;
  /** What was sent, cut short; absent when nothing was sent, or when showing it would be unwise. */
  readonly value?: string | number | boolean | null;
  readonly message: string;
  readonly allowed?: string;
};

type Issue = z.core.$ZodIssue;

/** One entry per thing that is wrong; `given` is what was parsed. */
export const fieldErrors = (
  where: string,
  issues: readonly Issue[],
  given: unknown,
): readonly FieldError[] =>
  issues.flatMap((issue) => errorsOf(where, issue, given)).slice(0, FIELD_ERRORS_MAX);

function errorsOf(where: string, issue: Issue, given: unknown): readonly FieldError[] {
  const field = [where, ...issue.path.map(String)].join(".");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      field: `${field}.${key.slice(0, SHOWN_MAX)}`,
      message: "there is no such field",
    }));
  }
  const value = shown(valueAt(given, issue.path));
  const allowed = allowedBy(issue);
  return [
    {
      field,
      ...(value === undefined ? {} : { value }),
      message: issue.message,
      ...(allowed === null ? {} : { allowed }),
    },
  ];
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  let value = given;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** Short scalars only: what is long or nested is not worth repeating, and may be a secret pasted by mistake. */
function shown(value: unknown): FieldError["value"] | undefined {
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  return typeof value === "string" && value.length <= SHOWN_MAX && !looksSecret(value)
    ? value
    : undefined;
}

/** Tokens and keys are long runs of letters and digits mixed, and connection strings hold a password. */
const looksSecret = (text: string): boolean =>
  redact(text) !== text ||
  (text.match(RUN) ?? []).some((run) => /\d/.test(run) && /[a-z]/i.test(run));

const RUN = /[\w+/=-]{20,}/g;

function allowedBy(issue: Issue): string | null {
  switch (issue.code) {
    case "too_small":
      return `${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}${unitOf(issue.origin)}`;
    case "too_big":
      return `${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}${unitOf(issue.origin)}`;
    case "invalid_value":
      return issue.values.map(String).join(", ");
    case "invalid_type":
      return issue.expected;
    case "invalid_format":
      return issue.format;
    case "custom":
      return typeof issue.params?.["allowed"] === "string" ? issue.params["allowed"] : null;
    default:
      return null;
  }
}

const unitOf = (origin: string): string =>
  origin === "string" ? " characters" : origin === "array" ? " items" : "";
