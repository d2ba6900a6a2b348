/**
 * Keys that programs come with. A key is shown once, when it is made; what is kept is its hash. One that was rotated works beside its
 * successor until it expires.
 */
import { Hono } from "hono";
import type { Context } from "hono";
import * as z from "zod";
import type { App } from "./app.ts";
import { readSession } from "./sessions.ts";
import type { Stores } from "./stores.ts";
import { addressOf } from "./visitor.ts";

const PREFIX = "shop_";
const KEY_BYTES = 32;
const KEY_CHARS_MAX = 100;
const KEYS_PER_USER_MAX = 10;

const row = z.object({ email: z.string() });
const FIND = `
  SELECT u.email FROM api_keys k JOIN users u ON u.id = k.user_id
  WHERE k.key_hash = $1 AND (k.expires_at IS NULL OR k.expires_at > now())`;

export const apiKeys = new Hono<App>()
  /** A new one, beside those that there are. */
  .post("/keys", async (c) => {
    const session = await readSession(c, c.var.stores);
    if (session === null) return c.json({ error: "sign in first" }, 401);
    const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    const key = `${PREFIX}${hex(bytes)}`;
    const hash = await hashOf(key);
    const [made] = await c.var.stores.db.transaction((sql) => [
      sql`
        WITH made AS (
          INSERT INTO api_keys (user_id, key_hash)
          SELECT ${session.userId}::bigint, ${hash} WHERE (
            SELECT count(*) FROM api_keys WHERE user_id = ${session.userId}::bigint
              AND (expires_at IS NULL OR expires_at > now())) < ${KEYS_PER_USER_MAX}::int
          RETURNING id, user_id
        )
        INSERT INTO audit_logs (user_id, action, resource, ip_address)
        SELECT user_id, 'api_key_created', 'api_keys/' || id, ${addressOf(c)}::inet FROM made
        RETURNING id`,
    ]);
    return made?.[0] === undefined ? c.json({ error: "too many keys" }, 409) : c.json({ key }, 201);
  })
  /** Whose key it is that a program came with. */
  .get("/me", async (c) => {
    const email = await keyOwner(c, c.var.stores);
    return email === null ? c.json({ error: "no valid key" }, 401) : c.json({ email });
  });

/** Who may call the API with what this request brought; null is nobody. */
async function keyOwner(c: Context, { db }: Pick<Stores, "db">): Promise<string | null> {
  const key = /^Bearer (shop_[0-9a-f]+)$/.exec(c.req.header("authorization") ?? "")?.[1];
  if (key === undefined || key.length > KEY_CHARS_MAX) return null;
  // Who may come in is never a matter of minutes ago.
  const options = { cache: false, replica: false };
  const [owner] = z.array(row).parse(await db.query(FIND, [await hashOf(key)], options));
  return owner?.email ?? null;
}

const hashOf = async (key: string): Promise<string> =>
  hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key))));

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
