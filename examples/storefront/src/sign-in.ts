/**
 * Signing in. Every attempt is a row in `auth_logs` and a report to Firebreak, whatever came of it. While Firebreak asks for strict mode, a
 * password alone is not enough, and who is wrong too often for one account has to wait.
 */
import { Hono } from "hono";
import * as z from "zod";
import type { App } from "./app.ts";
import { spendAttempt, useCode } from "./attempts.ts";
import { readBody } from "./body.ts";
import { stepOfCode } from "./one-time-codes.ts";
import { isPassword, NOBODYS_HASH } from "./passwords.ts";
import { unlessReadOnly } from "./read-only.ts";
import { openSession } from "./sessions.ts";
import type { Stores } from "./stores.ts";
import { addressOf, userAgentOf, wantsHtml } from "./visitor.ts";

const credentials = z.strictObject({
  email: z.string().trim().toLowerCase().min(3).max(254),
  password: z.string().min(1).max(200),
  /** Of an authenticator. */
  code: z.string().max(10).optional(),
});
const row = z.object({
  id: z.string(),
  email: z.string(),
  password_hash: z.string(),
  force_password_reset: z.boolean(),
  totp_key: z.string().nullable(),
});
type User = z.infer<typeof row>;

const FIND =
  "SELECT id::text, email, password_hash, force_password_reset, totp_key FROM users WHERE email = $1";

export const signIn = new Hono<App>().post("/", async (c) => {
  const { db, redis, report, security } = c.var.stores;
  const { email, password, code } = await readBody(c, credentials);
  const address = addressOf(c);
  const who = { address, account: email };
  const { strict } = await security();
  const isSpent = strict !== null && !(await spendAttempt(redis, who, strict.signInAttemptsMax));
  if (isSpent) {
    report("auth.failed", who);
    return c.json({ error: "too many attempts; try again in a quarter of an hour" }, 429);
  }
  // Who may sign in is never a matter of minutes ago.
  const rows = await db.query(FIND, [email], { cache: false, replica: false });
  const user = await whoHas(password, row.optional().parse(rows[0]));
  const isAsked = strict?.requireMfa === true;
  const factor = isAsked ? await secondFactor(user, code, redis) : "enough";
  const found = factor === "enough" ? user : undefined;
  await unlessReadOnly(
    "an attempt to sign in",
    db.sql`
      INSERT INTO auth_logs (email, ip_address, user_agent, success)
      VALUES (${email}, ${address}, ${userAgentOf(c)}, ${found !== undefined})`,
  );
  // Asked for a code, nobody has failed yet.
  if (factor === "missing")
    return c.json({ error: "a code of your authenticator", code: true }, 401);
  if (found === undefined) {
    report("auth.failed", who);
    return c.json({ error: "wrong address, password or code" }, 401);
  }
  report("auth.succeeded", who);
  if (found.force_password_reset) return c.json({ error: "set a new password first" }, 403);
  await unlessReadOnly(
    "the last sign-in",
    db.transaction((sql) => [
      sql`UPDATE users SET last_login = now() WHERE id = ${found.id}`,
      sql`INSERT INTO user_known_ips (user_id, ip_address) VALUES (${found.id}, ${address})
        ON CONFLICT (user_id, ip_address) DO UPDATE SET last_seen = now()`,
    ]),
  );
  await openSession(c, redis, { userId: found.id, email: found.email });
  return wantsHtml(c) ? c.redirect("/", 303) : c.json({ email: found.email });
});

/** It takes as long whether there is such a user or not. */
async function whoHas(password: string, known: User | undefined): Promise<User | undefined> {
  return (await isPassword(password, known?.password_hash ?? NOBODYS_HASH)) ? known : undefined;
}

/** A code counts once. Who has no authenticator cannot show one, and of nobody none is asked. */
async function secondFactor(
  user: User | undefined,
  code: string | undefined,
  redis: Stores["redis"],
): Promise<"enough" | "missing" | "wrong"> {
  if (user === undefined) return "wrong";
  if (code === undefined) return "missing";
  const { id, totp_key: key } = user;
  const step = key === null ? null : await stepOfCode(code, key, Date.now());
  return step !== null && (await useCode(redis, { user: id, step })) ? "enough" : "wrong";
}
