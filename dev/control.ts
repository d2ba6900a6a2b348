/** The stack's own control under `/__stack`, so that a gameday can attach to a stack in another process. */
import { Hono } from "hono";
import { z } from "zod";
import { tellAlert } from "./outside-monitor.ts";
import { deliverCharge } from "./payment-provider.ts";
import type { Stack } from "./stack.ts";
import type { Versions } from "./versions.ts";

const storeName = z.enum(["postgres", "replica", "redis"]);
const alert = z.strictObject({
  name: z.string().max(100),
  startedAtMs: z.int(),
  endedAtMs: z.int().nullable(),
});
const charge = z.strictObject({ event: z.string().max(100), charge: z.string().max(100) });

/**
 * GET tells what `npm start -- --json` tells, `/live` which version of the storefront visitors get; POST `/<store>/<stop|start>`
 * really stops and starts a store, `/deploy/<version>` deploys one, `/charges` has the payment provider deliver an
 * event, `/alerts` has the site's monitoring tool tell of an alert, `/history` has the database at Neon keep its past from here on; GET `/branches/<id>` tells how to connect to a branch.
 */
export function stackControl(stack: () => Stack | undefined, storefront: Versions): Hono {
  const app = new Hono();
  app.get("/live", (c) => c.text(storefront.live()));
  app.post("/deploy/:version", async (c) => {
    await storefront.deploy(c.req.param("version"));
    return c.json({ live: storefront.live() });
  });
  app.post("/charges", async (c) => {
    const running = stack();
    if (running === undefined) return c.json({ error: "still starting" }, 503);
    const site = { url: running.info.guard, secret: running.secrets.stripeSecret };
    return c.json({ answered: await deliverCharge(site, charge.parse(await c.req.json())) });
  });
  app.post("/alerts", async (c) => {
    const running = stack();
    if (running === undefined) return c.json({ error: "still starting" }, 503);
    const site = { url: running.info.guard, token: running.secrets.alertmanagerToken };
    return c.json({ answered: await tellAlert(site, alert.parse(await c.req.json())) });
  });
  app.post("/history", async (c) => {
    const running = stack();
    if (running === undefined) return c.json({ error: "still starting" }, 503);
    await running.neon.beginHistory();
    return c.body(null, 204);
  });
  app.get("/branches/:id", async (c) => {
    const running = stack();
    if (running === undefined) return c.json({ error: "still starting" }, 503);
    return c.json({ postgres: await running.neon.branchUrl(c.req.param("id")) });
  });
  app.get("/", (c) => {
    const info = stack()?.info;
    return info === undefined ? c.json({ error: "still starting" }, 503) : c.json(info);
  });
  app.post("/:store{postgres|replica|redis}/:action{stop|start}", async (c) => {
    const running = stack();
    if (running === undefined) return c.json({ error: "still starting" }, 503);
    const store = running[storeName.parse(c.req.param("store"))];
    await (c.req.param("action") === "stop" ? store.stop() : store.start());
    return c.json({ running: store.isRunning });
  });
  return app;
}
