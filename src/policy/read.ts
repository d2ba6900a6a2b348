/** Reads a policy that came over the wire, from a version before or after this one. */
import * as z from "zod/mini";
import { err, ok, type Result } from "../shared/result.ts";
import { POLICY_FORMAT, policy, type Policy } from "./policy.ts";

/** `unknown_format`: written by a version this one cannot read; `malformed`: by nothing that we know. */
export type PolicyRefusal = "unknown_format" | "malformed";

/** Fields that it does not know are dropped and entries of unknown kinds kept; anything else that does not fit is refused whole. */
const formatted = z.object({ format: z.int() });

export function readPolicy(wire: unknown): Result<Policy, PolicyRefusal> {
  const format = formatted.safeParse(wire);
  if (!format.success) return err("malformed");
  if (format.data.format !== POLICY_FORMAT) return err("unknown_format");
  const parsed = policy.safeParse(wire);
  return parsed.success ? ok(parsed.data) : err("malformed");
}
