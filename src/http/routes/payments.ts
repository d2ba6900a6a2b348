/** Payments that were tried too often and wait for people. What a payment is charged with never comes here. */
import { createRoute, z } from "@hono/zod-openapi";
import type { DeadPayment, RetryQueue } from "../../payments/retry-queue.ts";
import { answers, forRole, problems, takes, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { idempotencyHeaders } from "../idempotency.ts";
import { Problem } from "../problems.ts";
import { LIST_LIMIT_MAX, listOf, moment, text } from "../schemas.ts";
import { iso } from "../times.ts";
import { say } from "../../shared/log.ts";

const ofPayment = z.object({
  key: z.string().regex(/^[\w.:-]{1,120}$/, "write the order's key"),
});

const deadPayment = z
  .object({
    key: z.string(),
    /** In minor units. */
    amount: z.int(),
    currency: z.string(),
    attempts: z.int(),
    deadAt: moment,
    /** The provider that was asked to charge it and has not said what became of it. */
    asked: z.string().nullable(),
    failure: z.string().nullable(),
    /** The order was taken before it was paid. */
    isDeferred: z.boolean(),
  })
  .openapi("DeadPayment");

const letters = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/payments/dead-letters",
  tags: ["payments"],
  summary: "List payments that were given up",
  request: {
    query: z.object({ limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(100) }),
  },
  responses: { 200: answers(listOf(deadPayment), "Longest given up first"), ...problems },
});

const driven = answers(z.object({ redriven: z.int() }), "How many are tried again");

const redriveAll = createRoute({
  ...forRole("responder"),
  method: "post",
  path: "/api/v1/payments/redrive",
  tags: ["payments"],
  summary: "Try the longest given up again, at most a hundred",
  request: { headers: idempotencyHeaders },
  responses: { 200: driven, ...problems },
});

const redrive = createRoute({
  ...forRole("responder"),
  method: "post",
  path: "/api/v1/payments/dead-letters/{key}/redrive",
  tags: ["payments"],
  summary: "Try one again",
  description: "One that is no longer given up is none to try: 0.",
  request: { params: ofPayment, headers: idempotencyHeaders },
  responses: { 200: driven, ...problems },
});

const discard = createRoute({
  ...forRole("admin"),
  method: "post",
  path: "/api/v1/payments/dead-letters/{key}/discard",
  tags: ["payments"],
  summary: "Drop one for good",
  description: "Nobody is told, and nothing is booked: settle the order in your own books first.",
  request: {
    params: ofPayment,
    headers: idempotencyHeaders,
    body: takes(z.strictObject({ why: text.max(500) })),
  },
  responses: {
    200: answers(z.object({ discarded: z.boolean() }), "Whether it was there"),
    ...problems,
  },
});

export function paymentRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(letters, async (c) => {
    const { limit } = c.req.valid("query");
    const items = answered(await queueOf(deps).dead(0, limit)).map(present);
    return c.json({ items, next: null }, 200);
  });

  api.openapi(redriveAll, async (c) =>
    c.json({ redriven: answered(await queueOf(deps).redrive(null)) }, 200),
  );

  api.openapi(redrive, async (c) => {
    const { key } = c.req.valid("param");
    return c.json({ redriven: answered(await queueOf(deps).redrive(key)) }, 200);
  });

  api.openapi(discard, async (c) => {
    const { key } = c.req.valid("param");
    const discarded = answered(await queueOf(deps).discard(key));
    // What is gone must be findable afterwards: that it was, by whom, and why.
    const { why } = c.req.valid("json");
    const by = c.var.caller.name;
    say("info", { part: "payments", deadPayment: "discarded", key, discarded, by, why });
    return c.json({ discarded }, 200);
  });
}

function queueOf({ payments }: HttpDeps): RetryQueue {
  if (payments !== null) return payments;
  throw new Problem("not-found", "site.yaml says nothing of payments, or Redis is not configured.");
}

function answered<T>(answer: T | null): T {
  if (answer !== null) return answer;
  throw new Problem("unavailable", "Redis does not answer for the queue.");
}

const present = ({ key, job, attempts, deadAtMs }: DeadPayment): z.infer<typeof deadPayment> => ({
  key,
  amount: job.payment.amount,
  currency: job.payment.currency,
  attempts,
  deadAt: iso(deadAtMs),
  asked: job.asked,
  failure: job.failure,
  isDeferred: job.isDeferred,
});
