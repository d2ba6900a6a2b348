/** What `import … from "firebreak/…"` gives a production app. */
import { describe, it } from "vitest";
import { Hono } from "hono";
import { blockNetworks } from "firebreak/block-networks";
import { challenge } from "firebreak/challenge";
import { emergencyCache } from "firebreak/emergency-cache";
import { guard } from "firebreak/guard";
import { health } from "firebreak/health";
import { LimiterObject } from "firebreak/limiter";
import { maintenanceMode } from "firebreak/maintenance-mode";
import { rateLimit } from "firebreak/rate-limit";
import { readOnly } from "firebreak/read-only";

describe("the package", () => {
  it("exports every piece of the guard as a middleware factory", ({ expect }) => {
    const switches = [maintenanceMode, readOnly, emergencyCache, challenge];
    for (const factory of [guard, health, ...switches, rateLimit, blockNetworks]) {
      expect(factory).toBeTypeOf("function");
    }
    expect(LimiterObject).toBeTypeOf("function");
  });

  it("lets an app of one's own go into maintenance and read-only, as the docs show", async ({
    expect,
  }) => {
    type Env = { Bindings: { MAINTENANCE: string; READ_ONLY: string } };
    const app = new Hono<Env>();
    app.use(health());
    app.use(maintenanceMode({ isOn: (c) => c.env.MAINTENANCE === "on" }));
    app.use(readOnly({ isOn: (c) => c.env.READ_ONLY === "on" }));
    app.all("/pitches", (c) => c.text("served"));

    const ask = (method: string, env: Partial<Env["Bindings"]>) =>
      app.request("/pitches", { method }, env);
    expect((await ask("GET", { MAINTENANCE: "on" })).status).toBe(503);
    expect((await ask("POST", { READ_ONLY: "on" })).status).toBe(503);
    expect(await (await ask("GET", { READ_ONLY: "on" })).text()).toBe("served");
    expect(await (await ask("POST", {})).text()).toBe("served");
  });
});
