/** The deployed playbooks, where their rules stand, and the values that people may change for a while. */
import { createRoute, z } from "@hono/zod-openapi";
import type { RuleReport } from "../../monitor/monitor-api.ts";
import { modeOf } from "../../playbooks/compile.ts";
import { effectiveParams, type Override } from "../../playbooks/params.ts";
import { OVERRIDE_MS_MAX, SITE } from "../../playbooks/overrides.ts";
import { severity } from "../../playbooks/schema.ts";
import { SITE_PARAMS } from "../../playbooks/site-params.ts";
import { answers, forRole, problems, takes, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { setOverride } from "../override.ts";
import { Problem } from "../problems.ts";
import { durationBetween, listOf, moment, text } from "../schemas.ts";
import { iso, withIsoTimes } from "../times.ts";

export const OVERRIDE_MS_MIN = 60_000;

const value = z.union([z.number(), z.boolean(), z.string().max(2_000)]);
const override = z
  .object({
    playbook: z.string(),
    param: z.string(),
    value,
    by: z.string(),
    reason: z.string(),
    expiresAt: moment,
  })
  .openapi("Override");

const rule = z.object({
  id: z.string(),
  why: z.string(),
  /** `inactive`, `pending`, `firing` or `clearing`, and since when. */
  state: z.unknown(),
  truth: z.enum(["true", "false", "unknown", "broken"]).nullable(),
  detail: z.string().nullable(),
});

const playbook = z
  .object({
    id: z.string(),
    title: z.string(),
    owner: z.string(),
    reviewed: z.string(),
    reviewEvery: z.string(),
    sha256: z.string(),
    severity,
    /** In force now; durations are milliseconds. */
    params: z.record(z.string(), value),
    overrides: z.array(override),
    rules: z.array(rule),
    steps: z.array(z.object({ id: z.string(), actuator: z.string(), mode: z.string() })),
    guide: z.string(),
  })
  .openapi("Playbook");

const list = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/playbooks",
  tags: ["playbooks"],
  summary: "The playbooks of this deployment",
  responses: {
    200: answers(
      listOf(playbook).extend({
        /** The site's own values, overridden under the id `site`. */
        site: z.object({ params: z.record(z.string(), value), overrides: z.array(override) }),
      }),
      "All of them",
    ),
    ...problems,
  },
});

const change = createRoute({
  ...forRole("admin"),
  method: "put",
  path: "/api/v1/playbooks/{id}/overrides",
  tags: ["playbooks"],
  summary: "Change a param for a while, without a deploy; `site` is an id too",
  request: {
    params: z.object({ id: z.string().max(60) }),
    body: takes(
      z
        .strictObject({
          param: z.string().max(60),
          value: value.describe("As in YAML: durations are text"),
          reason: text.max(500),
          for: durationBetween(OVERRIDE_MS_MIN, OVERRIDE_MS_MAX),
        })
        .openapi("OverrideRequest"),
    ),
  },
  responses: { 200: answers(override, "In force"), ...problems },
});

const takeBack = createRoute({
  ...forRole("admin"),
  method: "delete",
  path: "/api/v1/playbooks/{id}/overrides/{param}",
  tags: ["playbooks"],
  summary: "Take an override back before it expires",
  request: { params: z.object({ id: z.string().max(60), param: z.string().max(60) }) },
  responses: { 204: { description: "The playbook's own value is in force" }, ...problems },
});

export function playbookRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(list, async (c) => {
    const [overrides, rules] = await Promise.all([deps.monitor.overrides(), deps.monitor.rules()]);
    const live = overrides.filter((given) => given.expiresAtMs > deps.now());
    const ofSite = live.filter((given) => given.playbook === SITE);
    const items = deps.bundle.playbooks.map(({ spec, sha256 }) => {
      const own = live.filter((given) => given.playbook === spec.id);
      return {
        id: spec.id,
        title: spec.title,
        owner: spec.owner,
        reviewed: spec.reviewed,
        reviewEvery: spec.review_every,
        sha256,
        severity: spec.severity.base,
        params: { ...effectiveParams(spec.params, own, deps.now()) },
        overrides: own.map(presentOverride),
        rules: spec.detect.rules.map(({ id, why }) => ({
          id,
          why,
          ...presentReport(rules.find((one) => one.playbook === spec.id && one.rule === id)),
        })),
        steps: spec.mitigate.map((step) => ({
          id: step.id ?? step.do,
          actuator: step.do,
          mode: modeOf(step, deps.vocabulary.actuators[step.do]),
        })),
        guide: spec.guide,
      };
    });
    const site = {
      params: { ...effectiveParams(SITE_PARAMS, ofSite, deps.now()) },
      overrides: ofSite.map(presentOverride),
    };
    return c.json({ items, next: null, site }, 200);
  });

  api.openapi(change, async (c) => {
    const { id } = c.req.valid("param");
    const isKnown = id === SITE || deps.bundle.playbooks.some(({ spec }) => spec.id === id);
    if (!isKnown) throw new Problem("not-found", `There is no playbook "${id}".`);
    const { param, value: wanted, reason, for: forMs } = c.req.valid("json");
    const set = await setOverride(c, deps, { playbook: id, param, value: wanted, reason, forMs });
    return c.json(presentOverride(set), 200);
  });

  takeBackRoute(api, deps);
}

function takeBackRoute(api: Api, deps: HttpDeps): void {
  api.openapi(takeBack, async (c) => {
    const { id, param } = c.req.valid("param");
    const wasThere = await deps.monitor.removeOverride(id, param);
    if (!wasThere) throw new Problem("not-found", `${param} of "${id}" is not overridden.`);
    return c.body(null, 204);
  });
}

const presentOverride = ({ expiresAtMs, ...given }: Override): z.infer<typeof override> => ({
  ...given,
  expiresAt: iso(expiresAtMs),
});

const presentReport = (report: RuleReport | undefined) => ({
  state: withIsoTimes(report?.state ?? null),
  truth: report?.truth ?? null,
  detail: report?.detail ?? null,
});
