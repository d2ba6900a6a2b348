/** The rules of a zone by phase, as the stand-in for Cloudflare's API keeps them: it refuses what the zone's plan does not have. */
import type { Hono } from "hono";
import { z } from "zod";
import { answer, invalid, json, refuse } from "./cloudflare-answers.ts";

export const PLANS = ["free", "pro", "business", "enterprise"] as const;
export type Plan = (typeof PLANS)[number];

const PHASES = [
  "http_request_firewall_custom",
  "http_ratelimit",
  "http_config_settings",
  "http_request_cache_settings",
] as const;
type Phase = (typeof PHASES)[number];

const EXPRESSION_CHARS_MAX = 4_096;
const RULES_MAX: Readonly<Record<Phase, Readonly<Record<Plan, number>>>> = {
  http_request_firewall_custom: { free: 5, pro: 20, business: 100, enterprise: 1_000 },
  http_ratelimit: { free: 1, pro: 2, business: 5, enterprise: 100 },
  http_config_settings: { free: 10, pro: 25, business: 50, enterprise: 300 },
  http_request_cache_settings: { free: 10, pro: 25, business: 50, enterprise: 300 },
};

const CHALLENGES = ["managed_challenge", "js_challenge", "challenge"];
const ACTIONS: Readonly<Record<Phase, readonly string[]>> = {
  http_request_firewall_custom: ["block", ...CHALLENGES, "log", "skip"],
  http_ratelimit: ["block", ...CHALLENGES, "log"],
  http_config_settings: ["set_config"],
  http_request_cache_settings: ["set_cache_settings"],
};

const words = {
  ref: z.string().min(1).max(200),
  description: z.string().max(500).default(""),
  expression: z.string().min(1).max(EXPRESSION_CHARS_MAX),
  action: z.string(),
  enabled: z.boolean().default(true),
  action_parameters: z.record(z.string(), z.unknown()).optional(),
  ratelimit: z.record(z.string(), z.unknown()).optional(),
};
const asked = z.strictObject({ ...words, ref: words.ref.optional() });
const rule = z.strictObject({ id: z.string().min(1), version: z.string().default("1"), ...words });
type Rule = z.output<typeof rule>;
const ruleset = z.strictObject({
  id: z.string().min(1),
  phase: z.enum(PHASES),
  version: z.string().default("1"),
  rules: z.array(rule).default([]),
});
/** What a PUT on the control path may set of it. */
export const ruled = z.object({ rulesets: z.array(ruleset).default([]) });
type Ruled = z.output<typeof ruled>;

const newRuleset = z.strictObject({
  name: z.string().min(1),
  kind: z.literal("zone"),
  phase: z.enum(PHASES),
  rules: z.array(asked).default([]),
});

export type RulesetsOptions = {
  readonly plan: () => Plan;
  /** Is there a list of that name in the account? */
  readonly isList: (name: string) => boolean;
};

/** Routes below the zone. */
export function rulesetRoutes(app: Hono, world: () => Ruled, options: RulesetsOptions): void {
  const of = (phase: string) => world().rulesets.find((one) => one.phase === phase);
  const find = (id: string) => world().rulesets.find((one) => one.id === id);
  const shown = (one: z.output<typeof ruleset>) => ({
    ...one,
    name: "default",
    kind: "zone",
    last_updated: "2026-11-25T00:00:00Z",
  });

  app.get("/rulesets/phases/:phase/entrypoint", (c) => {
    const phase = c.req.param("phase");
    const found = of(phase);
    return found === undefined
      ? refuse(c, 404, {
          code: 10_003,
          message: `could not find entrypoint ruleset in the ${phase} phase`,
        })
      : answer(c, shown(found));
  });

  app.post("/rulesets", async (c) => {
    const body = newRuleset.safeParse(await json(c));
    if (!body.success) return invalid(c, body.error);
    const { phase, rules } = body.data;
    if (of(phase) !== undefined) {
      return refuse(c, 400, {
        code: 20_217,
        message: `'zone' is not a valid value for kind because exceeded maximum number of zone rulesets for phase ${phase}`,
      });
    }
    const made = ruleset.parse({ id: hexId(), phase, rules: rules.map(withId) });
    const problem = problemWith(made.phase, made.rules, options);
    if (problem !== null) return refuse(c, 400, problem);
    world().rulesets.push(made);
    return answer(c, shown(made));
  });

  app.post("/rulesets/:id/rules", async (c) => {
    const one = find(c.req.param("id"));
    if (one === undefined) return refuse(c, 404, NO_RULESET);
    const body = asked.safeParse(await json(c));
    if (!body.success) return invalid(c, body.error);
    const rules = [...one.rules, rule.parse(withId(body.data))];
    const problem = problemWith(one.phase, rules, options);
    if (problem !== null) return refuse(c, 400, problem);
    return answer(c, shown(changed(one, rules)));
  });

  app.patch("/rulesets/:id/rules/:rule", async (c) => {
    const one = find(c.req.param("id"));
    const before = one?.rules.find(({ id }) => id === c.req.param("rule"));
    if (one === undefined || before === undefined) return refuse(c, 404, NO_RULE);
    const body = asked.safeParse(await json(c));
    if (!body.success) return invalid(c, body.error);
    const after = rule.parse({
      ...body.data,
      ref: body.data.ref ?? before.ref,
      id: before.id,
      version: String(Number(before.version) + 1),
    });
    const rules = one.rules.map((known) => (known === before ? after : known));
    const problem = problemWith(one.phase, rules, options);
    if (problem !== null) return refuse(c, 400, problem);
    return answer(c, shown(changed(one, rules)));
  });

  app.delete("/rulesets/:id/rules/:rule", (c) => {
    const one = find(c.req.param("id"));
    const rules = one?.rules.filter(({ id }) => id !== c.req.param("rule")) ?? [];
    if (one === undefined || rules.length === one.rules.length) return refuse(c, 404, NO_RULE);
    return answer(c, shown(changed(one, rules)));
  });
}

