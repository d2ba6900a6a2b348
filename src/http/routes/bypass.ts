/** Lets a person through to production while everybody else sees the guard's page. */
import { createRoute, z } from "@hono/zod-openapi";
import { BYPASS_COOKIE, BYPASS_HEADER, BYPASS_LIFE_MS_MAX, mintToken } from "../../guard/signed.ts";
import { instanceOf } from "../../playbooks/site.ts";
import { answers, forRole, problems, takes, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { idempotencyHeaders } from "../idempotency.ts";
import { Problem } from "../problems.ts";
import { durationBetween, moment, text } from "../schemas.ts";
import { iso } from "../times.ts";
import { say } from "../../shared/log.ts";

const LIFE_MS_MIN = 60_000;

const bypass = z
  .object({
    token: z.string(),
    /** Send the token in this header, … */
    header: z.string(),
    /** … or set it as this cookie in the browser. */
    cookie: z.string(),
    expiresAt: moment,
  })
  .openapi("Bypass");

const mint = createRoute({
  ...forRole("responder"),
  method: "post",
  path: "/api/v1/bypass",
  tags: ["policy"],
  summary: "Mint an operator's bypass: short-lived, signed, bound to the caller",
  request: {
    headers: idempotencyHeaders,
    body: takes(
      z.strictObject({
        reason: text.max(500),
        for: durationBetween(LIFE_MS_MIN, BYPASS_LIFE_MS_MAX),
      }),
    ),
  },
  responses: { 200: answers(bypass, "The bypass"), ...problems },
});

export function bypassRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(mint, async (c) => {
    const [key] = deps.signingKeys;
    if (key === undefined) throw new Problem("not-configured", "SIGNING_KEYS is not set.");
    const { reason, for: forMs } = c.req.valid("json");
    // Asked again, it is the same bypass, and ends when it would have ended.
    const exp = (c.var.firstAtMs ?? deps.now()) + forMs;
    const sub = c.var.caller.name;
    const token = await mintToken(key, {
      instance: instanceOf(deps.bundle.site),
      kind: "bypass",
      sub,
      exp,
    });
    // Who went around the guard, and why, must be findable afterwards; the token itself must not.
    say("info", { part: "http", bypass: "minted", by: sub, reason, expiresAt: iso(exp) });
    const cookie = `${BYPASS_COOKIE}=${token}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${Math.floor(forMs / 1_000)}`;
    return c.json({ token, header: BYPASS_HEADER, cookie, expiresAt: iso(exp) }, 200);
  });
}
