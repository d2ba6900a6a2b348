/**
 * Has Cloudflare answer visitors without a cookie from its copies of the named pages, whatever production says of caching. Workers run
 * before that cache: it keeps what they ask an origin in the zone for, and where production is a Worker bound as a service, nothing.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { readPlan, type ZonePlan } from "../../platform/cloudflare-zone.ts";
import { routes } from "../../policy/words.ts";
import { formatDuration } from "../../shared/duration.ts";
import { ok, type Result } from "../../shared/result.ts";
import { defineLease, type EdgeExempt } from "../actuator.ts";
import { durationOption, msOf } from "../duration-option.ts";
import {
  allOf,
  EXPRESSION_CHARS_MAX,
  not,
  onRoutes,
  READS,
  WITHOUT_CREDENTIALS,
} from "../edge-expression.ts";
import { edgeRule, edgeRuleMarking, type RuleWords } from "../edge-rule.ts";
import { refuse } from "../edge.ts";

const ID = "cloudflare-cache";
const PHASE = "http_request_cache_settings";
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const FRESH_MS_MAX = 86_400_000;
/** Cloudflare's word for an answer that is not kept at all. */
const NO_STORE = -1;
/** A rule of a plan may keep a copy for no less than this. */
const FRESH_MS_MIN: Readonly<Record<ZonePlan, number>> = {
  free: 2 * HOUR_MS,
  pro: HOUR_MS,
  business: SECOND_MS,
  enterprise: SECOND_MS,
};

const options = z
  .strictObject({
    /** Only here: what stands behind a sign-in without a cookie, such as an API, must not be among them. */
    routes,
    /** How long a copy answers without production being asked, 1 s to 1 d. */
    fresh: durationOption(SECOND_MS, FRESH_MS_MAX).default("5m"),
  })
  .refine((given) => onRoutes(given.routes).length <= EXPRESSION_CHARS_MAX / 2, {
    path: ["routes"],
    message: `are more than a rule may name in ${EXPRESSION_CHARS_MAX / 2} characters`,
  });
type Options = z.infer<typeof options>;

const rule = {
  id: ID,
  phase: PHASE,
  async ruleOf(given: Options, { api, zone, exempt }): Promise<Result<RuleWords, Failure>> {
    const plan = await readPlan(api, zone);
    return plan.ok ? wordsFor(given, plan.value, exempt) : plan;
  },
  traits: {
    siteWide: false,
    // The guard asks and counts as before, and it is Cloudflare that may not ask on.
    masks: [],
    // A part of the visitors cannot be had at Cloudflare.
    release: "at_once",
  },
  touches: ({ routes: named, fresh }: Options) =>
    `visitors without a cookie, of ${named.join(", ")}, at Cloudflare: what they read is up to ${fresh} old, also where production says that it is for them alone`,
} satisfies Parameters<typeof edgeRule<Options>>[0];

export const cloudflareCache = defineLease({
  id: ID,
  kind: "lease",
  options,
  ...edgeRule(rule),
});
export const cloudflareCacheMarking = edgeRuleMarking(rule);

/** Pure. A plan that keeps copies for longer than was agreed to is refused, not obeyed. */
export function wordsFor(
  { routes: named, fresh }: Options,
  plan: ZonePlan,
  exempt: Pick<EdgeExempt, "routes">,
): Result<RuleWords, Failure> {
  const freshMs = msOf(fresh);
  const leastMs = FRESH_MS_MIN[plan];
  if (freshMs < leastMs) {
    return refuse(
      `the zone's plan (${plan}) keeps a copy for ${formatDuration(leastMs)} at the least, longer than ${fresh}`,
    );
  }
  const expression = allOf([
    onRoutes(named),
    READS,
    WITHOUT_CREDENTIALS,
    not(`(${onRoutes(exempt.routes)})`),
  ]);
  return ok({
    expression,
    action: "set_cache_settings",
    action_parameters: {
      cache: true,
      edge_ttl: {
        mode: "override_origin",
        default: Math.floor(freshMs / SECOND_MS),
        // An error that production gave once, under load, or a way to its sorry page, must not be what everybody gets from then on.
        status_code_ttl: [{ status_code_range: { from: 300, to: 599 }, value: NO_STORE }],
      },
      // What a browser keeps cannot be taken back.
      browser_ttl: { mode: "respect_origin" },
    },
  });
}
