/** Buying a pitch: the order first, then its payment, then both in one with the transaction. */
import { Hono } from "hono";
import * as z from "zod";
import type { App } from "./app.ts";
import { readBody } from "./body.ts";
import { KEY_PREFIX } from "./payments.ts";
import { findPitch } from "./pitches.ts";
import { readSession } from "./sessions.ts";
import { addressOf } from "./visitor.ts";

const order = z.strictObject({ pitch_id: z.string().max(18) });

export const checkout = new Hono<App>().post("/", async (c) => {
  const { db, payments } = c.var.stores;
  const session = await readSession(c, c.var.stores);
  if (session === null) return c.json({ error: "sign in first" }, 401);
  const { pitch_id: pitchId } = await readBody(c, order);
  // What is paid is the price of now.
  const pitch = await findPitch(db, pitchId, { cache: false, replica: false });
  if (pitch === undefined) return c.json({ error: "there is no such pitch" }, 404);
  const [ordered] = await db.transaction((sql) => [
    sql`
      INSERT INTO payments (user_id, pitch_id, amount, status)
      VALUES (${session.userId}, ${pitch.id}, ${pitch.price_cents}, 'pending') RETURNING id::text`,
    sql`INSERT INTO audit_logs (user_id, action, resource, ip_address)
      VALUES (${session.userId}, 'checkout', ${pitch.title}, ${addressOf(c)})`,
  ]);
  const { id } = z.object({ id: z.string() }).parse(ordered?.[0]);
  const [amount, currency] = [pitch.price_cents, "usd"];
  const receipt = await payments.charge({
    key: `${KEY_PREFIX}${id}`,
    amount,
    currency,
    details: { payment_id: id, made_at: Math.floor(Date.now() / 1_000) },
  });
  const answer = { payment_id: id, amount, currency };
  switch (receipt.status) {
    case "charged":
      return c.json({ ...answer, status: "succeeded" }, 201);
    case "pending":
      // Somebody may have been charged; the customer hears when that is known.
      return c.json({ ...answer, status: "pending" }, 202);
    case "deferred":
      // The order stands, and nobody has been charged for it yet.
      return c.json({ ...answer, status: "deferred" }, 202);
    case "declined":
      return c.json({ ...answer, status: "failed", error: "the card was declined" }, 402);
    case "refused":
    case "unknown":
      return c.json({ ...answer, status: "pending", error: "the payment provider failed" }, 502);
  }
});
