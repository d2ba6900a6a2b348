/** Reads a policy that came over the wire, from a version before or after this one. */
import { err, type Result } from "../shared/result.ts";
import { object, whole } from "../shared/shape.ts";
import { POLICY_FORMAT, policy, type Policy } from "./policy.ts";

/** `unknown_format`: written by a version this one cannot read; `malformed`: by nothing that we know. */
export type PolicyRefusal = "unknown_format" | "malformed";

const formatted = object({ format: whole() });

/** Fields that it does not know are dropped and entries of unknown kinds kept; anything else that does not fit is refused whole. */
export function readPolicy(wire: unknown): Result<Policy, PolicyRefusal> {
  const format = formatted(wire);
  if (!format.ok) return err("malformed");
  if (format.value.format !== POLICY_FORMAT) return err("unknown_format");
  const read = policy(wire);
  return read.ok ? read : err("malformed");
}
