/** Hono's way on as the guard's origin, and back. */
import type { Context, Next } from "hono";
import type { Origin } from "../origin.ts";

/** The rest of the app, as an origin that is called at most once. */
export const proceed =
  (c: Context, next: Next): Origin =>
  async (request) => {
    c.req.raw = request;
    await next();
    return c.res;
  };

/** Makes `response` the app's answer, whether the app has answered already or not. */
export function replace(c: Context, response: Response): Response | undefined {
  if (!c.finalized) return response;
  if (response !== c.res) {
    c.res = undefined; // Hono would merge the headers of the answer that this one replaces into it.
    c.res = response;
  }
  return undefined;
}