const NO_RULESET = { code: 10_004, message: "could not find ruleset" };
const NO_RULE = { code: 10_005, message: "could not find rule" };

/** Each change is a version of its own. */
function changed(one: z.output<typeof ruleset>, rules: Rule[]): z.output<typeof ruleset> {
  one.rules = rules;
  one.version = String(Number(one.version) + 1);
  return one;
}

const hexId = (): string => crypto.randomUUID().replaceAll("-", "");
/** A rule without a name of its own is named by its id. */
const withId = (given: z.output<typeof asked>) => {
  const id = hexId();
  return { ...given, id, ref: given.ref ?? id };
};

type Problem = { readonly code: number; readonly message: string };

/** What is wrong with the rules of a phase, all together, or null. */
function problemWith(
  phase: Phase,
  rules: readonly Rule[],
  { plan, isList }: RulesetsOptions,
): Problem | null {
  const most = RULES_MAX[phase][plan()];
  if (rules.length > most) {
    return {
      code: 50_001,
      message: `exceeded the maximum number of rules in the phase ${phase}: ${rules.length} out of ${most}`,
    };
  }
  if (new Set(rules.map(({ ref }) => ref)).size < rules.length) {
    return { code: 20_126, message: "a ref may be used once in a ruleset" };
  }
  for (const one of rules) {
    if (!ACTIONS[phase].includes(one.action)) {
      return { code: 20_016, message: `the action ${one.action} is not allowed in ${phase}` };
    }
    const unknown = listsIn(one.expression).find((name) => !isList(name));
    if (unknown !== undefined || !isBalanced(one.expression)) {
      return { code: 20_127, message: "the expression is invalid: filter parsing error" };
    }
    const problem =
      phase === "http_ratelimit"
        ? limitProblem(one, plan())
        : (shapeProblem(phase, one) ?? cacheProblem(one, plan()));
    if (problem !== null) return problem;
  }
  return null;
}

/** The lists that an expression names. */
export const listsIn = (expression: string): readonly string[] =>
  [...withoutTexts(expression).matchAll(/\$([a-z0-9_]+)/g)].flatMap(([, name]) => name ?? []);

const withoutTexts = (expression: string): string =>
  expression.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');

