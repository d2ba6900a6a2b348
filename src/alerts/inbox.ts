/**
 * The inbox of what monitoring tools told us. Deliveries repeat, arrive late and out of order; the inbox keeps one
 * record per alert, the newest episode of it, and never takes silence for recovery.
 */
import { isWorse } from "../incidents/severity.ts";
import type { Alert, AlertCounts } from "./alert.ts";
import { CHANGES_SEEN } from "./flapping.ts";
import type { Mute } from "./mutes.ts";

/** Alerts kept at once; beyond it the oldest resolved go first. */
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
  readonly mutes?: readonly Mute[];
};

export type Inbox = {
  readonly alerts: readonly InboxAlert[];
  readonly lastReceivedAtMs: number | null;
  /** Alerts that went because the inbox was full. */
  readonly droppedCount: number;
};

export const EMPTY_INBOX: Inbox = { alerts: [], lastReceivedAtMs: null, droppedCount: 0 };

export type Reception = {
  readonly inbox: Inbox;
  /** Those that changed what the inbox says; what was overtaken or repeated is not among them. */
  readonly news: readonly Alert[];
  readonly accepted: number;
  /** Repetitions, and deliveries overtaken by newer ones. */
  readonly duplicates: number;
};

/** Merges a delivery that arrived at `atMs`. Receiving the same delivery again changes nothing but when it was heard. */
export function receiveAlerts(inbox: Inbox, alerts: readonly Alert[], atMs: number): Reception {
  const byKey = new Map(inbox.alerts.map((alert) => [keyOf(alert), alert]));
  const news: Alert[] = [];
  for (const alert of alerts) {
    const known = byKey.get(keyOf(alert));
    if (known !== undefined && isOvertaken(alert, known)) continue;
    if (known === undefined || isNews(alert, known)) news.push(alert);
    byKey.set(keyOf(alert), { ...alert, heardAtMs: atMs, ...marksOf(alert, known, atMs) });
  }
  const live = [...byKey.values()].filter((alert) => !isForgotten(alert, atMs));
  const kept = keepNewest(live);
  return {
    inbox: {
      alerts: kept,
      lastReceivedAtMs: atMs,
      droppedCount: inbox.droppedCount + (live.length - kept.length),
    },
    news,
    accepted: news.length,
    duplicates: alerts.length - news.length,
  };
}

/**
 * What the inbox says at `atMs`. A firing alert whose tool fell silent still counts as firing: losing touch is not recovery.
 */
export function countAlerts(inbox: Inbox, atMs: number): AlertCounts & { readonly stale: number } {
  const firing = inbox.alerts.filter((alert) => alert.status === "firing");
  return {
    firing: firing.length,
    critical: firing.filter((alert) => alert.severity === "SEV-1" || alert.severity === "SEV-2")
      .length,
    sources: new Set(firing.map((alert) => alert.source)).size,
    muted: firing.filter(({ mutes = [] }) => mutes.length > 0).length,
    stale: firing.filter((alert) => isStale(alert, atMs)).length,
    lastReceivedAtMs: inbox.lastReceivedAtMs,
  };
}

/** Firing, but its own end has passed or its tool has not repeated it for too long. */
export const isStale = (alert: InboxAlert, atMs: number): boolean =>
  alert.status === "firing" &&
  (atMs - alert.heardAtMs > STALE_AFTER_MS || (alert.endsAtMs !== null && alert.endsAtMs < atMs));

/** What was known of it beside its tool's words, and that it begins or ends now where it does. */
function marksOf({ status }: Alert, known: InboxAlert | undefined, atMs: number) {
  const { changesAtMs = [], isFlapping = false, mutes = [] } = known ?? {};
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

/** An earlier episode, or the firing of an episode that we already know has ended. */
const isOvertaken = (alert: Alert, known: Alert): boolean =>
  alert.startsAtMs < known.startsAtMs ||
  (alert.startsAtMs === known.startsAtMs &&
    alert.status === "firing" &&
    known.status === "resolved");

const isNews = (alert: Alert, known: Alert): boolean =>
  alert.startsAtMs !== known.startsAtMs ||
  alert.status !== known.status ||
  (alert.status === "firing" && isWorse(alert.severity, known.severity));

const isForgotten = (alert: InboxAlert, atMs: number): boolean =>
  alert.status === "resolved" && atMs - alert.heardAtMs > RESOLVED_KEEP_MS;

/** At most `INBOX_MAX`: firing before resolved, then the last heard. */
function keepNewest(alerts: readonly InboxAlert[]): readonly InboxAlert[] {
  if (alerts.length <= INBOX_MAX) return alerts;
  const byWorth = alerts.toSorted(
    (a, b) =>
      Number(b.status === "firing") - Number(a.status === "firing") || b.heardAtMs - a.heardAtMs,
  );
  return byWorth.slice(0, INBOX_MAX);
}
