/** One call of a Durable Object for each request, in front of production: an exact counter in memory. */
import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";

export class Counter extends DurableObject {
  readonly #counts = new Map<string, number>();

  count(key: string): number {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }
}

type Env = { readonly ORIGIN: Fetcher; readonly COUNTER: DurableObjectNamespace<Counter> };

const LIMIT = 1_000_000_000;

const app = new Hono<{ Bindings: Env }>();
app.all("*", async (c) => {
  const counted = await c.env.COUNTER.getByName("one").count(
    c.req.header("cf-connecting-ip") ?? "",
  );
  return counted > LIMIT ? c.body(null, 429) : c.env.ORIGIN.fetch(c.req.raw);
});

export default app;
