/** Pitches: listing, reading and making them. */
import { Hono } from "hono";
import { z } from "zod";
import type { App } from "./app.ts";
import { readBody } from "./body.ts";
import { readSession } from "./sessions.ts";
import type { Sql } from "./stores.ts";
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

export const listPitches = async (sql: Sql): Promise<Pitch[]> =>
  z.array(row).parse(
    await sql`
      SELECT p.id::text, p.title, p.summary, u.name AS author, p.price_cents
      FROM pitches p JOIN users u ON u.id = p.user_id
      ORDER BY p.created_at DESC LIMIT ${LISTED_MAX}`,
  );

/** The pitch, or undefined; an id that is no number is nobody's. */
export async function findPitch(sql: Sql, id: string): Promise<Pitch | undefined> {
  if (!/^[1-9]\d{0,17}$/.test(id)) return undefined;
  const rows = await sql`
    SELECT p.id::text, p.title, p.summary, u.name AS author, p.price_cents
    FROM pitches p JOIN users u ON u.id = p.user_id WHERE p.id = ${id}`;
  return row.optional().parse(rows[0]);
}

export const pitches = new Hono<App>()
  .get("/", async (c) => c.json({ items: await listPitches(c.var.stores.sql) }))
  .get("/:id", async (c) => {
    const pitch = await findPitch(c.var.stores.sql, c.req.param("id"));
    return pitch === undefined ? c.json({ error: "there is no such pitch" }, 404) : c.json(pitch);
  })
  .post("/", async (c) => {
    const { sql, redis } = c.var.stores;
    const session = await readSession(c, redis);
    if (session === null) return c.json({ error: "sign in first" }, 401);
    const { title, summary, price_cents } = await readBody(c, draft);
    const [created] = await sql.transaction([
      sql`INSERT INTO pitches (user_id, title, summary, price_cents)
        VALUES (${session.userId}, ${title}, ${summary}, ${price_cents}) RETURNING id::text`,
      sql`INSERT INTO audit_logs (user_id, action, resource, ip_address)
        VALUES (${session.userId}, 'pitch_created', ${title}, ${addressOf(c)})`,
    ]);
    return c.json(z.object({ id: z.string() }).parse(created?.[0]), 201);
  });
