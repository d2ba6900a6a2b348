/** Who is calling, and what they may do. Tokens are configured as hashes; every one is compared, in constant time. */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { z } from "zod";
import type { Actor } from "../incidents/journal.ts";
import { equalInConstantTime } from "../shared/equal.ts";
import { sha256Hex } from "../shared/ids.ts";
import { Problem } from "./problems.ts";

/** From least to most; each may do what those before it may. */
export const ROLES = ["viewer", "responder", "admin"] as const;
export type Role = (typeof ROLES)[number];

export const TOKENS_MAX = 100;

/** One entry of the `API_TOKENS` secret. */
export const apiToken = z.strictObject({
  /** Whose it is: the actor's id in the journal. */
  name: z.string().trim().min(1).max(120),
  role: z.enum(ROLES),
  /** Hex SHA-256 of the token. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "write the SHA-256 of the token, in lower-case hex"),
});
export const apiTokens = z.array(apiToken).max(TOKENS_MAX);
export type ApiToken = z.infer<typeof apiToken>;

export type Caller = { readonly name: string; readonly role: Role };
export type HttpEnv = {
  Variables: {
    caller: Caller;
    /** With an `Idempotency-Key`: when the request first came, which may be now. Unset without one. */
    firstAtMs: number | undefined;
  };
};

/**
 * Lets known tokens through, and says no more than "no" to all others.
 *
 * @param bySession Whose browser it is: for reading only, as a browser sends its cookie along with what others made it ask.
 */
export const authenticate = (
  tokens: readonly ApiToken[],
  bySession: (c: Context<HttpEnv>) => Promise<Caller | null>,
) =>
  createMiddleware<HttpEnv>(async function authenticate(c, next) {
    const isReading = c.req.method === "GET" || c.req.method === "HEAD";
    const shown = c.req.header("authorization");
    const caller = shown === undefined && isReading ? await bySession(c) : callerOf(shown, tokens);
    if (caller === null) throw new Problem("unauthorized", "A valid bearer token is needed.");
    c.set("caller", caller);
    await next();
  });

/** Lets callers of this role, or a higher one, through. */
export const requireRole = (role: Role) =>
  createMiddleware<HttpEnv>(async function requireRole(c, next) {
    const { caller } = c.var;
    if (ROLES.indexOf(caller.role) < ROLES.indexOf(role)) {
      throw new Problem("forbidden", `This needs the role ${role}; the token's is ${caller.role}.`);
    }
    await next();
  });

/** The caller, as the journal names who did something. */
export const actorOf = (caller: Caller): Actor => ({ kind: "person", id: caller.name });

/** Whose token the header carries, or null. */
export function callerOf(
  authorization: string | undefined,
  tokens: readonly ApiToken[],
): Caller | null {
  const [, token] = /^Bearer +(\S{1,512})$/i.exec(authorization ?? "") ?? [];
  const digest = sha256Hex(token ?? "");
  let caller: Caller | null = null;
  // No early exit: how long this takes says nothing about which token was near.
  for (const { name, role, sha256 } of tokens) {
    if (equalInConstantTime(digest, sha256)) caller ??= { name, role };
  }
  return token === undefined ? null : caller;
}
