/**
 * A zone's rules, by the phase of a request in which they are asked. One is added, changed or removed by itself: whatever other rules are
 * there, and whoever's, they stay as they are.
 */
import { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { Cloudflare, CloudflareFailure } from "./cloudflare.ts";

export type EdgePhase =
  | "http_request_firewall_custom"
  | "http_ratelimit"
  | "http_config_settings"
  | "http_request_cache_settings";

/** Only at the endpoint of a phase: it never had a rule. */
const NO_RULES_CODE = 10003;
/** Only where a ruleset is made: somebody made the phase's meanwhile. */
const RULESET_EXISTS_CODE = 20217;
/** The phase has as many rules as the plan allows. */
const FULL_CODE = 50001;
const RULES_MAX = 1_000;

/** What a rule is, besides its place. `ref` is ours to choose, and what it is found by. */
export type EdgeRuleDraft = {
  readonly ref: string;
  readonly description: string;
  readonly expression: string;
  readonly action: string;
  readonly action_parameters?: Readonly<Record<string, unknown>>;
  readonly ratelimit?: Readonly<Record<string, unknown>>;
};
export type EdgeRule = EdgeRuleDraft & { readonly id: string; readonly enabled: boolean };
/** `rulesetId` is null while the phase never had a rule. */
export type EdgeRules = { readonly rulesetId: string | null; readonly rules: readonly EdgeRule[] };
type Answer<T> = Promise<Result<T, CloudflareFailure>>;

const words = z.string().catch("");
const parameters = z.record(z.string(), z.unknown()).catch({});
const ruleset = z.object({
  id: z.string().min(1),
  rules: z
    .array(
      z.object({
        id: z.string().min(1),
        ref: words,
        description: words,
        expression: words,
        action: words,
        action_parameters: parameters,
        ratelimit: parameters,
        enabled: z.boolean().catch(true),
      }),
    )
    .max(RULES_MAX)
    .nullish()
    .transform((rules) => rules ?? []),
});

export async function readRules(
  { call }: Cloudflare,
  zone: string,
  phase: EdgePhase,
): Answer<EdgeRules> {
  const path = `/rulesets/phases/${phase}/entrypoint`;
  const answer = await call({ method: "GET", zone, path, result: ruleset });
  if (answer.ok) return ok({ rulesetId: answer.value.id, rules: answer.value.rules });
  const isEmpty = answer.error.errors.some(({ code }) => code === NO_RULES_CODE);
  return answer.error.status === 404 && isEmpty ? ok({ rulesetId: null, rules: [] }) : answer;
}

/** Adds it behind all that are there. A phase without rules gets its ruleset made, never replaced. */
export async function addRule(
  { call }: Cloudflare,
  zone: string,
  { phase, rulesetId, rule }: RulePlace & { readonly rule: EdgeRuleDraft },
): Answer<null> {
  const body = { ...rule, enabled: true };
  const added = await call(
    rulesetId === null
      ? {
          method: "POST",
          zone,
          path: "/rulesets",
          body: { name: "default", kind: "zone", phase, rules: [body] },
          result: ruleset,
        }
      : { method: "POST", zone, path: rulesPath(rulesetId), body, result: ruleset },
  );
  if (added.ok) return ok(null);
  const isLate = added.error.errors.some(({ code }) => code === RULESET_EXISTS_CODE);
  return rulesetId === null && isLate ? err({ ...added.error, class: "retry" }) : added;
}

/** Is it refused because the zone's plan has no room for another? */
export const isFull = (failure: Failure & Partial<CloudflareFailure>): boolean =>
  failure.errors?.some(({ code }) => code === FULL_CODE) === true;

type RulePlace = { readonly phase: EdgePhase; readonly rulesetId: string | null };
type OneRule = { readonly rulesetId: string; readonly id: string };

export async function changeRule(
  { call }: Cloudflare,
  zone: string,
  { rulesetId, id, rule }: OneRule & { readonly rule: EdgeRuleDraft },
): Answer<null> {
  const body = { ...rule, enabled: true };
  const path = rulePath(rulesetId, id);
  const changed = await call({ method: "PATCH", zone, path, body, result: ruleset });
  return changed.ok ? ok(null) : changed;
}

/** One that is gone is gone. */
export async function removeRule(
  { call }: Cloudflare,
  zone: string,
  { rulesetId, id }: OneRule,
): Answer<null> {
  const path = rulePath(rulesetId, id);
  const removed = await call({ method: "DELETE", zone, path, result: z.unknown() });
  return removed.ok || removed.error.status === 404 ? ok(null) : removed;
}

const rulesPath = (rulesetId: string): string => `/rulesets/${encodeURIComponent(rulesetId)}/rules`;
const rulePath = (rulesetId: string, id: string): string =>
  `${rulesPath(rulesetId)}/${encodeURIComponent(id)}`;
