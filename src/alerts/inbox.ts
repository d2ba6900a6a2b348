/**
 * The inbox of what monitoring tools told us. Deliveries repeat, arrive late and out of order; the inbox keeps one record per alert, the
 * newest episode of it, and never takes silence for recovery. Those for which it has no room are bundled (`bundled.ts`).
 */
import { isWorse } from "../incidents/severity.ts";
import type { Alert, AlertCounts } from "./alert.ts";
import {
  beyondBounds,
  bundledAfter,
  bundledOf,
  NOTHING_BUNDLED,
  type Bundled,
  type BundledAlert,
  type BundledChanges,
} from "./bundled.ts";
import { CHANGES_SEEN } from "./flapping.ts";
import { goingsIn, regrouped, ruleFor, whenToTell, type GroupRule } from "./grouping.ts";
import { scopeOf } from "./scopes.ts";
import type { Mute } from "./mutes.ts";

/** Alerts kept whole at once. */
export const INBOX_MAX = 1_000;
/** How long a resolved alert is kept, so that its late repetitions still find it. */
export const RESOLVED_KEEP_MS = 24 * 60 * 60_000;
/** Alertmanager repeats a firing alert every 4 h by default; an hour more and we have lost touch with it. */
export const STALE_AFTER_MS = 5 * 60 * 60_000;

/** An alert, when its tool last spoke of it, and why it is quiet. What is absent was kept before it was known. */
export type InboxAlert = Alert & {
  readonly heardAtMs: number;
  /** When it began and ended lately, as we heard of it, oldest first. */
  readonly changesAtMs?: readonly number[];
  readonly isFlapping?: boolean;
  /** In a group of ours: since when that goes on, and when people may hear of this alert of it. */
  readonly groupSinceMs?: number;
  readonly tellAtMs?: number;
  readonly mutes?: readonly Mute[];
};

export type Inbox = {
  readonly alerts: readonly InboxAlert[];
  readonly bundled: Bundled;
  readonly lastReceivedAtMs: number | null;
  /** Alerts that went although something may still come of them: there was no room even among the bundled. */
  readonly droppedCount: number;
};

export const EMPTY_INBOX: Inbox = {
  alerts: [],
  bundled: NOTHING_BUNDLED,
  lastReceivedAtMs: null,
  droppedCount: 0,
};

export type Reception = {
  readonly inbox: Inbox;
  /** Those that changed what the inbox says; what was overtaken or repeated is not among them. */
  readonly news: readonly Alert[];
  readonly accepted: number;
  /** Repetitions, and deliveries overtaken by newer ones. */
  readonly duplicates: number;
};

/** Merges a delivery that arrived at `atMs`. Receiving the same delivery again changes nothing but when it was heard. */
export function receiveAlerts(
  inbox: Inbox,
  alerts: readonly Alert[],
  atMs: number,
  rules: readonly GroupRule[] = [],
): Reception {
  const { whole, changes, news } = merged(inbox, alerts, atMs, rules);
  const live = [...whole.values()].filter((alert) => !isForgotten(alert, atMs));
  const { kept, rest } = withRoomFor(live);
  for (const alert of rest) changes.set(keyOf(alert), bundledOf(alert));
  for (const [key, alert] of inbox.bundled.byKey) {
    if (isForgotten(alert, atMs) && !changes.has(key)) changes.set(key, null);
  }
  const bundled = bundledAfter(inbox.bundled, changes);
  const beyond = beyondBounds(bundled);
  return {
    inbox: {
      alerts: kept,
      bundled: bundledAfter(bundled, new Map(beyond.map((key) => [key, null]))),
      lastReceivedAtMs: atMs,
      droppedCount: inbox.droppedCount + beyond.length,
    },
    news,
    accepted: news.length,
    duplicates: alerts.length - news.length,
  };
}

/** Without a thought for room. What is bundled and no news stays so. */
function merged(inbox: Inbox, alerts: readonly Alert[], atMs: number, rules: readonly GroupRule[]) {
  const whole = new Map(inbox.alerts.map((alert) => [keyOf(alert), alert]));
  const changes = new Map<string, BundledAlert | null>();
  const news: Alert[] = [];
  const goings = goingsIn(inbox.alerts);
  for (const given of alerts) {
    const key = keyOf(given);
    const bundled = bundledAt(key, inbox.bundled, changes);
    const known = whole.get(key) ?? bundled;
    const rule = ruleFor(given, rules);
    const alert = regrouped(given, known ?? null, { rule, rules });
    if (known !== undefined && isOvertaken(alert, known)) continue;
    const isNew = known === undefined || isNews(alert, known);
    if (isNew) news.push(alert);
    if (bundled !== undefined) {
      changes.set(key, isNew ? null : bundledOf({ ...alert, heardAtMs: atMs }));
      if (!isNew) continue;
    }
    const marks = marksOf(alert, known, atMs);
    const told = whenToTell(alert, known ?? null, { rule, goings, atMs });
    whole.set(key, { ...alert, heardAtMs: atMs, ...marks, ...told });
  }
  return { whole, changes, news };
}

