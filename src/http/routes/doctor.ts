/** What is configured, missing or failing, per playbook. */
import { createRoute } from "@hono/zod-openapi";
import { agreedItems, overduePostmortems, REMEMBERED_MS } from "../../postmortem/due.ts";
import { compilePlaybook, type CompiledPlaybook } from "../../playbooks/compile.ts";
import { assert } from "../../shared/assert.ts";
import { catalogue } from "../../signals/catalogue.ts";
import { asSeenAt } from "../../signals/signal.ts";
import { isLookFresh } from "../../status-page/view.ts";
import { answers, forRole, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { doctorReport as reportOf } from "../doctor-report.ts";
import { viewsSince } from "../incident-views.ts";
import { doctorReport } from "../schemas.ts";

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/doctor",
  tags: ["doctor"],
  summary: "What is configured, missing or failing, per playbook, and what mends it",
  responses: { 200: answers(doctorReport, "The report"), ...problems },
});

export function doctorRoutes(api: Api, deps: HttpDeps): void {
  let compiled: readonly CompiledPlaybook[] | null = null;

  api.openapi(read, async (c) => {
    compiled ??= compileAll(deps);
    const nowMs = deps.now();
    // The report must come when Firebreak is ill: what does not answer is a finding.
    const [status, collected, lists, views, silences] = await Promise.allSettled([
      deps.monitor.status(),
      deps.monitor.signals(),
      deps.policy.lists(),
      viewsSince(deps.desk, nowMs - REMEMBERED_MS),
      deps.desk.silences(),
    ]);
    const { ok, site, playbooks } = reportOf({
      playbooks: compiled,
      signals: collected.status === "fulfilled" ? asSeenAt(collected.value.signals, nowMs) : null,
      sourceOf: (name) => catalogue[name]?.source ?? null,
      parts: deps.parts,
      isTickFresh: status.status === "fulfilled" && isLookFresh(status.value, nowMs),
      lists: lists.status === "fulfilled" ? lists.value : "unreachable",
      overdue: views.status === "fulfilled" ? overduePostmortems(views.value, nowMs) : null,
      overdueItems:
        views.status === "fulfilled"
          ? agreedItems(views.value, nowMs).filter(({ isOverdue }) => isOverdue)
          : null,
      silences: silences.status === "fulfilled" ? silences.value : null,
      channels: deps.bundle.site.channels,
      clientAddress: deps.bundle.site.client_address,
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
