/**
 * The storefront's payment providers, as Firebreak's SDK asks them. Each says what became of a payment only where its provider said so
 * itself; everything else throws, and then nobody knows. What a payment is charged with are the vendors' test cards.
 */
import type { Ask, Charged, Found, Payment, PaymentProvider } from "firebreak/sdk";
import * as z from "zod";
import type { Env } from "./env.ts";

/** More payments than this since an order was made, and its own is not looked for any further. */
const PAGES_MAX = 10;
/** Two clocks may disagree by this much. */
const CLOCK_SKEW_S = 300;
/** Too many requests, and a key that it does not know any more: surely nobody was charged, and all others meet the same. */
const UNAVAILABLE: readonly number[] = [401, 403, 429];

type Sent = {
  readonly method?: "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams;
};

/** When the order was made, in seconds since 1970. */
const madeAt = ({ details }: Payment): number => z.int().parse(details["made_at"]);

const intent = z.object({
  id: z.string(),
  status: z.string(),
  metadata: z.object({ order: z.string() }),
});
const intents = z.object({ data: z.array(intent), has_more: z.boolean() });
const stripeError = z.object({
  error: z.object({ type: z.string(), code: z.string().optional() }),
});

export function stripe(env: Env): PaymentProvider {
  const ask = (path: string, { signal }: Pick<Ask, "signal">, init: Sent = {}) =>
    fetch(`${env.STRIPE_API_URL}${path}`, {
      ...init,
      signal,
      headers: {
        ...init.headers,
        Authorization: `Bearer ${env.STRIPE_API_KEY}`,
        "Stripe-Version": "2026-09-30",
      },
    });
  return {
    id: "stripe",
    async charge(payment, asked): Promise<Charged> {
      const response = await ask("/v1/payment_intents", asked, {
        method: "POST",
        headers: { "Idempotency-Key": asked.idempotencyKey },
        body: new URLSearchParams({
          amount: String(payment.amount),
          currency: payment.currency,
          confirm: "true",
          payment_method: "pm_card_visa",
          "payment_method_types[]": "card",
          "metadata[order]": payment.key,
        }),
      });
      if (UNAVAILABLE.includes(response.status)) return { status: "unavailable" };
      const body: unknown = await response.json();
      if (response.ok) return stateOf(intent.parse(body));
      const { error } = stripeError.parse(body);
      const code = error.code ?? error.type;
      if (error.type === "card_error") return { status: "declined", code };
      if (error.type === "invalid_request_error") return { status: "refused", code };
      throw new Error(`Stripe answered ${response.status}`);
    },
    async find(payment, asked): Promise<Found> {
      const since = madeAt(payment) - CLOCK_SKEW_S;
      let after = "";
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const path = `/v1/payment_intents?created[gte]=${since}&limit=100${after}`;
        const response = await ask(path, asked);
        if (!response.ok) throw new Error(`Stripe answered ${response.status}`);
        const { data, has_more: hasMore } = intents.parse(await response.json());
        const found = data.find(({ metadata }) => metadata.order === payment.key);
        if (found !== undefined) {
          return found.status === "requires_payment_method"
            ? { status: "declined", code: "card_declined" }
            : stateOf(found);
        }
        const last = data.at(-1);
        if (!hasMore || last === undefined) return { status: "none" };
        after = `&starting_after=${last.id}`;
      }
      throw new Error("the payment may be further back");
    },
    probe: async (asked) => {
      const response = await ask("/v1/balance", asked);
      await response.json();
      return response.ok;
    },
  };
}

/** Stripe's own word for what became of it. @throws {Error} while it is not decided. */
function stateOf({ id, status }: z.infer<typeof intent>) {
  if (status === "succeeded") return { status: "charged", reference: id } as const;
  throw new Error(`the payment is ${status}`);
}

const squarePayment = z.object({ id: z.string(), status: z.string(), reference_id: z.string() });
const squareAnswer = z.object({ payment: squarePayment });
const squareList = z.object({ payments: z.array(squarePayment), cursor: z.string().optional() });
const squareErrors = z.object({
  errors: z.tuple([z.object({ category: z.string(), code: z.string() })], z.unknown()),
});

/** Square, the one to switch to. */
export function backup(env: Env): PaymentProvider {
  const ask = (path: string, { signal }: Pick<Ask, "signal">, init: Sent = {}) =>
    fetch(`${env.SQUARE_API_URL}${path}`, {
      ...init,
      signal,
      headers: {
        ...init.headers,
        Authorization: `Bearer ${env.SQUARE_ACCESS_TOKEN}`,
        "Square-Version": "2026-09-17",
      },
    });
  return {
    id: "backup",
    async charge(payment, asked): Promise<Charged> {
      const response = await ask("/v2/payments", asked, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
          source_id: "cnon:card-nonce-ok",
          idempotency_key: asked.idempotencyKey,
          amount_money: { amount: payment.amount, currency: payment.currency.toUpperCase() },
          reference_id: payment.key,
          autocomplete: true,
        }),
      });
      if (UNAVAILABLE.includes(response.status)) return { status: "unavailable" };
      const body: unknown = await response.json();
      if (response.ok) {
        const { payment: made } = squareAnswer.parse(body);
        if (made.status === "COMPLETED") return { status: "charged", reference: made.id };
        throw new Error(`the payment is ${made.status}`);
      }
      const [{ category, code }] = squareErrors.parse(body).errors;
      if (category === "PAYMENT_METHOD_ERROR") return { status: "declined", code };
      if (category === "INVALID_REQUEST_ERROR") return { status: "refused", code };
      throw new Error(`Square answered ${response.status}`);
    },
    async find(payment, asked): Promise<Found> {
      const since = new Date((madeAt(payment) - CLOCK_SKEW_S) * 1_000).toISOString();
      let cursor = "";
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const path = `/v2/payments?begin_time=${since}&sort_order=DESC&limit=100${cursor}`;
        const response = await ask(path, asked);
        if (!response.ok) throw new Error(`Square answered ${response.status}`);
        const answer = squareList.parse(await response.json());
        const found = answer.payments.find(({ reference_id: order }) => order === payment.key);
        if (found?.status === "COMPLETED") return { status: "charged", reference: found.id };
        if (found?.status === "FAILED") return { status: "declined", code: "FAILED" };
        if (found !== undefined) return { status: "pending" };
        if (answer.cursor === undefined) return { status: "none" };
        cursor = `&cursor=${encodeURIComponent(answer.cursor)}`;
      }
      throw new Error("the payment may be further back");
    },
    probe: async (asked) => {
      const response = await ask("/v2/locations", asked);
      await response.json();
      return response.ok;
    },
  };
}
