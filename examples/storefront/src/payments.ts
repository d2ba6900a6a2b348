/** The storefront's payments: who charges them, and how its own books learn what became of each. */
import type {
  Books,
  Database,
  Payment,
  PaymentsOptions,
  PaymentStore,
  Settlement,
} from "firebreak/sdk";
import * as z from "zod";
import type { Env } from "./env.ts";
import { backup, stripe } from "./providers.ts";

/** A visitor waits for it. */
const PROVIDER_DEADLINE_MS = 1_500;
/** Of an order's id, as the providers know it. */
export const KEY_PREFIX = "order-";
/** Neither provider is at work on a payment for longer, once nobody waits any more. */
const BELIEVED_AFTER_MS = 5_000;

export const paymentsOn = (env: Env, store: PaymentStore, db: Database): PaymentsOptions => ({
  providers: [stripe(env), backup(env)],
  store,
  queue: "storefront",
  deadlineMs: PROVIDER_DEADLINE_MS,
  believedAfterMs: BELIEVED_AFTER_MS,
  onSettled: (payment, settlement) => book(db, payment, settlement),
  books: (asked) => booksSince(db, asked),
});

const booked = z.object({
  id: z.string(),
  amount: z.int(),
  currency: z.string(),
  made_at: z.int(),
  references: z.array(z.string()),
});

/** From the primary: a replica may not know yet what was booked just now. */
const booksSince: (db: Database, ...asked: Parameters<Books>) => ReturnType<Books> = async (
  db,
  { sinceMs, after, max },
) => {
  const afterId = after === null ? "0" : after.slice(KEY_PREFIX.length);
  const rows = await db.query(
    `SELECT p.id::text, p.amount, p.currency, floor(extract(epoch FROM p.created_at))::int AS made_at,
       coalesce(json_agg(t.stripe_id) FILTER (WHERE t.id IS NOT NULL), '[]') AS "references"
     FROM payments p LEFT JOIN transactions t ON t.payment_id = p.id
     WHERE p.created_at >= to_timestamp($1::double precision / 1000) AND p.id > $2::bigint
     GROUP BY p.id ORDER BY p.id LIMIT $3`,
    [sinceMs, afterId, max],
    { cache: false, replica: false },
  );
  return z
    .array(booked)
    .parse(rows)
    .map(({ id, amount, currency, made_at, references }) => ({
      payment: {
        key: `${KEY_PREFIX}${id}`,
        amount,
        currency,
        details: { payment_id: id, made_at },
      },
      references,
    }));
};

/** One statement, which changes nothing the second time. */
async function book(db: Database, { details }: Payment, settlement: Settlement): Promise<void> {
  const id = z.string().parse(details["payment_id"]);
  if (settlement.status !== "charged") {
    await db.sql`UPDATE payments SET status = 'failed' WHERE id = ${id} AND status = 'pending'`;
    return;
  }
  await db.sql`
    WITH transaction AS (
      INSERT INTO transactions (payment_id, stripe_id) VALUES (${id}, ${settlement.reference})
      ON CONFLICT (stripe_id) DO NOTHING
    )
    UPDATE payments SET status = 'succeeded' WHERE id = ${id}`;
}
