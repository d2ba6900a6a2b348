/** The id of what a request asks for: the same `Idempotency-Key` asks for the same thing, and gets the same answer. */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { z } from "zod";
import { readStart } from "../platform/bounded-body.ts";
import { sha256Hex } from "../shared/ids.ts";
import type { HttpEnv } from "./auth.ts";
import type { HttpDeps } from "./deps.ts";
import { Problem } from "./problems.ts";

/** For every route that takes a command. */
export const idempotencyHeaders = z.object({
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, "write 1 to 200 visible ASCII characters")
    .optional()
    .describe(
      "The same key, caller and path: the same answer, done once; with another body, a problem",
    ),
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

/** As much of a body as tells one from another; of a longer one this start, and its length. */
const FINGERPRINT_BYTES_MAX = 1024 * 1024;

/**
 * Refuses a key that came before with another body: it was meant for something else. The button must work while the desk does not,
 * so that what cannot be looked up goes on; commands know their own repetitions.
 */
export const idempotent = (deps: Pick<HttpDeps, "desk" | "now">) =>
  createMiddleware<HttpEnv>(async function idempotent(c, next) {
    const isKeyed = c.req.header("idempotency-key") !== undefined;
    if (!isKeyed || c.req.method === "GET" || c.req.method === "HEAD") return next();
    const asked = await readStart(c.req.raw.clone(), FINGERPRINT_BYTES_MAX);
    const bytes = Number(c.req.header("content-length") ?? 0);
    const length = bytes > FINGERPRINT_BYTES_MAX ? [bytes] : [];
    const fingerprint = sha256Hex(JSON.stringify([new URL(c.req.url).search, asked, ...length]));
    const id = requestId(c, "req", (prefix) => prefix);
    const first = await deps.desk.once(id, fingerprint, deps.now()).catch(() => null);
    if (first !== null && !first.isSame) {
      throw new Problem(
        "idempotency-conflict",
        "This Idempotency-Key came before, with another body; use a new key for a new request.",
      );
    }
    c.set("firstAtMs", first?.firstAtMs);
    await next();
  });
