/** @upstash/ratelimit, sliding window, one rule, against a Redis over HTTP, in front of production. */
import { Ratelimit } from "@upstash/ratelimit";
import { Redis } from "@upstash/redis/cloudflare";
import { Hono } from "hono";

type Env = { readonly ORIGIN: Fetcher; readonly REDIS_URL: string; readonly REDIS_TOKEN: string };

let ratelimit: Ratelimit | null = null;

const app = new Hono<{ Bindings: Env }>();
app.all("*", async (c) => {
  ratelimit ??= new Ratelimit({
    redis: new Redis({ url: c.env.REDIS_URL, token: c.env.REDIS_TOKEN }),
    limiter: Ratelimit.slidingWindow(1_000_000_000, "60 s"),
    analytics: false,
  });
  const { success } = await ratelimit.limit(c.req.header("cf-connecting-ip") ?? "");
  return success ? c.env.ORIGIN.fetch(c.req.raw) : c.body(null, 429);
});

export default app;
