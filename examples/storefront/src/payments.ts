/** The storefront's payments: who charges them, and how its own books learn what became of each. */
import type { Database, Payment, PaymentsOptions, PaymentStore, Settlement } from "firebreak/sdk";
import * as z from "zod";
import type { Env } from "./env.ts";
import { backup, stripe } from "./providers.ts";

/** A visitor waits for it. */
const PROVIDER_DEADLINE_MS = 1_500;
/** Neither provider is at work on a payment for longer, once nobody waits any more. */
const BELIEVED_AFTER_MS = 5_000;

export const paymentsOn = (env: Env, store: PaymentStore, db: Database): PaymentsOptions => ({
  providers: [stripe(env), backup(env)],
  store,
  queue: "storefront",
  deadlineMs: PROVIDER_DEADLINE_MS,
  believedAfterMs: BELIEVED_AFTER_MS,
  onSettled: (payment, settlement) => book(db, payment, settlement),
});

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
