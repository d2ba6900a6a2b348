/**
 * What mitigations share that are one rule of the zone at Cloudflare. Its `ref` is the lease's id, by which it is found; its description
 * begins with the mark, and after it a print of what the rule says: one that somebody changed is theirs, and stays.
 */
import { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import {
  addRule,
  changeRule,
  readRules,
  removeRule,
  type EdgePhase,
  type EdgeRule,
  type EdgeRuleDraft,
} from "../platform/cloudflare-rulesets.ts";
import { sha256Hex } from "../shared/ids.ts";
import { ok, type Result } from "../shared/result.ts";
import type { AppliedLease, Inspection, LeaseActuator, Reverted, Traits } from "./actuator.ts";
import { edgeOf, missingEdge, refuse, type Edge } from "./edge.ts";
import { readMark, writeMark } from "./mark.ts";
import type { Marking } from "./reaper.ts";

/** Nothing stood there before: the rule is named by the lease. */
const noPrior = z.object({ rule: z.null() });
export type NoRule = z.infer<typeof noPrior>;

/** A rule, in Cloudflare's words. */
export type RuleWords = Pick<
  EdgeRuleDraft,
  "expression" | "action" | "action_parameters" | "ratelimit"
>;

type Given<Options> = {
  readonly id: string;
  readonly phase: EdgePhase;
  /** What the rule says; it may ask the zone what it may say. */
  readonly ruleOf: (options: Options, edge: Edge) => Promise<Result<RuleWords, Failure>>;
  readonly traits: Traits;
  readonly touches: (options: Options) => string;
};
type Functions<Options> = Omit<LeaseActuator<string, Options, NoRule>, "id" | "kind" | "options">;

/** What stands in the phase for one lease. */
export type RuleStanding = { readonly rulesetId: string | null; readonly rule: EdgeRule | null };

/** The functions of an actuator whose lease is one rule. */
export function edgeRule<Options>({
  phase,
  ruleOf,
  traits,
  touches,
}: Given<Options>): Functions<Options> {
  type Lease = AppliedLease<Options, NoRule>;
  const standingOf = async ({ id }: Pick<Lease, "id">, edge: Edge) => lookAtRule(edge, phase, id);
  return {
    prior: noPrior,
    traits,
    plan: (options) => ({ ...traits, touches: touches(options) }),
    missing: missingEdge,

    async apply(lease, reach) {
      const edge = edgeOf(reach);
      if (!edge.ok) return edge;
      if (lease.expiresAtMs <= edge.value.now()) return refuse("the lease has ended already");
      const standing = await standingOf(lease, edge.value);
      if (!standing.ok) return standing;
      if (whoseRule(standing.value) === "changed") return refuse("somebody changed the rule since");
      const words = await ruleOf(lease.options, edge.value);
      if (!words.ok) return words;
      const { expression, action, ratelimit = null } = words.value;
      const applied = { prior: { rule: null }, receipt: { expression, action, ratelimit } };
      // A rehearsal ends here: it has found out what it would do.
      if (lease.shadow) return ok(applied);
      const rule = ruleDraft(lease, edge.value, { words: words.value });
      const put = await putRule(edge.value, phase, { standing: standing.value, rule });
      return put.ok ? ok(applied) : put;
    },

    async verify(lease, reach) {
      const edge = edgeOf(reach);
      if (!edge.ok) return edge;
      const standing = await standingOf(lease, edge.value);
      if (!standing.ok) return standing;
      if (lease.shadow) return ok(true);
      const { rule } = standing.value;
      if (rule === null || !isIntact(rule)) return ok(false);
      return ok(readMark(rule.description)?.expiresAtMs === lease.expiresAtMs);
    },

    async inspect(lease, reach) {
      const edge = edgeOf(reach);
      if (!edge.ok) return "unknown";
      const standing = await standingOf(lease, edge.value);
      return standing.ok ? whoseRule(standing.value) : "unknown";
    },

    async revert(lease, reach) {
      const edge = edgeOf(reach);
      if (!edge.ok) return edge;
      const standing = await standingOf(lease, edge.value);
      return standing.ok ? removeOurRule(edge.value, standing.value) : standing;
    },
  };
}

/** For the reaper: the rules of every lease in the phase that nobody has changed, or those that are ours by another sign. */
export const edgeRuleMarking = (
  { id: actuator, phase }: Pick<Given<never>, "id" | "phase">,
  isOurs: (rule: EdgeRule) => boolean = isIntact,
): Marking => ({
  actuator,
  async marked(reach) {
    if (missingEdge(reach) !== null) return ok([]);
    const edge = edgeOf(reach);
    if (!edge.ok) return edge;
    const rules = await readRules(edge.value.api, edge.value.zone, phase);
    if (!rules.ok) return rules;
    return ok(
      rules.value.rules.filter(isOurs).flatMap(({ id, description }) => {
        const mark = readMark(description);
        return mark === null ? [] : [{ mark, place: id }];
      }),
    );
  },
  async undo({ mark }, reach) {
    const edge = edgeOf(reach);
    if (!edge.ok) return edge;
    const standing = await lookAtRule(edge.value, phase, mark.leaseId);
    if (!standing.ok) return standing;
    // Renewed since, or written by another instance.
    const found = readMark(standing.value.rule?.description ?? "");
    if (found !== null && writeMark(found) !== writeMark(mark)) return ok("changed");
    return removeOurRule(edge.value, standing.value);
  },
});

/** The rule of one lease. */
export async function lookAtRule(
  { api, zone }: Edge,
  phase: EdgePhase,
  leaseId: string,
): Promise<Result<RuleStanding, Failure>> {
  const rules = await readRules(api, zone, phase);
  if (!rules.ok) return rules;
  return ok({
    rulesetId: rules.value.rulesetId,
    rule: rules.value.rules.find(({ ref }) => ref === leaseId) ?? null,
  });
}

/** Adds it, or has it say what it should by now. */
export async function putRule(
  { api, zone }: Edge,
  phase: EdgePhase,
  { standing, rule }: { readonly standing: RuleStanding; readonly rule: EdgeRuleDraft },
): Promise<Result<null, Failure>> {
  const { rulesetId, rule: there } = standing;
  if (there === null || rulesetId === null) return addRule(api, zone, { phase, rulesetId, rule });
  if (there.description === rule.description) return ok(null);
  return changeRule(api, zone, { rulesetId, id: there.id, rule });
}

const whoseRule = ({ rule }: RuleStanding): Exclude<Inspection, "unknown"> => {
  if (rule === null) return "gone";
  return isIntact(rule) ? "ours" : "changed";
};

async function removeOurRule(
  { api, zone }: Edge,
  standing: RuleStanding,
): Promise<Result<Reverted, Failure>> {
  const whose = whoseRule(standing);
  const { rulesetId, rule } = standing;
  if (whose !== "ours" || rulesetId === null || rule === null) {
    return ok(whose === "changed" ? "changed" : "gone");
  }
  const removed = await removeRule(api, zone, { rulesetId, id: rule.id });
  return removed.ok ? ok("restored") : removed;
}

/** `says` is for people, and for whoever takes the rule back. */
export const ruleDraft = (
  { id: leaseId, expiresAtMs }: Pick<AppliedLease<unknown, unknown>, "id" | "expiresAtMs">,
  { instance }: Edge,
  { words, says = "Firebreak removes it" }: { readonly words: RuleWords; readonly says?: string },
): EdgeRuleDraft => ({
  ref: leaseId,
  description: `${writeMark({ instance, leaseId, expiresAtMs })} ${printOf(words)} ${says}`,
  ...words,
});

/** Parameters that say how much a rule does. Cloudflare adds others of its own, so that not all can be in the print. */
const PARAMETERS_PRINTED = [
  "security_level",
  "period",
  "requests_per_period",
  "mitigation_timeout",
] as const;

/** Of what the vendor gives back as it was given. */
function printOf({ expression, action, action_parameters, ratelimit }: RuleWords): string {
  const given = { ...action_parameters, ...ratelimit };
  const parameters = PARAMETERS_PRINTED.map((name) => given[name] ?? null);
  const kept = keptFor.safeParse(action_parameters);
  // Only where there is one, so that the print of a rule from before there were any stays what it was.
  if (kept.success) parameters.push(kept.data.edge_ttl.default);
  return sha256Hex(JSON.stringify([action, expression, ...parameters])).slice(0, 16);
}

/** Of a rule about copies: how long they answer, in seconds. */
const keptFor = z.looseObject({ edge_ttl: z.looseObject({ default: z.int() }) });

export function isIntact(rule: EdgeRule): boolean {
  const mark = readMark(rule.description);
  if (!rule.enabled || mark === null || mark.leaseId !== rule.ref) return false;
  return rule.description.startsWith(`${writeMark(mark)} ${printOf(rule)} `);
}
