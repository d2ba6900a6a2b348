/** What a request tells of its sender. */
import type { Context } from "hono";

const USER_AGENT_CHARS_MAX = 300;

/** Cloudflare names the client; without it (a binding, a test) the address is unknown. */
export const addressOf = (c: Context): string => c.req.header("CF-Connecting-IP") ?? "0.0.0.0";

export const userAgentOf = (c: Context): string =>
  (c.req.header("User-Agent") ?? "").slice(0, USER_AGENT_CHARS_MAX);

export const wantsHtml = (c: Context): boolean =>
  c.req.header("Accept")?.includes("text/html") ?? false;
