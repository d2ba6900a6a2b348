/**
 * CEL over what a webhook sends, as `site.yaml` maps it: `body` is the delivery, `item` the part of it that is one alert. Unlike the
 * expressions of playbooks it may use all of CEL: what it cannot read is a delivery refused, never a signal.
 */
import { Environment, ParseError } from "@marcbachmann/cel-js";
import { err, ok, type Result } from "../shared/result.ts";

export const MAPPING_LENGTH_MAX = 500;
const LIMITS = {
  maxAstNodes: 100,
  maxDepth: 16,
  maxListElements: 16,
  maxMapEntries: 16,
  maxCallArguments: 8,
};
const CEL = new Environment({ limits: LIMITS })
  .registerVariable("body", "dyn")
  .registerVariable("item", "dyn");

export type MappingType = "bool" | "string" | "list" | "any";
/** Both as `inCel` gives them. */
export type Mapped = { readonly body: unknown; readonly item: unknown };
type Program = (given: Mapped) => Result<unknown, string>;

/** Expressions are `site.yaml`'s, and few; each is read once. */
const PROGRAMS_KEPT_MAX = 512;
const programs = new Map<string, Result<Program, string>>();

/** What is wrong with the expression, in words; null when nothing is. */
export function mappingProblem(source: string, type: MappingType): string | null {
  const read = readMapping(source);
  if (!read.ok) return read.error;
  const checked = CEL.check(source);
  if (!checked.valid) return checked.error?.message.split("\n")[0] ?? "wrong types";
  const isRight = type === "any" || checked.type === type || checked.type === "dyn";
  return isRight ? null : `the expression must be a ${type}, it is ${String(checked.type)}`;
}

/** What the expression is worth; a refusal says why, without repeating what was sent. */
export function readMapping(source: string): Result<Program, string> {
  const known = programs.get(source);
  if (known !== undefined) return known;
  const read = compile(source);
  if (programs.size < PROGRAMS_KEPT_MAX) programs.set(source, read);
  return read;
}

function compile(source: string): Result<Program, string> {
  let program: ReturnType<typeof CEL.parse>;
  try {
    program = CEL.parse(source);
  } catch (error) {
    if (error instanceof ParseError) return err(error.summary);
    throw error;
  }
  return ok((given) => {
    try {
      return ok(program(given));
    } catch {
      // The library's message quotes values.
      return err(`${source} cannot be read from it`);
    }
  });
}

/** What was sent as CEL has it: JSON's whole numbers are its ints, so that `== 2` means what it says. Once for each delivery. */
export function inCel(value: unknown): unknown {
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map(inCel);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inCel(inner)]));
}
