/** Buying a pitch: a payment and its transaction, both or neither. */
import { Hono } from "hono";
import { z } from "zod";
import type { App } from "./app.ts";
import { readBody } from "./body.ts";
import { findPitch } from "./pitches.ts";
import { readSession } from "./sessions.ts";
import { addressOf } from "./visitor.ts";

const order = z.strictObject({ pitch_id: z.string().max(18) });

export const checkout = new Hono<App>().post("/", async (c) => {
  const { db } = c.var.stores;
  const session = await readSession(c, c.var.stores);
  if (session === null) return c.json({ error: "sign in first" }, 401);
  const { pitch_id: pitchId } = await readBody(c, order);
  // What is paid is the price of now.
  const pitch = await findPitch(db, pitchId, { cache: false, replica: false });
  if (pitch === undefined) return c.json({ error: "there is no such pitch" }, 404);
  const chargeId = charge();
  const [paid] = await db.transaction((sql) => [
    sql`
      WITH payment AS (
        INSERT INTO payments (user_id, pitch_id, amount, status)
        VALUES (${session.userId}, ${pitch.id}, ${pitch.price_cents}, 'succeeded') RETURNING id
      ), transaction AS (
        INSERT INTO transactions (payment_id, stripe_id) SELECT id, ${chargeId} FROM payment
      )
      SELECT id::text FROM payment`,
    sql`INSERT INTO audit_logs (user_id, action, resource, ip_address)
      VALUES (${session.userId}, 'checkout', ${pitch.title}, ${addressOf(c)})`,
  ]);
  const { id } = z.object({ id: z.string() }).parse(paid?.[0]);
  return c.json({ payment_id: id, amount: pitch.price_cents, currency: "usd" }, 201);
});

/** The demo's payment provider takes every card and answers with the id of the charge. */
const charge = (): string => `pi_demo_${crypto.randomUUID()}`;
