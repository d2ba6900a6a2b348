/** Pitches: listing, reading and making them. */
import { Hono } from "hono";
import type { Database, QueryOptions } from "firebreak/sdk";
import * as z from "zod";
import type { App } from "./app.ts";
import { readBody } from "./body.ts";
import { readSession } from "./sessions.ts";
import { addressOf } from "./visitor.ts";

const LISTED_MAX = 50;

const row = z.object({
  id: z.string(),
  title: z.string(),
  summary: z.string(),
  author: z.string(),
  price_cents: z.number(),
});
export type Pitch = z.infer<typeof row>;

const draft = z.strictObject({
  title: z.string().trim().min(1).max(120),
  summary: z.string().trim().min(1).max(2_000),
  price_cents: z.coerce.number().int().min(0).max(10_000_000),
});

export const listPitches = async (db: Database): Promise<Pitch[]> =>
  z.array(row).parse(
    await db.sql`
      SELECT p.id::text, p.title, p.summary, u.name AS author, p.price_cents
      FROM pitches p JOIN users u ON u.id = p.user_id
      ORDER BY p.created_at DESC LIMIT ${LISTED_MAX}`,
  );

const FIND = `
  SELECT p.id::text, p.title, p.summary, u.name AS author, p.price_cents
  FROM pitches p JOIN users u ON u.id = p.user_id WHERE p.id = $1`;

/** The pitch, or undefined; an id that is no number is nobody's. */
export async function findPitch(
  db: Database,
  id: string,
  options: QueryOptions = {},
): Promise<Pitch | undefined> {
  if (!/^[1-9]\d{0,17}$/.test(id)) return undefined;
  return row.optional().parse((await db.query(FIND, [id], options))[0]);
}

export const pitches = new Hono<App>()
  .get("/", async (c) => c.json({ items: await listPitches(c.var.stores.db) }))
  .get("/:id", async (c) => {
    const pitch = await findPitch(c.var.stores.db, c.req.param("id"));
    return pitch === undefined ? c.json({ error: "there is no such pitch" }, 404) : c.json(pitch);
  })
  .post("/", async (c) => {
    const { db } = c.var.stores;
    const session = await readSession(c, c.var.stores);
    if (session === null) return c.json({ error: "sign in first" }, 401);
    const { title, summary, price_cents } = await readBody(c, draft);
    const [created] = await db.transaction((sql) => [
      sql`INSERT INTO pitches (user_id, title, summary, price_cents)
        VALUES (${session.userId}, ${title}, ${summary}, ${price_cents}) RETURNING id::text`,
      sql`INSERT INTO audit_logs (user_id, action, resource, ip_address)
        VALUES (${session.userId}, 'pitch_created', ${title}, ${addressOf(c)})`,
    ]);
    return c.json(z.object({ id: z.string() }).parse(created?.[0]), 201);
  });
