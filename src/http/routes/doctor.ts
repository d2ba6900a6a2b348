/** What is configured, missing or failing, per playbook. */
import { createRoute, z } from "@hono/zod-openapi";
import { compilePlaybook, type CompiledPlaybook } from "../../playbooks/compile.ts";
import { assert } from "../../shared/assert.ts";
import { catalogue } from "../../signals/catalogue.ts";
import { asSeenAt } from "../../signals/signal.ts";
import { isLookFresh } from "../../status-page/view.ts";
import { answers, forRole, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { doctorReport } from "../doctor-report.ts";

const finding = z
  .object({
    kind: z.enum(["signal", "actuator", "channel", "review", "owner", "monitor"]),
    id: z.string(),
    state: z.enum(["ok", "missing", "failing", "due"]),
    detail: z.string().nullable(),
    mend: z.string().nullable(),
  })
  .openapi("Finding");

const report = z
  .object({
    ok: z.boolean(),
    site: z.array(finding),
    playbooks: z.array(z.object({ playbook: z.string(), findings: z.array(finding) })),
  })
  .openapi("DoctorReport");

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/doctor",
  tags: ["doctor"],
  summary: "What is configured, missing or failing, per playbook, and what mends it",
  responses: { 200: answers(report, "The report"), ...problems },
});

export function doctorRoutes(api: Api, deps: HttpDeps): void {
  let compiled: readonly CompiledPlaybook[] | null = null;

  api.openapi(read, async (c) => {
    compiled ??= compileAll(deps);
    const nowMs = deps.now();
    const [status, { signals }] = await Promise.all([
      deps.monitor.status(),
      deps.monitor.signals(),
    ]);
    const { ok, site, playbooks } = doctorReport({
      playbooks: compiled,
      signals: asSeenAt(signals, nowMs),
      sourceOf: (name) => catalogue[name]?.source ?? null,
      parts: deps.parts,
      isTickFresh: isLookFresh(status, nowMs),
      nowMs,
    });
    return c.json(
      {
        ok,
        site: [...site],
        playbooks: playbooks.map(({ playbook, findings }) => ({
          playbook,
          findings: [...findings],
        })),
      },
      200,
    );
  });
}

const compileAll = ({ bundle, vocabulary }: HttpDeps): readonly CompiledPlaybook[] =>
  bundle.playbooks.map((bundled) => {
    const playbook = compilePlaybook(bundled, vocabulary);
    assert(playbook.ok, "a bundled playbook was checked by the build");
    return playbook.value;
  });
