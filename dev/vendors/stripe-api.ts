/**
 * Stripe's PaymentIntents, as far as a shop uses them: made and confirmed in one request under an idempotency key, listed newest
 * first. As at Stripe, a key answers as it did the first time, and with other parameters it is an error.
 */
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const INTENTS_MAX = 10_000;
const VERSION = /^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$/;
/** Stripe's own name for a card that is always declined. */
const DECLINED_CARD = "pm_card_chargeDeclined";

const KEY = /^.{1,255}$/;

const digits = z.string().regex(/^\d{1,8}$/);
const asked = z.strictObject({
  amount: digits,
  currency: z.string().regex(/^[a-z]{3}$/),
  confirm: z.literal("true"),
  payment_method: z.string().regex(/^pm_\w+$/),
  "payment_method_types[]": z.literal("card"),
  "metadata[order]": z.string().min(1).max(500),
});
const listed = z.strictObject({
  "created[gte]": z.string().regex(/^\d{10}$/),
  limit: z.string().regex(/^([1-9]\d?|100)$/),
  starting_after: z.string().optional(),
});

type Intent = {
  readonly id: string;
  readonly object: "payment_intent";
  readonly amount: number;
  readonly currency: string;
  readonly created: number;
  readonly status: "succeeded" | "requires_payment_method";
  readonly metadata: { readonly order: string };
};
type Kept = { readonly params: string; readonly status: number; readonly body: unknown };

/** `onCharged` is told of each charge; what it does is nobody's business here. */
export function stripeApi(account: {
  readonly key: string;
  readonly onCharged?: (intent: { readonly id: string; readonly order: string }) => void;
}): Vendor {
  const intents: Intent[] = [];
  const kept = new Map<string, Kept>();
  const app = new Hono();

  app.use(async function authorize(c, next) {
    if (c.req.header("authorization") !== `Bearer ${account.key}`) {
      return c.json(failure("invalid_request_error", "Invalid API Key provided"), 401);
    }
    if (!VERSION.test(c.req.header("stripe-version") ?? "")) {
      return c.json(failure("invalid_request_error", "Invalid Stripe API version"), 400);
    }
    return next();
  });

  app.post("/v1/payment_intents", async (c) => {
    const key = c.req.header("idempotency-key") ?? "";
    const params = await c.req.text();
    const read = asked.safeParse(isForm(c) ? fieldsOf(params) : undefined);
    if (!read.success) {
      return c.json(failure("invalid_request_error", z.prettifyError(read.error)), 400);
    }
    if (!KEY.test(key)) {
      return c.json(failure("invalid_request_error", "send an Idempotency-Key"), 400);
    }
    const known = kept.get(key);
    if (known !== undefined) return again(known, params);
    if (intents.length >= INTENTS_MAX) return c.json(failure("api_error", "full"), 500);
    const intent = intentOf(read.data);
    intents.push(intent);
    const { status, body } = answerOf(intent);
    kept.set(key, { params, status, body });
    if (status === 200) account.onCharged?.({ id: intent.id, order: intent.metadata.order });
    return Response.json(body, { status });
  });

  app.get("/v1/payment_intents", (c) => {
    const read = listed.safeParse(c.req.query());
    if (!read.success) {
      return c.json(failure("invalid_request_error", z.prettifyError(read.error)), 400);
    }
    const { starting_after: after, limit, "created[gte]": since } = read.data;
    const newest = intents.toReversed().filter(({ created }) => created >= Number(since));
    const from = after === undefined ? 0 : newest.findIndex(({ id }) => id === after) + 1;
    const data = newest.slice(from, from + Number(limit));
    return c.json({
      object: "list",
      url: "/v1/payment_intents",
      data,
      has_more: from + data.length < newest.length,
    });
  });

  app.get("/v1/balance", (c) => c.json({ object: "balance", livemode: false }));
  app.notFound((c) => c.json(failure("invalid_request_error", "Unrecognized request URL"), 404));

  return {
    name: "stripe-api",
    fetch: (request) => app.fetch(request),
    state: () => ({
      charges: intents
        .filter(({ status }) => status === "succeeded")
        .map(({ id, amount, currency, metadata: { order } }) => ({ id, order, amount, currency })),
    }),
    reset() {
      intents.length = 0;
      kept.clear();
    },
  };
}

const answerOf = (intent: Intent): Omit<Kept, "params"> =>
  intent.status === "succeeded"
    ? { status: 200, body: intent }
    : {
        status: 402,
        body: failure("card_error", "Your card was declined.", "card_declined"),
      };

const fieldsOf = (params: string) => Object.fromEntries(new URLSearchParams(params));

const again = ({ params, status, body }: Kept, asked: string): Response =>
  params === asked
    ? Response.json(body, { status, headers: { "Idempotent-Replayed": "true" } })
    : Response.json(
        failure("idempotency_error", "Keys can only be used with the same parameters"),
        { status: 400 },
      );

const isForm = (c: Context): boolean =>
  c.req.header("content-type")?.startsWith("application/x-www-form-urlencoded") === true;

const intentOf = (read: z.infer<typeof asked>): Intent => ({
  id: `pi_${crypto.randomUUID().replaceAll("-", "")}`,
  object: "payment_intent",
  amount: Number(read.amount),
  currency: read.currency,
  created: Math.floor(Date.now() / 1_000),
  status: read.payment_method === DECLINED_CARD ? "requires_payment_method" : "succeeded",
  metadata: { order: read["metadata[order]"] },
});

const failure = (type: string, message: string, code?: string) => ({
  error: {
    type,
    message,
    ...(code === undefined ? {} : { code, decline_code: "generic_decline" }),
  },
});
