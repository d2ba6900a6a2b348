/**
 * Has Cloudflare show everybody a page that a browser solves and a program does not, but for ourselves and who delivers: by a rule that
 * exempts them, or, where the plan has no room for one, by the zone's setting behind a rule that lets them past it and keeps what it was.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { isFull, removeRule, type EdgeRule } from "../../platform/cloudflare-rulesets.ts";
import {
  readSecurityLevel,
  securityLevel,
  setSecurityLevel,
  UNDER_ATTACK,
  type SecurityLevel,
} from "../../platform/cloudflare-zone.ts";
import { routes } from "../../policy/words.ts";
import { ok, type Result } from "../../shared/result.ts";
import {
  defineLease,
  type AppliedLease,
  type Inspection,
  type Reach,
  type Reverted,
} from "../actuator.ts";
import { exempted, not } from "../edge-expression.ts";
import {
  edgeRule,
  edgeRuleMarking,
  lookAtRule,
  putRule,
  ruleDraft,
  type RuleStanding,
  type RuleWords,
} from "../edge-rule.ts";
import { edgeOf, refuse, type Edge } from "../edge.ts";
import { readMark, writeMark } from "../mark.ts";
import type { Marking } from "../reaper.ts";

const ID = "cloudflare-under-attack";
/** Where the rule is that lets past the zone's setting. */
const NOTE_PHASE = "http_request_firewall_custom";

const options = z.strictObject({
  /** Besides where Firebreak answers and others deliver: what programs call, such as `/api/*`. */
  except: routes.optional(),
});
type Options = z.infer<typeof options>;
type Lease = AppliedLease<Options, { rule: null }>;

const rule = {
  id: ID,
  phase: "http_config_settings",
  ruleOf: async (given: Options, edge: Edge) =>
    ok({
      expression: not(exemptedBy(given, edge)),
      action: "set_config",
      action_parameters: { security_level: UNDER_ATTACK },
    }),
  traits: {
    // It turns nobody away for good who has a browser.
    siteWide: false,
    masks: [],
    release: "at_once",
  },
  touches: ({ except = [] }: Options) =>
    `every visitor, at Cloudflare: a moment's wait for browsers, and no way in for programs but at ${["webhooks", ...except].join(", ")}`,
} as const satisfies Parameters<typeof edgeRule<Options>>[0];

const scoped = edgeRule<Options>(rule);
const scopedMarking = edgeRuleMarking(rule);

/** What stands for the lease where the zone's setting is what was changed: the note, what it was, and what it is. */
type Setting = {
  readonly note: RuleStanding;
  readonly was: SecurityLevel | null;
  readonly is: SecurityLevel;
};

export const cloudflareUnderAttack = defineLease({
  id: ID,
  kind: "lease",
  options,
  ...scoped,

  async apply(lease, reach) {
    const found = await noted(lease.id, reach);
    if (!found.ok) return found;
    const { edge, note } = found.value;
    if (note.rule === null) {
      const applied = await scoped.apply(lease, reach);
      if (applied.ok || !isFull(applied.error)) return applied;
    }
    if (lease.expiresAtMs <= edge.now()) return refuse("the lease has ended already");
    const put = await putSetting(edge, lease, note);
    return put.ok
      ? ok({ prior: { rule: null }, receipt: { setting: UNDER_ATTACK, was: put.value } })
      : put;
  },

  async verify(lease, reach) {
    const found = await noted(lease.id, reach);
    if (!found.ok) return found;
    const { edge, note } = found.value;
    if (note.rule === null) return scoped.verify(lease, reach);
    const level = await readSecurityLevel(edge.api, edge.zone);
    if (!level.ok) return level;
    const mark = readMark(note.rule.description);
    const isNoted = note.rule.enabled && mark?.expiresAtMs === lease.expiresAtMs;
    return ok(isNoted && level.value === UNDER_ATTACK);
  },

  async inspect(lease, reach) {
    const found = await noted(lease.id, reach);
    if (!found.ok) return "unknown";
    const { edge, note } = found.value;
    if (note.rule === null) return scoped.inspect(lease, reach);
    const setting = await readSetting(edge, note);
    return setting.ok ? whoseIs(setting.value) : "unknown";
  },

  async revert(lease, reach) {
    const found = await noted(lease.id, reach);
    if (!found.ok) return found;
    const { edge, note } = found.value;
    return note.rule === null ? scoped.revert(lease, reach) : takeBack(edge, note);
  },
});

