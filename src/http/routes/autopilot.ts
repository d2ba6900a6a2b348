/** Whether Firebreak acts by itself. */
import { createRoute, z } from "@hono/zod-openapi";
import { MODES, OVERRIDE_MS_MAX, SITE } from "../../playbooks/overrides.ts";
import { MODE } from "../../playbooks/param-checks.ts";
import { answers, forRole, problems, takes, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { setOverride } from "../override.ts";
import { durationBetween, moment, text } from "../schemas.ts";
import { iso } from "../times.ts";
import { OVERRIDE_MS_MIN } from "./playbooks.ts";

const mode = z.enum(MODES);

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/autopilot",
  tags: ["autopilot"],
  summary:
    "Does Firebreak act (`on`), only count what it would do (`shadow`), or only watch (`off`)",
  responses: { 200: answers(z.object({ mode }), "The mode in force"), ...problems },
});

const set = createRoute({
  ...forRole("admin"),
  method: "put",
  path: "/api/v1/autopilot",
  tags: ["autopilot"],
  summary: "Change it for a while",
  request: {
    body: takes(
      z
        .strictObject({
          mode,
          reason: text.max(500),
          for: durationBetween(OVERRIDE_MS_MIN, OVERRIDE_MS_MAX),
        })
        .openapi("AutopilotRequest"),
    ),
  },
  responses: {
    200: answers(z.object({ mode, reason: z.string(), expiresAt: moment }), "In force"),
    ...problems,
  },
});

export function autopilotRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(read, async (c) => c.json({ mode: await deps.monitor.autopilot() }, 200));

  api.openapi(set, async (c) => {
    const { mode: wanted, reason, for: forMs } = c.req.valid("json");
    const given = { playbook: SITE, param: MODE, value: wanted, reason, forMs };
    const { expiresAtMs } = await setOverride(c, deps, given);
    return c.json({ mode: wanted, reason, expiresAt: iso(expiresAtMs) }, 200);
  });
}
