/** The id of what a request asks for: the same `Idempotency-Key` asks for the same thing, and gets the same answer. */
import type { Context } from "hono";
import { z } from "zod";
import { sha256Hex } from "../shared/ids.ts";
import type { HttpEnv } from "./auth.ts";

/** For every route that takes a command. */
export const idempotencyHeaders = z.object({
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, "write 1 to 200 visible ASCII characters")
    .optional()
    .describe("The same key, caller and path: the same answer, done once"),
});

/** `<prefix>_<…>`: derived from caller, path and key; a new one without a key. */
export function requestId(
  c: Context<HttpEnv>,
  prefix: string,
  newId: (prefix: string) => string,
): string {
  const key = c.req.header("idempotency-key");
  if (key === undefined) return newId(prefix);
  const parts = JSON.stringify([c.var.caller.name, c.req.method, c.req.path, key]);
  return `${prefix}_${sha256Hex(parts).slice(0, 26)}`;
}
