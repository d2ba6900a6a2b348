/** Integrity checks: what is declared, and a person's word that what one of them finds is right. */
import { createRoute, z } from "@hono/zod-openapi";
import { ACCEPTED_WHY_CHARACTERS_MAX, type Acceptance } from "../../integrity/accepted.ts";
import type { IntegrityCheck } from "../../integrity/check.ts";
import { redact } from "../../shared/redact.ts";
import { answers, forRole, problems, takes, type Api } from "../api-app.ts";
import { actorOf } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { idempotencyHeaders } from "../idempotency.ts";
import { Problem } from "../problems.ts";
import { listOf, moment, text } from "../schemas.ts";
import { iso } from "../times.ts";

const check = z
  .object({
    id: z.string(),
    kind: z.string(),
    /** The last time that a person accepted what it finds. */
    accepted: z.object({ at: moment, by: z.string(), why: z.string() }).nullable(),
  })
  .openapi("IntegrityCheck");

const checks = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/integrity",
  tags: ["integrity"],
  summary: "The declared checks, and what of them a person accepted",
  responses: { 200: answers(listOf(check), "The checks"), ...problems },
});
const accept = createRoute({
  ...forRole("responder"),
  method: "post",
  path: "/api/v1/integrity/{check}/accept",
  tags: ["integrity"],
  summary:
    "Accept what a check finds now: rows that are gone may be, a table that changed was meant to",
  description:
    "A check that counts rows, or compares a table with what it was, fails until the rows are back, the change is undone, or a person accepts it here. Broken rows cannot be accepted.",
  request: {
    params: z.object({ check: z.string().max(60) }),
    headers: idempotencyHeaders,
    body: takes(z.strictObject({ why: text.max(ACCEPTED_WHY_CHARACTERS_MAX) })),
  },
  responses: { 200: answers(check, "Accepted, from its next turn on"), ...problems },
});

export function integrityRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(checks, async (c) => {
    const accepted = await deps.desk.accepted();
    const items = deps.bundle.site.integrity.map(({ id, kind }) =>
      presentCheck({ id, kind }, accepted.find((one) => one.check === id) ?? null),
    );
    return c.json({ items, next: null }, 200);
  });

  api.openapi(accept, async (c) => {
    const declared = acceptable(deps, c.req.valid("param").check);
    const acceptance = {
      check: declared.id,
      atMs: deps.now(),
      by: actorOf(c.var.caller).id,
      why: redact(c.req.valid("json").why),
    };
    await deps.desk.accept(acceptance);
    return c.json(presentCheck(declared, acceptance), 200);
  });
}

type Declared = Pick<IntegrityCheck, "id" | "kind">;

const presentCheck = ({ id, kind }: Declared, accepted: Acceptance | null) => ({
  id,
  kind,
  accepted:
    accepted === null ? null : { at: iso(accepted.atMs), by: accepted.by, why: accepted.why },
});

/** Only what is compared with what was there before can be accepted: of impossible rows there is no before. */
const ACCEPTABLE: ReadonlySet<IntegrityCheck["kind"]> = new Set(["row-count", "checksum"]);

/** @throws {Problem} when no such check is declared, or its kind cannot be accepted. */
function acceptable(deps: HttpDeps, id: string): Declared {
  const declared = deps.bundle.site.integrity;
  const found = declared.find((one) => one.id === id);
  if (found === undefined) throw new Problem("not-found", `There is no integrity check "${id}".`);
  if (ACCEPTABLE.has(found.kind)) return found;
  const allowed = declared.filter(({ kind }) => ACCEPTABLE.has(kind)).map((one) => one.id);
  throw new Problem(
    "invalid-request",
    `The check "${id}" finds rows that should not be there: those are repaired, not accepted.`,
    {
      errors: [
        {
          field: "path.check",
          value: id,
          message: `a check of kind ${found.kind} cannot be accepted`,
          allowed: allowed.join(", ") || "none is declared",
        },
      ],
    },
  );
}
