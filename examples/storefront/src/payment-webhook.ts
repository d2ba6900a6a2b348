/**
 * What the payment provider tells about charges, directly or replayed by Firebreak after maintenance. The event and what it changes
 * are one statement, so that an event that comes twice changes nothing the second time.
 */
import { receiveWebhook } from "firebreak/sdk/webhooks";
import { Hono } from "hono";
import * as z from "zod";
import type { App } from "./app.ts";

const event = z.object({
  type: z.string().max(100),
  data: z.object({ object: z.object({ id: z.string().max(200) }) }),
});

/** Payment states by event type; other events are remembered and change nothing. */
const STATUSES: Readonly<Record<string, string>> = {
  "payment_intent.succeeded": "succeeded",
  "payment_intent.payment_failed": "failed",
};

export const paymentWebhook = new Hono<App>().post("/", async (c) => {
  const received = await receiveWebhook(c.req.raw, {
    scheme: "stripe",
    secret: c.env.STRIPE_WEBHOOK_SECRET,
    signingKeys: c.env.SIGNING_KEYS,
    instance: c.env.FIREBREAK_INSTANCE,
  });
  const { db, report } = c.var.stores;
  if (!received.ok) {
    report("payment.event_failed");
    return c.json({ error: received.error }, 401);
  }
  const { id, body, isReplay, receivedAtMs } = received.value;
  const parsed = event.safeParse(readJson(new TextDecoder().decode(body)));
  if (!parsed.success) {
    report("payment.event_failed");
    return c.json({ error: "this is no event of the payment provider" }, 422);
  }
  const { type, data } = parsed.data;
  const booking = db.sql`
    WITH event AS (
      INSERT INTO payment_events (event_id, type, is_replay, received_at)
      VALUES (${id}, ${type}, ${isReplay}, ${new Date(receivedAtMs).toISOString()})
      ON CONFLICT (event_id) DO NOTHING RETURNING event_id
    )
    UPDATE payments SET status = coalesce(${STATUSES[type] ?? null}, status)
    FROM transactions, event
    WHERE transactions.payment_id = payments.id AND transactions.stripe_id = ${data.object.id}`;
  try {
    await booking;
  } catch (error) {
    report("payment.event_failed");
    throw error;
  }
  report("payment.event");
  return c.json({ received: true });
});

/** Undefined is no JSON. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
