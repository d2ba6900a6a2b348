/**
 * Groups of our own, in Alertmanager's semantics, for tools that know none: alerts with the same values of some labels are one trouble.
 * A new group waits a while for its other alerts before anybody hears of it; later ones are told together, each interval. Pure.
 */
import { isWorse } from "../incidents/severity.ts";
import type { Severity } from "../playbooks/schema.ts";
import { sha256Hex } from "../shared/ids.ts";
import type { Alert } from "./alert.ts";
import { labelsOf } from "./labels.ts";
import { matchesAll, valueIn, type Matcher } from "./matchers.ts";
import { isOurGroup, OUR_GROUP, ourGroupIn, scopeOf } from "./scopes.ts";

export type GroupRule = {
  readonly matchers: readonly Matcher[];
  /** Labels whose values must be the same; `...` means all of them, so that each alert is for itself. */
  readonly by: readonly string[];
  readonly waitMs: number;
  readonly intervalMs: number;
};

/** Tools that watch many things and tell of each by itself. What others send is grouped there, or is a matter of its own. */
const KNOWS_NO_GROUPS: ReadonlySet<string> = new Set([
  "better-stack",
  "cloudflare",
  "cloudwatch",
  "pingdom",
  "statuspage",
  "stripe",
  "uptimerobot",
]);
/** Alertmanager's times; a page of Statuspage and a kind of Cloudflare's alerts are groups of their own. */
export const USUAL_RULE: GroupRule = {
  matchers: [],
  by: ["source", "page", "alert_type"],
  waitMs: 30_000,
  intervalMs: 5 * 60_000,
};

const ALL_LABELS = "...";
const DIGEST_CHARS = 26;

/** The first of the site's rules that means it, or the usual one; null where neither does. */
export function ruleFor(alert: Alert, rules: readonly GroupRule[]): GroupRule | null {
  const asked = rules.find(({ matchers }) => matchesAll(matchers, labelsOf(alert)));
  if (asked !== undefined) return asked;
  return alert.group == null && KNOWS_NO_GROUPS.has(alert.source) ? USUAL_RULE : null;
}

/** The alert in the group that the rule puts it into; rules do not share groups. */
function grouped(alert: Alert, { rule, rules }: Ruling): Alert {
  if (rule === null) return alert;
  if (rule.by.includes(ALL_LABELS)) return { ...alert, group: null };
  const labels = labelsOf(alert);
  const values = rule.by.map((name) => [name, valueIn(labels, name)]);
  const digest = sha256Hex(JSON.stringify([rules.indexOf(rule), values])).slice(0, DIGEST_CHARS);
  return { ...alert, group: `${OUR_GROUP}${digest}` };
}

type Ruling = { readonly rule: GroupRule | null; readonly rules: readonly GroupRule[] };

/** What is known of it already: kept whole, or bundled. */
type Known = Pick<Alert, "status" | "severity" | "startsAtMs"> & {
  readonly tellAtMs?: number;
  readonly scope?: string;
};

/** What goes on or ends stays in the group that it began in, whatever its labels, its tool or the site's rules say by now. */
export function regrouped(
  alert: Alert,
  known: (Known & (Alert | { readonly scope: string })) | null,
  ruling: Ruling,
): Alert {
  const isSame = alert.status === "resolved" || alert.startsAtMs === known?.startsAtMs;
  if (known === null || !isSame) return grouped(alert, ruling);
  // Kept whole, or bundled: then only its scope is known.
  if (known.scope === undefined && "labels" in known) {
    return { ...alert, group: known.group ?? null };
  }
  const group = ourGroupIn(known.scope ?? "");
  return group === null ? grouped(alert, ruling) : { ...alert, group };
}

/** How a group goes on: since when, and how bad its worst alert is. */
export type Going = { readonly sinceMs: number; readonly worst: Severity };

/**
 * When people may hear of an alert that begins to fire at `atMs` in a group that goes on like this, or is new: with the others when the
 * wait is over, then each interval; at once when it is worse than all that they heard of.
 */
export function tellAtMs(
  { severity }: Pick<Alert, "severity">,
  going: Going | null,
  { waitMs, intervalMs }: Pick<GroupRule, "waitMs" | "intervalMs">,
  atMs: number,
): number {
  const firstMs = (going?.sinceMs ?? atMs) + waitMs;
  if (going === null || atMs <= firstMs) return firstMs;
  if (isWorse(severity, going.worst)) return atMs;
  return firstMs + Math.ceil((atMs - firstMs) / intervalMs) * intervalMs;
}

/** An alert of a group of ours, as far as that must be known. */
type Member = Alert & { readonly isFlapping?: boolean; readonly groupSinceMs?: number };

/** The groups of ours that go on. */
export function goingsIn(alerts: readonly Member[]): Map<string, Going> {
  const goings = new Map<string, Going>();
  for (const alert of alerts) {
    const goesOn = alert.status === "firing" || alert.isFlapping === true;
    if (goesOn && isOurGroup(alert.group)) join(goings, alert, alert.groupSinceMs ?? 0);
  }
  return goings;
}

/** How its group went on until then; null: it begins with this. */
function join(goings: Map<string, Going>, alert: Alert, atMs: number): Going | null {
  const going = goings.get(scopeOf(alert)) ?? null;
  const isWorst = going === null || isWorse(alert.severity, going.worst);
  const worst = isWorst ? alert.severity : going.worst;
  goings.set(scopeOf(alert), { sinceMs: going?.sinceMs ?? atMs, worst });
  return going;
}

/** Found out as it begins to fire, and remembered while it does; sooner when it got worse. */
export function whenToTell(
  alert: Alert,
  known: Known | null,
  {
    rule,
    goings,
    atMs,
  }: {
    readonly rule: GroupRule | null;
    readonly goings: Map<string, Going>;
    readonly atMs: number;
  },
): { readonly groupSinceMs?: number; readonly tellAtMs?: number } {
  if (rule === null || !isOurGroup(alert.group) || alert.status !== "firing") return {};
  const going = join(goings, alert, atMs);
  const groupSinceMs = going?.sinceMs ?? atMs;
  const dueMs = tellAtMs(alert, going, rule, atMs);
  if (known?.status !== "firing" || known.tellAtMs === undefined) {
    return { groupSinceMs, tellAtMs: dueMs };
  }
  const isWorseNow = isWorse(alert.severity, known.severity);
  return { groupSinceMs, tellAtMs: isWorseNow ? Math.min(dueMs, known.tellAtMs) : known.tellAtMs };
}
