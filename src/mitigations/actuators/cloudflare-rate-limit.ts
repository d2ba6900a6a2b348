/**
 * Has Cloudflare challenge or refuse whoever of the named clients, or on the named routes, asks too often, each address and each of
 * Cloudflare's places by itself; as nearly as the zone's plan lets a rule say it.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { readPlan, type ZonePlan } from "../../platform/cloudflare-zone.ts";
import { networkTexts, routes } from "../../policy/words.ts";
import { ok, type Result } from "../../shared/result.ts";
import { defineLease } from "../actuator.ts";
import { durationOption, msOf } from "../duration-option.ts";
import { edgeNetwork } from "../edge-blocks.ts";
import { allOf, EXPRESSION_CHARS_MAX, fromNetworks, onRoutes } from "../edge-expression.ts";
import { edgeRule, edgeRuleMarking, type RuleWords } from "../edge-rule.ts";
import { refuse } from "../edge.ts";
import { namesOf } from "../lease-networks.ts";

const ID = "cloudflare-rate-limit";
const PHASE = "http_ratelimit";
const HOUR_MS = 3_600_000;
/** What a plan lets one rule count over, and how long it lets it refuse, in seconds. */
const PERIODS = [10, 60, 120, 300, 600, 3_600] as const;
const PERIOD_MAX: Readonly<Record<ZonePlan, number>> = {
  free: 10,
  pro: 60,
  business: 600,
  enterprise: 3_600,
};
/** A rule of these plans cannot say whose requests it counts. */
const PATHS_ONLY: readonly ZonePlan[] = ["free", "pro"];

const options = z
  .strictObject({
    limit: z.int().min(1).max(1_000_000),
    window: durationOption(1_000, HOUR_MS),
    /** Whoever exceeds it is challenged each time, or refused for as long as the window is. */
    beyond: z.enum(["challenge", "refuse"]).default("challenge"),
    /** Only these clients; plans below Business can only name routes. */
    networks: networkTexts.optional(),
    /** Only here. */
    routes: routes.optional(),
  })
  .refine(({ networks, routes: named }) => networks !== undefined || named !== undefined, {
    path: ["networks"],
    message: "name networks, or routes: a page with its pictures is many requests",
  })
  .refine((given) => expressionOf(given).length <= EXPRESSION_CHARS_MAX, {
    path: ["networks"],
    message: `are more than a rule may name in ${EXPRESSION_CHARS_MAX} characters`,
  });
type Options = z.infer<typeof options>;

const rule = {
  id: ID,
  phase: PHASE,
  async ruleOf(given: Options, { api, zone }): Promise<Result<RuleWords, Failure>> {
    const plan = await readPlan(api, zone);
    return plan.ok ? wordsFor(given, plan.value) : plan;
  },
  traits: {
    siteWide: false,
    masks: [],
    // A flood that a part of the clients may send is a flood.
    release: "at_once",
  },
  touches: ({ limit, window, networks, routes: named }: Options) =>
    `who sends more than ${limit} requests in ${window}, of ${networks === undefined ? "all" : namesOf(networks)}, to ${named?.join(", ") ?? "the site"}, at Cloudflare`,
} satisfies Parameters<typeof edgeRule<Options>>[0];

export const cloudflareRateLimit = defineLease({
  id: ID,
  kind: "lease",
  options,
  ...edgeRule(rule),
});
export const cloudflareRateLimitMarking = edgeRuleMarking(rule);

/** Pure: the nearest that the plan allows. A shorter period has its share of the requests. */
export function wordsFor(given: Options, plan: ZonePlan): Result<RuleWords, Failure> {
  if (given.networks !== undefined && PATHS_ONLY.includes(plan)) {
    return refuse(`the zone's plan (${plan}) has no limit for some clients, only for routes`);
  }
  const wantedSeconds = msOf(given.window) / 1_000;
  const allowed = PERIODS.filter((seconds) => seconds <= PERIOD_MAX[plan]);
  const period = allowed.findLast((seconds) => seconds <= wantedSeconds) ?? PERIODS[0];
  const isChallenge = given.beyond === "challenge";
  return ok({
    expression: expressionOf(given),
    action: isChallenge ? "managed_challenge" : "block",
    ratelimit: {
      characteristics: ["cf.colo.id", "ip.src"],
      period,
      requests_per_period: Math.max(1, Math.ceil((given.limit * period) / wantedSeconds)),
      // Who met a challenge begins anew; a plan below Enterprise knows nothing else.
      mitigation_timeout: isChallenge ? 0 : period,
    },
  });
}

type About = {
  readonly networks?: readonly string[] | undefined;
  readonly routes?: readonly string[] | undefined;
};
const expressionOf = ({ networks, routes: named }: About): string =>
  allOf([
    ...(networks === undefined ? [] : [fromNetworks(networks.map(edgeNetwork))]),
    ...(named === undefined ? [] : [onRoutes(named)]),
  ]);
