/** Whether the stores answer, as monitoring asks it. */
import { Hono } from "hono";
import type { App } from "./app.ts";

type Check = { readonly ok: boolean; readonly latencyMs: number };

export const health = new Hono<App>().get("/", async (c) => {
  const { db, redis } = c.var.stores;
  const [postgres, cache] = await Promise.all([
    check(() => db.query("SELECT 1", [], { cache: false, replica: false })),
    check(() => redis.ping()),
  ]);
  const ok = postgres.ok && cache.ok;
  c.header("Cache-Control", "no-store");
  return c.json(
    { status: ok ? "ok" : "failing", checks: { postgres, redis: cache } },
    ok ? 200 : 503,
  );
});

/** Why a store failed is in the log: what monitoring shows to strangers says only that it did. */
async function check(ask: () => Promise<unknown>): Promise<Check> {
  const startedAtMs = Date.now();
  const ok = await ask().then(
    () => true,
    () => false,
  );
  return { ok, latencyMs: Date.now() - startedAtMs };
}
