import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import * as z from "zod";
import { limitActionOf, limitMatchOf, limitWords } from "../../policy/limit-words.ts";
import { limiterName } from "../../limiter/limiter-api.ts";
import { problemAnswer } from "../answers.ts";
import type { RequestFacts } from "../facts.ts";
import { announcing } from "../limits/announce.ts";
import { Counters } from "../limits/counters.ts";
import type { Shard } from "../limits/limiter-link.ts";
import { NO_METER, type Meter } from "../limits/meter.ts";
import { fixedPolicy } from "./fixed-policy.ts";
import { replace } from "./proceed.ts";
import { decideStanding, standingSettings, standingWords } from "./standing.ts";
import { say } from "../../shared/log.ts";

const options = limitWords.safeExtend({
  ...standingWords,
  /** What a shard that does not answer means, or a fault here: it is served, or refused. */
  fail: z.enum(["open", "closed"]).default("open"),
  /** Among how many shards keys are spread. */
  shards: z.int().min(1).max(256).default(4),
});

export type RateLimitOptions<Env extends object> = z.input<typeof options> & {
  /**
   * Where isolates share what they count: bind an object of class `LimiterObject` (`firebreak/limiter`), and get it by the given
   * name. Without it each isolate counts alone.
   */
  readonly limiter?: (env: Env, name: string) => Shard;
};

/**
 * Answers who sends more than the limit with 429, the `RateLimit` fields and `Retry-After`: 50 requests in 60 s for each address,
 * unless options say otherwise. For an app without a control plane. Throws at construction on options that are wrong.
 */
export const rateLimit = <Env extends object = object>({
  limiter,
  ...given
}: RateLimitOptions<Env>) => {
  const parsed = options.parse(given);
  const { fail, shards } = parsed;
  const entry = { kind: "rate-limit", match: limitMatchOf(parsed), fail } as const;
  const loaded = fixedPolicy(
    { ...entry, action: limitActionOf(parsed) },
    { ...standingSettings(parsed), limiterShards: shards },
  );
  const countersOf = countersBy(limiter);

  return createMiddleware<{ Bindings: Env }>(async function rateLimit(c, next) {
    const waitUntil = (promise: Promise<unknown>): void => c.executionCtx.waitUntil(promise);
    const meterFor = (facts: RequestFacts): Meter =>
      loaded.limits === null
        ? NO_METER
        : countersOf(c.env).meter(facts, loaded.limits, { shards, waitUntil });
    const decided = await decideStanding(c, loaded, meterFor).catch(faultOf);
    if (decided === null) return fail === "open" ? next() : faultAnswer(c);
    const { response, decision, meter } = decided;
    if (response !== null) return response;
    const announced = decision.announced.map((limit) => ({ limit, left: meter.left(limit) }));
    await next();
    return replace(c, announcing(c.res, announced));
  });
};

/** One isolate's counters; with shards, one for each environment, because that is where they are found. */
function countersBy<Env extends object>(
  limiter: RateLimitOptions<Env>["limiter"],
): (env: Env) => Counters {
  const newIsolateId = (): number => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const alone = new Counters({ shard: null, newIsolateId });
  if (limiter === undefined) return () => alone;
  const held = new WeakMap<Env, Counters>();
  return (env) => {
    const counters =
      held.get(env) ?? new Counters({ shard: (n) => limiter(env, limiterName(n)), newIsolateId });
    held.set(env, counters);
    return counters;
  };
}

/** A fault of ours is no reason to refuse anybody, unless the limit says so. */
function faultOf(fault: unknown): null {
  say("error", { part: "guard", detail: "the rate limit failed", fault: String(fault) });
  return null;
}

const faultAnswer = (c: Context): Response =>
  problemAnswer(c.req.raw, "guard-fault", {
    title: "Temporarily unavailable",
    detail: "This request cannot be handled safely at the moment. Please try again shortly.",
  });
