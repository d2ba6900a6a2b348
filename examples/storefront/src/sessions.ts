/** Who is signed in: an opaque id in a cookie, what it stands for in Redis. */
import type { Redis } from "@upstash/redis/cloudflare";
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { z } from "zod";

export const SESSION_TTL_S = 900;
const COOKIE = "session";

const session = z.object({ userId: z.string(), email: z.string() });
export type Session = z.infer<typeof session>;

const keyOf = (id: string): string => `session:${id}`;

/** Remembers who it is for fifteen minutes and sets the cookie. */
export async function openSession(c: Context, redis: Redis, who: Session): Promise<void> {
  const id = crypto.randomUUID();
  await redis.set(keyOf(id), who, { ex: SESSION_TTL_S });
  setCookie(c, COOKIE, id, {
    path: "/",
    httpOnly: true,
    sameSite: "Lax",
    secure: new URL(c.req.url).protocol === "https:",
    maxAge: SESSION_TTL_S,
  });
}

/** The session of this request, or null. */
export async function readSession(c: Context, redis: Redis): Promise<Session | null> {
  const id = getCookie(c, COOKIE);
  if (id === undefined) return null;
  return session.nullable().parse(await redis.get(keyOf(id)));
}
