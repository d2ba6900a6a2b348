/** Square's Payments, as far as a shop uses them: the idempotency key stands in the body, amounts in minor units, errors in a list. */
import { Hono } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const PAYMENTS_MAX = 10_000;
/** Square's own name for a card that is always declined. */
const DECLINED_CARD = "cnon:card-nonce-declined";

const asked = z.strictObject({
  source_id: z.string().startsWith("cnon:"),
  idempotency_key: z.string().min(1).max(45),
  amount_money: z.strictObject({
    amount: z.int().min(0),
    currency: z.string().regex(/^[A-Z]{3}$/),
  }),
  reference_id: z.string().min(1).max(40),
  autocomplete: z.literal(true),
});
const listed = z.strictObject({
  begin_time: z.iso.datetime(),
  sort_order: z.literal("DESC"),
  limit: z.string().regex(/^([1-9]\d?|100)$/),
  cursor: z.string().optional(),
});

type SquarePayment = {
  readonly id: string;
  readonly status: "COMPLETED" | "FAILED";
  readonly created_at: string;
  readonly reference_id: string;
  readonly amount_money: { readonly amount: number; readonly currency: string };
};
type Kept = { readonly params: string; readonly status: number; readonly body: unknown };

export function squareApi(account: { readonly token: string }): Vendor {
  const payments: SquarePayment[] = [];
  const kept = new Map<string, Kept>();
  const app = new Hono();

  app.use(async function authorize(c, next) {
    if (c.req.header("authorization") !== `Bearer ${account.token}`) {
      return c.json(failures("AUTHENTICATION_ERROR", "UNAUTHORIZED"), 401);
    }
    if (!/^\d{4}-\d{2}-\d{2}$/.test(c.req.header("square-version") ?? "")) {
      return c.json(failures("INVALID_REQUEST_ERROR", "BAD_REQUEST"), 400);
    }
    return next();
  });

  app.post("/v2/payments", async (c) => {
    const params = await c.req.text();
    const isJson = c.req.header("content-type")?.startsWith("application/json") === true;
    const read = asked.safeParse(isJson ? JSON.parse(params) : null);
    if (!read.success) return c.json(failures("INVALID_REQUEST_ERROR", "BAD_REQUEST"), 400);
    const { idempotency_key: key, source_id: source, ...rest } = read.data;
    const known = kept.get(key);
    if (known !== undefined) {
      return known.params === params
        ? Response.json(known.body, { status: known.status })
        : c.json(failures("INVALID_REQUEST_ERROR", "IDEMPOTENCY_KEY_REUSED"), 400);
    }
    if (payments.length >= PAYMENTS_MAX) {
      return c.json(failures("API_ERROR", "INTERNAL_SERVER_ERROR"), 500);
    }
    const isDeclined = source === DECLINED_CARD;
    const payment: SquarePayment = {
      id: crypto.randomUUID().replaceAll("-", ""),
      status: isDeclined ? "FAILED" : "COMPLETED",
      created_at: new Date().toISOString(),
      reference_id: rest.reference_id,
      amount_money: rest.amount_money,
    };
    payments.push(payment);
    const answer: Kept = isDeclined
      ? { params, status: 400, body: failures("PAYMENT_METHOD_ERROR", "CARD_DECLINED") }
      : { params, status: 200, body: { payment } };
    kept.set(key, answer);
    return Response.json(answer.body, { status: answer.status });
  });

  app.get("/v2/payments", (c) => {
    const read = listed.safeParse(c.req.query());
    if (!read.success) return c.json(failures("INVALID_REQUEST_ERROR", "BAD_REQUEST"), 400);
    const { begin_time: since, limit, cursor } = read.data;
    const newest = payments.toReversed().filter(({ created_at: at }) => at >= since);
    const from = Number(cursor ?? 0);
    const next = from + Number(limit);
    return c.json({
      payments: newest.slice(from, next),
      ...(next < newest.length ? { cursor: String(next) } : {}),
    });
  });

  app.get("/v2/locations", (c) => c.json({ locations: [] }));
  app.notFound((c) => c.json(failures("INVALID_REQUEST_ERROR", "NOT_FOUND"), 404));

  return {
    name: "square-api",
    fetch: (request) => app.fetch(request),
    state: () => ({
      charges: payments
        .filter(({ status }) => status === "COMPLETED")
        .map(({ id, reference_id: order, amount_money: { amount, currency } }) => ({
          id,
          order,
          amount,
          currency: currency.toLowerCase(),
        })),
    }),
    reset() {
      payments.length = 0;
      kept.clear();
    },
  };
}

const failures = (category: string, code: string) => ({ errors: [{ category, code }] });
