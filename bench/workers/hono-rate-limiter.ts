/** hono-rate-limiter with its memory store, one rule, in front of production. */
import { Hono, type MiddlewareHandler } from "hono";
import { rateLimiter } from "hono-rate-limiter";

type Env = { readonly Bindings: { readonly ORIGIN: Fetcher } };

// Its store starts a timer, which Workers refuse outside of a request.
let limiter: MiddlewareHandler<Env> | null = null;

const app = new Hono<Env>();
app.use((c, next) => {
  limiter ??= rateLimiter<Env>({
    windowMs: 60_000,
    limit: 1_000_000_000,
    standardHeaders: false,
    keyGenerator: (asked) => asked.req.header("cf-connecting-ip") ?? "",
  });
  return limiter(c, next);
});
app.all("*", (c) => c.env.ORIGIN.fetch(c.req.raw));

export default app;
