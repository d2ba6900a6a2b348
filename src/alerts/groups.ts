/**
 * What becomes of a group of alerts. A tool that groups alerts means one trouble, so that a group is one incident: its first audible
 * alert opens it, worse ones raise it, the end of the last ends it, and all others are for the inbox alone. A group whose alerts are all
 * quiet opens nothing, and ends nothing either: quiet is not over. Pure.
 */
import { isWorse } from "../incidents/severity.ts";
import type { Alert } from "./alert.ts";
import type { InboxAlert } from "./inbox.ts";
import type { Mute } from "./mutes.ts";
import { isOurGroup, scopeOf } from "./scopes.ts";

/** `alert` speaks for the group, and for so many `others` of a group of ours. */
export type GroupTurn = {
  readonly scope: string;
  readonly alert: Alert;
  readonly others: number;
} & (
  | { readonly turn: "fires" | "worsens" | "ends" }
  /** More alerts joined it; `alert` is the first of them. */
  | { readonly turn: "grows" }
  /** It fired all the while and nobody was to hear of it, because of `mute`. */
  | { readonly turn: "sounds"; readonly mute: Mute }
  /** It goes on, and nobody is to hear of it. */
  | { readonly turn: "quiets"; readonly mute: Mute }
);

/** How a group stands: some alert of it can be heard, all that go on are quiet, only bundled ones go on, or it is over. */
type Standing =
  | { readonly is: "held"; readonly alert: Alert | null }
  | { readonly is: "audible"; readonly alert: Alert }
  | { readonly is: "quiet"; readonly alert: InboxAlert; readonly mute: Mute }
  | { readonly is: "over"; readonly alert: Alert | null };

const OVER: Standing = { is: "over", alert: null };

/** The scopes of which something bundled goes on: before, and after. */
export type Held = { readonly was: ReadonlySet<string>; readonly is: ReadonlySet<string> };
const NOTHING_HELD: Held = { was: new Set(), is: new Set() };

/**
 * What changes for each group from one inbox to the next, in the order in which its incident must hear of it. `ended` are alerts that
 * ended in between, whether the inbox still has them or not.
 */
export function turnsOf(
  before: readonly InboxAlert[],
  after: readonly InboxAlert[],
  ended: readonly Alert[] = [],
  held: Held = NOTHING_HELD,
): readonly GroupTurn[] {
  const [was, is] = [standings(before, held.was), standings(after, held.is)];
  const { heard, joined } = ourGroups(before, after);
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((scope): readonly GroupTurn[] => {
    const [then, now] = [was.get(scope) ?? OVER, is.get(scope) ?? OVER];
    const last = ended.findLast((alert) => scopeOf(alert) === scope) ?? now.alert ?? then.alert;
    if (last === null) return [];
    const turned = turnsBetween(then, now, last);
    const others = Math.max(0, (heard.get(scope) ?? 0) - 1);
    const turns = turned.map((turn) => ({ ...turn, scope, others }));
    const wasOpen = then.is === "audible" || then.is === "held";
    const [first, ...more] = wasOpen && turns.length === 0 ? (joined.get(scope) ?? []) : [];
    if (first === undefined) return turns;
    return [{ turn: "grows", alert: first, scope, others: more.length } as const];
  });
}

/** Of each group of ours, how many alerts can be heard, and which of them could not be before. */
function ourGroups(before: readonly InboxAlert[], after: readonly InboxAlert[]) {
  const [heard, joined] = [new Map<string, number>(), new Map<string, InboxAlert[]>()];
  const known = new Set(before.filter(isHeard).map((alert) => nameOf(alert)));
  for (const alert of after) {
    if (!isOurGroup(alert.group) || !isHeard(alert)) continue;
    const scope = scopeOf(alert);
    heard.set(scope, (heard.get(scope) ?? 0) + 1);
    if (!known.has(nameOf(alert))) joined.set(scope, [...(joined.get(scope) ?? []), alert]);
  }
  return { heard, joined };
}

