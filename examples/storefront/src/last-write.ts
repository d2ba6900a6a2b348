/** When this visitor last changed something, in a cookie, so that the next page is read where it was written. */
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";

const COOKIE = "wrote_at";
/** Longer than any window that Firebreak may ask for. */
const MAX_AGE_S = 60;

/** Epoch milliseconds; null when nobody wrote lately. */
export function readLastWrite(c: Context): number | null {
  const value = getCookie(c, COOKIE) ?? "";
  return /^\d{13}$/.test(value) ? Number(value) : null;
}

export function rememberLastWrite(c: Context, atMs: number): void {
  setCookie(c, COOKIE, String(atMs), {
    path: "/",
    httpOnly: true,
    sameSite: "Lax",
    secure: new URL(c.req.url).protocol === "https:",
    maxAge: MAX_AGE_S,
  });
}