function bundledAt(
  key: string,
  { byKey }: Bundled,
  changes: BundledChanges,
): BundledAlert | undefined {
  const changed = changes.get(key);
  return changed === undefined ? byKey.get(key) : (changed ?? undefined);
}

/**
 * What the inbox says at `atMs`. A firing alert whose tool fell silent still counts as firing: losing touch is not recovery.
 */
export function countAlerts(inbox: Inbox, atMs: number): AlertCounts & { readonly stale: number } {
  const whole = inbox.alerts.filter(({ status }) => status === "firing");
  const bundled = [...inbox.bundled.byKey.values()].filter(({ status }) => status === "firing");
  const firing = [...whole, ...bundled];
  return {
    firing: firing.length,
    critical: firing.filter((alert) => alert.severity === "SEV-1" || alert.severity === "SEV-2")
      .length,
    sources: new Set(firing.map((alert) => alert.source)).size,
    muted: whole.filter(({ mutes = [] }) => mutes.length > 0).length,
    bundled: bundled.length,
    dropped: inbox.droppedCount,
    stale: whole.filter((alert) => isStale(alert, atMs)).length,
    lastReceivedAtMs: inbox.lastReceivedAtMs,
  };
}

/** Firing, but its own end has passed or its tool has not repeated it for too long. */
export const isStale = (alert: InboxAlert, atMs: number): boolean =>
  alert.status === "firing" &&
  (atMs - alert.heardAtMs > STALE_AFTER_MS || (alert.endsAtMs !== null && alert.endsAtMs < atMs));

/** What was known of it beside its tool's words, and that it begins or ends now where it does. */
function marksOf({ status }: Alert, known: InboxAlert | BundledAlert | undefined, atMs: number) {
  const marks: Partial<InboxAlert> = known ?? {};
  const { changesAtMs = [], isFlapping = false, mutes = [] } = marks;
  const isChange = status !== (known?.status ?? "resolved");
  return {
    changesAtMs: isChange ? [...changesAtMs, atMs].slice(-CHANGES_SEEN) : changesAtMs,
    isFlapping,
    mutes,
  };
}

/** What finds the same alert again. */
export const keyOf = (alert: Pick<Alert, "source" | "fingerprint">): string =>
  `${alert.source}\n${alert.fingerprint}`;

type Episode = Pick<Alert, "status" | "severity" | "startsAtMs">;

/** An earlier episode, or the firing of an episode that we already know has ended. */
const isOvertaken = (alert: Alert, known: Episode): boolean =>
  alert.startsAtMs < known.startsAtMs ||
  (alert.startsAtMs === known.startsAtMs &&
    alert.status === "firing" &&
    known.status === "resolved");

const isNews = (alert: Alert, known: Episode): boolean =>
  alert.startsAtMs !== known.startsAtMs ||
  alert.status !== known.status ||
  (alert.status === "firing" && isWorse(alert.severity, known.severity));

const isForgotten = (alert: Pick<InboxAlert, "status" | "heardAtMs">, atMs: number): boolean =>
  alert.status === "resolved" && atMs - alert.heardAtMs > RESOLVED_KEEP_MS;

/**
 * At most `INBOX_MAX` are kept whole: what goes on before what is over, and of that as many of each group, so that a storm of one does not
 * crowd out another; within a group the worst, then those kept already.
 */
function withRoomFor(alerts: readonly InboxAlert[]): {
  readonly kept: readonly InboxAlert[];
  readonly rest: readonly InboxAlert[];
} {
  if (alerts.length <= INBOX_MAX) return { kept: alerts, rest: [] };
  const [goesOn, over] = [alerts.filter(isGoingOn), alerts.filter((alert) => !isGoingOn(alert))];
  const worst = goesOn.toSorted((a, b) => compareSeverity(a.severity, b.severity));
  const seen = new Map<string, number>();
  const ranked = worst.map((alert) => {
    const rank = seen.get(scopeOf(alert)) ?? 0;
    seen.set(scopeOf(alert), rank + 1);
    return { alert, rank };
  });
  const byWorth = [
    ...ranked.toSorted((a, b) => a.rank - b.rank).map(({ alert }) => alert),
    ...over.toSorted((a, b) => b.heardAtMs - a.heardAtMs),
  ];
  return { kept: byWorth.slice(0, INBOX_MAX), rest: byWorth.slice(INBOX_MAX) };
}

const isGoingOn = ({ status, isFlapping = false }: InboxAlert): boolean =>
  status === "firing" || isFlapping;
const compareSeverity = (a: Alert["severity"], b: Alert["severity"]): number =>
  Number(isWorse(b, a)) - Number(isWorse(a, b));
