/** Signing in. Every attempt is a row in `auth_logs`, whatever came of it. */
import { Hono } from "hono";
import { z } from "zod";
import type { App } from "./app.ts";
import { readBody } from "./body.ts";
import { isPassword, NOBODYS_HASH } from "./passwords.ts";
import { unlessReadOnly } from "./read-only.ts";
import { openSession } from "./sessions.ts";
import { addressOf, userAgentOf, wantsHtml } from "./visitor.ts";

const credentials = z.strictObject({
  email: z.string().trim().toLowerCase().min(3).max(254),
  password: z.string().min(1).max(200),
});
const user = z.object({
  id: z.string(),
  email: z.string(),
  password_hash: z.string(),
  force_password_reset: z.boolean(),
});

const FIND =
  "SELECT id::text, email, password_hash, force_password_reset FROM users WHERE email = $1";

export const signIn = new Hono<App>().post("/", async (c) => {
  const { db, redis, report } = c.var.stores;
  const { email, password } = await readBody(c, credentials);
  // Who may sign in is never a matter of minutes ago.
  const rows = await db.query(FIND, [email], { cache: false, replica: false });
  const known = user.optional().parse(rows[0]);
  const success = await isPassword(password, known?.password_hash ?? NOBODYS_HASH);
  await unlessReadOnly(
    "an attempt to sign in",
    db.sql`
      INSERT INTO auth_logs (email, ip_address, user_agent, success)
      VALUES (${email}, ${addressOf(c)}, ${userAgentOf(c)}, ${success})`,
  );
  if (!success || known === undefined) {
    report("auth.failed");
    return c.json({ error: "wrong address or password" }, 401);
  }
  if (known.force_password_reset) return c.json({ error: "set a new password first" }, 403);
  await unlessReadOnly(
    "the last sign-in",
    db.transaction((sql) => [
      sql`UPDATE users SET last_login = now() WHERE id = ${known.id}`,
      sql`INSERT INTO user_known_ips (user_id, ip_address) VALUES (${known.id}, ${addressOf(c)})
        ON CONFLICT (user_id, ip_address) DO UPDATE SET last_seen = now()`,
    ]),
  );
  await openSession(c, redis, { userId: known.id, email: known.email });
  return wantsHtml(c) ? c.redirect("/", 303) : c.json({ email: known.email });
});
