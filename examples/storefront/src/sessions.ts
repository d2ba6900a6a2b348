/** Who is signed in: an opaque id in a cookie, what it stands for in Redis. */
import type { Redis } from "@upstash/redis/cloudflare";
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import * as z from "zod";
import type { Stores } from "./stores.ts";

export const SESSION_TTL_S = 900;
const COOKIE = "session";

const session = z.object({
  userId: z.string(),
  email: z.string(),
  /** Null in a session from before it was kept. */
  issuedAtMs: z.int().nullable().default(null),
});
export type Session = z.infer<typeof session>;

const keyOf = (id: string): string => `session:${id}`;

/** Remembers who it is for fifteen minutes and sets the cookie. */
export async function openSession(
  c: Context,
  redis: Redis,
  who: Omit<Session, "issuedAtMs">,
): Promise<void> {
  const id = crypto.randomUUID();
  const issuedAtMs = Date.now();
  await redis.set(keyOf(id), { ...who, issuedAtMs }, { ex: SESSION_TTL_S });
  setCookie(c, COOKIE, id, {
    path: "/",
    httpOnly: true,
    sameSite: "Lax",
    secure: new URL(c.req.url).protocol === "https:",
    maxAge: SESSION_TTL_S,
  });
}

/** The session of this request, or null; one that Firebreak says is over is forgotten. */
export async function readSession(
  c: Context,
  { redis, security }: Pick<Stores, "redis" | "security">,
): Promise<Session | null> {
  const id = getCookie(c, COOKIE);
  if (id === undefined) return null;
  const found = session.nullable().parse(await redis.get(keyOf(id)));
  if (found === null) return null;
  const isOver = await (await security()).isOver(found.issuedAtMs, found.email);
  if (!isOver) return found;
  await redis.del(keyOf(id));
  return null;
}
