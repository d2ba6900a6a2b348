/** One call of Cloudflare's rate-limit binding for each request, in front of production. */
import { Hono } from "hono";

type Env = { readonly ORIGIN: Fetcher; readonly LIMIT: RateLimit };

const app = new Hono<{ Bindings: Env }>();
app.all("*", async (c) => {
  const { success } = await c.env.LIMIT.limit({ key: c.req.header("cf-connecting-ip") ?? "" });
  return success ? c.env.ORIGIN.fetch(c.req.raw) : c.body(null, 429);
});

export default app;
