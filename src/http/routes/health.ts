/** Whether Firebreak lives, and whether it is on duty. */
import { createRoute, z } from "@hono/zod-openapi";
import { answers, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import type { ReadPublicCopy } from "../public-copy.ts";
import { readiness } from "../readiness.ts";

const check = z.object({
  name: z.enum(["monitor", "policy", "desk"]),
  ok: z.boolean(),
  detail: z.string(),
});
const report = z
  .object({ status: z.enum(["ready", "not_ready"]), checks: z.array(check) })
  .openapi("Readiness");

const live = createRoute({
  method: "get",
  path: "/health",
  tags: ["health"],
  summary: "Liveness: this Worker runs",
  responses: { 200: answers(z.object({ status: z.literal("ok") }), "It runs") },
});

const ready = createRoute({
  method: "get",
  path: "/health/ready",
  tags: ["health"],
  summary: "Readiness: production is being watched and the policy can be read",
  responses: { 200: answers(report, "On duty"), 503: answers(report, "Not on duty, and why") },
});

export function healthRoutes(
  api: Api,
  deps: Pick<HttpDeps, "now">,
  readPublicCopy: ReadPublicCopy,
): void {
  api.openapi(live, (c) => c.json({ status: "ok" } as const, 200));

  api.openapi(ready, async (c) => {
    const copy = await readPublicCopy((promise) => c.executionCtx.waitUntil(promise));
    const { ready: isReady, checks } = readiness(copy, deps.now());
    return isReady
      ? c.json({ status: "ready" as const, checks: [...checks] }, 200)
      : c.json({ status: "not_ready" as const, checks: [...checks] }, 503);
  });
}