const isHeard = ({ status, mutes = [] }: InboxAlert): boolean =>
  status === "firing" && mutes.length === 0;
const nameOf = ({ source, fingerprint }: Alert): string => `${source} ${fingerprint}`;

type Turn =
  | { readonly turn: "fires" | "worsens" | "ends"; readonly alert: Alert }
  | { readonly turn: "quiets" | "sounds"; readonly alert: Alert; readonly mute: Mute };

function turnsBetween(then: Standing, now: Standing, last: Alert): readonly Turn[] {
  if (now.is === "over") return then.is === "over" ? [] : [{ turn: "ends", alert: last }];
  // As it stood, so it stands, until what is bundled has ended, too.
  if (now.is === "held") return then.is === "over" ? [{ turn: "fires", alert: last }] : [];
  if (now.is === "audible") return audibleTurns(then, now.alert);
  return quietTurns(then, now);
}

function quietTurns(then: Standing, now: Standing & { readonly is: "quiet" }): readonly Turn[] {
  const { alert } = now;
  const quiets = { turn: "quiets", alert, mute: now.mute } as const;
  if (then.is === "over") {
    // What begins to flap by firing is told to fire first: people last heard that it was over.
    const isBack = now.mute.because === "flapping" && alert.status === "firing";
    return isBack ? [{ turn: "fires", alert }, quiets] : [quiets];
  }
  // People know of the group; what joins it waits for its turn, and keeps nothing of the others back.
  if (now.mute.because === "gathering") return [];
  const isSame = then.is === "quiet" && JSON.stringify(then.mute) === JSON.stringify(now.mute);
  return isSame ? [] : [quiets];
}

function audibleTurns(then: Standing, alert: Alert): readonly Turn[] {
  if (then.is === "over") return [{ turn: "fires", alert }];
  if (then.is === "quiet") return [{ turn: "sounds", alert, mute: then.mute }];
  const isHeardOf = then.alert !== null && !isWorse(alert.severity, then.alert.severity);
  return isHeardOf ? [] : [{ turn: "worsens", alert }];
}

function standings(
  alerts: readonly InboxAlert[],
  held: ReadonlySet<string>,
): ReadonlyMap<string, Standing> {
  const byScope = new Map<string, Standing>();
  for (const alert of alerts) {
    const scope = scopeOf(alert);
    const known = byScope.get(scope) ?? OVER;
    const standing = standingOf(alert);
    if (isToldBefore(standing, known)) byScope.set(scope, standing);
  }
  for (const scope of held) {
    const { is, alert } = byScope.get(scope) ?? OVER;
    if (is === "over") byScope.set(scope, { is: "held", alert });
  }
  return byScope;
}

function standingOf(alert: InboxAlert): Standing {
  const { status, isFlapping = false, mutes = [] } = alert;
  const mute = lastOf(mutes);
  // What flaps goes on, whether it fires at this moment or not.
  if (status !== "firing" && !isFlapping) return { is: "over", alert };
  return mute === null ? { is: "audible", alert } : { is: "quiet", alert, mute };
}

const RANK = { audible: 0, quiet: 1, held: 2, over: 3 } as const;

/** Does this one speak for the group rather than the other? */
function isToldBefore(one: Standing, other: Standing): boolean {
  if (one.is !== other.is || other.alert === null)
    return RANK[one.is] < RANK[other.is] || other.alert === null;
  if (one.is === "quiet" && other.is === "quiet") return endOf(one.mute) < endOf(other.mute);
  if (one.alert === null || one.is === "over" || one.is === "held") return false;
  if (isWorse(one.alert.severity, other.alert.severity)) return true;
  return (
    one.alert.severity === other.alert.severity && one.alert.startsAtMs < other.alert.startsAtMs
  );
}

/** What keeps an alert quiet for longest. */
const lastOf = (mutes: readonly Mute[]): Mute | null =>
  mutes.reduce<Mute | null>(
    (last, mute) => (last === null || endOf(mute) > endOf(last) ? mute : last),
    null,
  );

const endOf = ({ untilMs }: Mute): number => untilMs ?? Infinity;
