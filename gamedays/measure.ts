/** What the visits add up to: when the mitigation was felt, who was let back in, and what each phase cost. Pure. */
import type { Errand, Outcome } from "./answer.ts";

export type Visit = {
  /** When it was sent. */
  readonly atMs: number;
  readonly tookMs: number;
  /** The visitor's address. */
  readonly visitor: string;
  readonly errand: Errand;
  /** In the end: of whoever met a challenge, what they got then. */
  readonly outcome: Outcome;
  /** It was asked for a little work first; `outcome` is what came of it then. */
  readonly wasChallenged?: boolean;
  /** Of a purchase that production answered: how, in which word, and which payment it named. */
  readonly purchase?: {
    readonly status: number;
    readonly word: string | null;
    readonly paymentId: string | null;
  };
};

export const PHASES = ["calm", "unprotected", "maintenance", "release", "afterwards"] as const;
export type Phase = (typeof PHASES)[number];

export type PhaseCount = {
  /** One of the gameday's own. */
  readonly phase: string;
  readonly seconds: number;
  readonly served: number;
  readonly refused: number;
  /** Production's errors. */
  readonly failed: number;
  /** No answer, or one that the guard should not have given. */
  readonly broken: number;
};

/** Where one phase ends and the next begins, as visitors felt it; null when it never came. */
export type Boundaries = {
  readonly faultAtMs: number | null;
  readonly enforcedAtMs: number | null;
  readonly firstBackAtMs: number | null;
  readonly allBackAtMs: number | null;
};

/**
 * Reads the boundaries off the visits, in the order they were sent. Before `releaseAtMs` an error of production's is one that
 * the mitigation let slip through; after it, it is production's answer to somebody who was let back in.
 */
export function boundariesOf(
  visits: readonly Visit[],
  {
    faultAtMs,
    releaseAtMs,
  }: { readonly faultAtMs: number | null; readonly releaseAtMs: number | null },
): Boundaries {
  const sent = inOrder(visits).filter(({ atMs }) => faultAtMs !== null && atMs >= faultAtMs);
  const firstRefused = sent.findIndex(isRefused);
  if (firstRefused === -1) {
    return { faultAtMs, enforcedAtMs: null, firstBackAtMs: null, allBackAtMs: null };
  }
  const isBack = (visit: Visit): boolean =>
    visit.outcome === "served" || (!isRefused(visit) && visit.atMs >= (releaseAtMs ?? Infinity));
  const firstBack = sent.findIndex((visit, index) => index > firstRefused && isBack(visit));
  const closed = firstBack === -1 ? sent : sent.slice(0, firstBack);
  const lastLeak = closed.findLastIndex((visit) => !isRefused(visit));
  const lastRefused = sent.findLastIndex(isRefused);
  return {
    faultAtMs,
    enforcedAtMs: justAfter(sent, lastLeak),
    firstBackAtMs: sent[firstBack]?.atMs ?? null,
    allBackAtMs: justAfter(sent, lastRefused),
  };
}

/** When the visit after this one was sent, null when this was the last; later than this one, for two may share a millisecond. */
function justAfter(sent: readonly Visit[], index: number): number | null {
  const next = sent[index + 1];
  return next === undefined ? null : Math.max(next.atMs, (sent[index]?.atMs ?? 0) + 1);
}

/** Whether a visit was over when the fault struck; one that was under way may have met it. */
export const wasBefore = ({ atMs, tookMs }: Visit, faultAtMs: number | null): boolean =>
  faultAtMs === null || atMs + tookMs < faultAtMs;

/** Counts how the visits of each phase ended. A phase that never began counts nothing. */
export function countPhases(
  visits: readonly Visit[],
  { faultAtMs, enforcedAtMs, firstBackAtMs, allBackAtMs }: Boundaries,
): readonly PhaseCount[] {
  const phaseAtMs = (visit: Visit): number =>
    wasBefore(visit, faultAtMs) ? visit.atMs : Math.max(visit.atMs, faultAtMs ?? 0);
  const startsMs = [-Infinity, faultAtMs, enforcedAtMs, firstBackAtMs, allBackAtMs];
  return PHASES.map((phase, index) => {
    const fromMs = startsMs[index] ?? Infinity;
    const untilMs = Math.min(...startsMs.slice(index + 1).map((atMs) => atMs ?? Infinity));
    const inside = visits.filter((visit) => {
      const atMs = phaseAtMs(visit);
      return atMs >= fromMs && atMs < untilMs;
    });
    return { phase, seconds: spanSeconds(inside), ...countOutcomes(inside) };
  });
}

export function countOutcomes(visits: readonly Visit[]): Omit<PhaseCount, "phase" | "seconds"> {
  const of = (...outcomes: readonly Outcome[]): number =>
    visits.filter(({ outcome }) => outcomes.includes(outcome)).length;
  return {
    served: of("served"),
    refused: of("refused"),
    failed: of("failed"),
    broken: of("broken", "lost"),
  };
}

export function spanSeconds(visits: readonly Visit[]): number {
  if (visits.length === 0) return 0;
  const sentMs = visits.map(({ atMs }) => atMs);
  return Math.round((Math.max(...sentMs) - Math.min(...sentMs)) / 100) / 10;
}

/** Visitors who were shown the site and then the maintenance page again. */
export function flickering(visits: readonly Visit[], fromMs: number): readonly string[] {
  const back = new Set<string>();
  const flickered = new Set<string>();
  for (const { visitor, outcome } of inOrder(visits).filter(({ atMs }) => atMs >= fromMs)) {
    if (outcome === "served") back.add(visitor);
    if (outcome === "refused" && back.has(visitor)) flickered.add(visitor);
  }
  return [...flickered];
}

/** Visitors whose visits in `[fromMs, untilMs)` ended so at least once. */
export const visitorsWho = (
  visits: readonly Visit[],
  outcome: Outcome,
  [fromMs, untilMs]: readonly [number, number],
): ReadonlySet<string> =>
  new Set(
    visits
      .filter((visit) => visit.outcome === outcome && visit.atMs >= fromMs && visit.atMs < untilMs)
      .map(({ visitor }) => visitor),
  );

const isRefused = ({ outcome }: Visit): boolean => outcome === "refused";

const inOrder = (visits: readonly Visit[]): readonly Visit[] =>
  visits.toSorted((a, b) => a.atMs - b.atMs);