function isBalanced(expression: string): boolean {
  let depth = 0;
  for (const letter of withoutTexts(expression)) {
    if (letter === "(") depth += 1;
    if (letter === ")") depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
}

const LEVELS = ["off", "essentially_off", "low", "medium", "high", "under_attack"];
const SHAPES: Readonly<Partial<Record<Phase, z.ZodType>>> = {
  http_config_settings: z.strictObject({ security_level: z.enum(LEVELS) }),
  http_request_cache_settings: z.strictObject({
    cache: z.boolean(),
    edge_ttl: z
      .strictObject({
        mode: z.enum(["respect_origin", "bypass_by_default", "override_origin"]),
        default: z.int().min(1).max(31_536_000).optional(),
        status_code_ttl: z
          .array(
            z.strictObject({
              status_code: z.int().optional(),
              status_code_range: z
                .strictObject({ from: z.int().optional(), to: z.int().optional() })
                .optional(),
              value: z.int().min(-1),
            }),
          )
          .optional(),
      })
      .refine(({ mode, default: ttl }) => (mode === "override_origin") === (ttl !== undefined))
      .optional(),
    browser_ttl: z.strictObject({ mode: z.enum(["respect_origin", "bypass"]) }).optional(),
    serve_stale: z.strictObject({ disable_stale_while_updating: z.boolean() }).optional(),
  }),
};

const SKIPPED = z.strictObject({
  products: z
    .array(z.enum(["bic", "hot", "rateLimit", "securityLevel", "uaBlock", "waf", "zoneLockdown"]))
    .min(1),
});

function shapeProblem(phase: Phase, one: Rule): Problem | null {
  const shape = one.action === "skip" ? SKIPPED : SHAPES[phase];
  const checked = shape?.safeParse(one.action_parameters ?? {});
  return checked === undefined || checked.success
    ? null
    : { code: 20_021, message: `invalid action parameters: ${z.prettifyError(checked.error)}` };
}

/** In seconds: for less no rule of the plan keeps a copy. */
const KEPT_MIN: Readonly<Record<Plan, number>> = {
  free: 7_200,
  pro: 3_600,
  business: 1,
  enterprise: 1,
};
const kept = z.looseObject({ edge_ttl: z.looseObject({ default: z.int() }) });

function cacheProblem({ action_parameters }: Rule, plan: Plan): Problem | null {
  const given = kept.safeParse(action_parameters);
  const seconds = given.success ? given.data.edge_ttl.default : Infinity;
  return seconds >= KEPT_MIN[plan]
    ? null
    : {
        code: 20_021,
        message: `not entitled to use an edge TTL of ${seconds} seconds, at least ${KEPT_MIN[plan]}`,
      };
}

const limit = z.strictObject({
  characteristics: z.array(z.string()).min(1),
  period: z.int(),
  requests_per_period: z.int().min(1),
  mitigation_timeout: z.int().min(0),
  requests_to_origin: z.boolean().optional(),
  counting_expression: z.string().optional(),
});
const PERIODS = [10, 60, 120, 300, 600, 3_600];
const TIMEOUTS = [10, 60, 120, 300, 600, 3_600, 86_400];
const PERIOD_MAX: Readonly<Record<Plan, number>> = {
  free: 10,
  pro: 60,
  business: 600,
  enterprise: 3_600,
};
const TIMEOUT_MAX: Readonly<Record<Plan, number>> = {
  free: 10,
  pro: 3_600,
  business: 86_400,
  enterprise: 86_400,
};
const FIELDS: Readonly<Record<Exclude<Plan, "enterprise">, readonly string[]>> = {
  free: ["http.request.uri.path", "cf.client.bot"],
  pro: [
    "http.host",
    "http.request.uri",
    "http.request.full_uri",
    "http.request.uri.path",
    "http.request.uri.query",
    "cf.client.bot",
  ],
  business: [
    "http.host",
    "http.request.uri",
    "http.request.full_uri",
    "http.request.uri.path",
    "http.request.uri.query",
    "http.request.method",
    "ip.src",
    "http.user_agent",
    "cf.client.bot",
  ],
};

function limitProblem({ action, expression, ratelimit }: Rule, plan: Plan): Problem | null {
  const given = limit.safeParse(ratelimit);
  if (!given.success) return { code: 20_155, message: z.prettifyError(given.error) };
  const { characteristics, period, mitigation_timeout: timeout } = given.data;
  const not = (message: string): Problem => ({ code: 20_155, message });
  if (!characteristics.includes("cf.colo.id")) {
    return not(
      "characteristics field is missing 'cf.colo.id', this is required as ratelimiting counting is processed at colocation level only",
    );
  }
  const others = characteristics.filter((one) => one !== "cf.colo.id");
  const may = plan === "free" || plan === "pro" ? ["ip.src"] : ["ip.src", "cf.unique_visitor_id"];
  if (others.length !== 1 || others.some((one) => !may.includes(one))) {
    return not(`not entitled to use the characteristics ${others.join(", ")}`);
  }
  const periods = PERIODS.filter((seconds) => seconds <= PERIOD_MAX[plan]);
  if (!periods.includes(period)) {
    return not(
      `not entitled to use the period ${period}, can only use a period among [${periods.join(" ")}]`,
    );
  }
  if (!isTimeout(timeout, CHALLENGES.includes(action), plan))
    return not(`not entitled to use the mitigation timeout ${timeout}`);
  if (plan === "enterprise") return null;
  const strange = fieldsIn(expression).find((field) => !FIELDS[plan].includes(field));
  return strange === undefined ? null : not(`not entitled to use the field ${strange}`);
}

/** Below Enterprise whoever is challenged is challenged each time, and whoever is blocked stays so. */
function isTimeout(seconds: number, isChallenge: boolean, plan: Plan): boolean {
  const isListed = TIMEOUTS.some((one) => one === seconds && one <= TIMEOUT_MAX[plan]);
  if (plan === "enterprise") return seconds === 0 || isListed;
  return isChallenge ? seconds === 0 : isListed;
}

/** Fields have dots in their names; functions and operators have none. */
const fieldsIn = (expression: string): readonly string[] =>
  withoutTexts(expression).match(/[a-z_]+(?:\.[a-z_]+)+/g) ?? [];