/** For the reaper: the rules of every lease, and the notes beside the zone's setting. */
export const cloudflareUnderAttackMarkings: readonly Marking[] = [
  scopedMarking,
  {
    ...edgeRuleMarking({ id: ID, phase: NOTE_PHASE }, isNote),
    async undo({ mark }, reach) {
      const found = await noted(mark.leaseId, reach);
      if (!found.ok) return found;
      const { edge, note } = found.value;
      const there = readMark(note.rule?.description ?? "");
      // Renewed since, or written by another instance.
      if (there !== null && writeMark(there) !== writeMark(mark)) return ok("changed");
      return takeBack(edge, note);
    },
  },
];

async function noted(
  leaseId: string,
  reach: Reach,
): Promise<Result<{ readonly edge: Edge; readonly note: RuleStanding }, Failure>> {
  const edge = edgeOf(reach);
  if (!edge.ok) return edge;
  const note = await lookAtRule(edge.value, NOTE_PHASE, leaseId);
  return note.ok ? ok({ edge: edge.value, note: note.value }) : note;
}

async function readSetting(edge: Edge, note: RuleStanding): Promise<Result<Setting, Failure>> {
  const level = await readSecurityLevel(edge.api, edge.zone);
  if (!level.ok) return level;
  return ok({ note, was: wasIn(note.rule?.description ?? ""), is: level.value });
}

/** Who is exempt is let past first; what the setting was stands in the same rule. */
async function putSetting(
  edge: Edge,
  lease: Lease,
  note: RuleStanding,
): Promise<Result<SecurityLevel, Failure>> {
  const setting = await readSetting(edge, note);
  if (!setting.ok) return setting;
  const whose = note.rule === null ? "gone" : whoseIs(setting.value);
  if (whose === "changed") return refuse("somebody set the zone's security level since");
  const was = setting.value.was ?? setting.value.is;
  if (was === UNDER_ATTACK) return refuse("the zone is under attack already");
  if (lease.shadow) return ok(was);
  const words = letPast(lease.options, edge);
  const says = `was ${was} before, and Firebreak puts it back`;
  const put = await putRule(edge, NOTE_PHASE, {
    standing: note,
    rule: ruleDraft(lease, edge, { words, says }),
  });
  if (!put.ok || setting.value.is === UNDER_ATTACK) return put.ok ? ok(was) : put;
  const set = await setSecurityLevel(edge.api, edge.zone, UNDER_ATTACK);
  return set.ok ? ok(was) : set;
}

/** While it is as it was before, ours is what was only begun. What people changed of the note changes nothing of whose the setting is. */
function whoseIs({ note, was, is }: Setting): Exclude<Inspection, "unknown"> {
  if (note.rule === null) return "gone";
  if (!isNote(note.rule)) return "changed";
  return is === UNDER_ATTACK || is === was ? "ours" : "changed";
}

function isNote({ ref, description }: EdgeRule): boolean {
  return readMark(description)?.leaseId === ref && wasIn(description) !== null;
}

/** Puts the setting back if it is still ours; the note, which lets past it, goes last, and in any case. */
async function takeBack(edge: Edge, note: RuleStanding): Promise<Result<Reverted, Failure>> {
  const setting = await readSetting(edge, note);
  if (!setting.ok) return setting;
  const { was, is } = setting.value;
  const whose = whoseIs(setting.value);
  if (whose === "ours" && is === UNDER_ATTACK && was !== null) {
    const set = await setSecurityLevel(edge.api, edge.zone, was);
    if (!set.ok) return set;
  }
  const { rulesetId, rule: own } = note;
  if (rulesetId !== null && own !== null && isNote(own)) {
    const removed = await removeRule(edge.api, edge.zone, { rulesetId, id: own.id });
    if (!removed.ok) return removed;
  }
  return ok(whose === "ours" ? "restored" : whose);
}

const letPast = (given: Options, edge: Edge): RuleWords => ({
  expression: `(${exemptedBy(given, edge)})`,
  action: "skip",
  action_parameters: { products: ["securityLevel"] },
});

const exemptedBy = ({ except = [] }: Options, { exempt }: Edge): string =>
  exempted({ ...exempt, routes: [...exempt.routes, ...except] });

function wasIn(description: string): SecurityLevel | null {
  const [, level] = / was ([a-z_]{1,20}) before, /.exec(description) ?? [];
  const read = securityLevel.safeParse(level);
  return read.success ? read.data : null;
}
