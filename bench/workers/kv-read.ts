/** One KV read for each request, in front of production: whether this address is blocked. */
import { Hono } from "hono";

type Env = { readonly ORIGIN: Fetcher; readonly BLOCKED: KVNamespace };

const app = new Hono<{ Bindings: Env }>();
app.all("*", async (c) => {
  const blocked = await c.env.BLOCKED.get(c.req.header("cf-connecting-ip") ?? "");
  return blocked === null ? c.env.ORIGIN.fetch(c.req.raw) : c.body(null, 403);
});

export default app;
