/**
 * Where an excess of requests comes from: what is asked now against what was asked before it began, key by key. The narrowest key
 * that explains most of the excess is named: one address rather than its network, a network rather than an operator. A key that
 * carried much of the usual traffic is not, because acting on it would hit those who were here before. Pure.
 */
import { distinctOf } from "../sketches/merged-talkers.ts";
import type { Dimension, DimensionCut } from "../sketches/top-talkers.ts";
import type { TalkersWindow } from "./traffic-api.ts";

/** From the narrowest to the widest. A path is no client, but it says what is asked when it cannot be said by whom. */
export const NARROWEST_FIRST: readonly Dimension[] = [
  "address",
  "network",
  "ja4",
  "user_agent",
  "asn",
  "path",
  "country",
];
/** Times the usual rate, below which there is no excess to explain. */
export const EXCESS_FACTOR_MIN = 2;
/** Of the excess: from here on one dimension explains it. */
export const EXPLAINED_MIN = 0.6;
/** Of the usual traffic: what may be hit with it. */
export const USUAL_SHARE_MAX = 0.05;
/** Of a key's own requests: less than this is new, and the key belongs to those who were here before. */
export const NEW_SHARE_MIN = 0.8;
/** Of the excess, below which a key is not worth a name. */
export const EXCESS_SHARE_MIN = 1 / 256;
/** Of the busiest suspect's excess, below which a key is not one of its kind: whoever came first while the flood went on is busy, and no flood. */
export const PEER_SHARE_MIN = 0.1;
export const SUSPECTS_MAX = 64;
/** The harm was first seen this long after it began, at most: the window of the signals, and what reports take. */
export const UNSEEN_SECONDS = 15;

export type Suspect = {
  readonly name: string;
  /** At least. */
  readonly perSecond: number;
  /** At most; for one that was not counted by name before, what it may have had: see `unnamedPerSecond`. */
  readonly beforePerSecond: number;
  /** Share of the excess, 0..1. */
  readonly excessShare: number;
};

/**
 * `named`: these keys of one dimension explain `explained` of the excess (0..1), and `usualShare` of what was asked before would be
 * hit with them. `regulars`: what explains it was usual before. `spread`: no key explains it; `best` is what the best dimension
 * would. `none`: as usual.
 */
export type Suspicion =
  | { readonly kind: "none"; readonly reason: "no_excess" | "nothing_before" }
  | ({ readonly kind: "named"; readonly suspects: readonly Suspect[] } & Explanation)
  | ({ readonly kind: "regulars" } & Explanation)
  | { readonly kind: "spread"; readonly best: number };

type Explanation = {
  readonly dimension: Dimension;
  readonly explained: number;
  readonly usualShare: number;
};

export type SuspectTerms = {
  /** What may be named, from the narrowest to the widest. */
  readonly dimensions: readonly Dimension[];
  /** Of the usual traffic: what may be hit with it, 0..1. */
  readonly usualShareMax: number;
};
const TERMS: SuspectTerms = { dimensions: NARROWEST_FIRST, usualShareMax: USUAL_SHARE_MAX };

type Counted = Pick<TalkersWindow, "fromSecond" | "untilSecond" | "dimensions">;

/** `before` is the time before the excess began, `during` a time in which it went on; both of the same counters. */
export function suspectsIn(
  during: Counted,
  before: Counted,
  { dimensions, usualShareMax }: SuspectTerms = TERMS,
): Suspicion {
  const [now, usual] = [ratesOf(during), ratesOf(before)];
  if (usual.seconds <= 0 || usual.perSecond === 0)
    return { kind: "none", reason: "nothing_before" };
  const excess = now.perSecond - usual.perSecond;
  if (now.perSecond < EXCESS_FACTOR_MIN * usual.perSecond) {
    return { kind: "none", reason: "no_excess" };
  }
  let best = 0;
  let regulars: Explanation | null = null;
  for (const dimension of dimensions) {
    const all = suspectsBy(dimension, { now, usual, excess });
    const suspects = sparing(all, usualShareMax * usual.perSecond);
    const explained = explainedBy(suspects);
    if (explained >= EXPLAINED_MIN) {
      const usualShare = usualOf(suspects) / usual.perSecond;
      return { kind: "named", dimension, suspects, explained, usualShare };
    }
    best = Math.max(best, explained);
    if (explainedBy(all) >= EXPLAINED_MIN) {
      const usualShare = usualOf(all) / usual.perSecond;
      regulars ??= { dimension, explained: explainedBy(all), usualShare };
    }
  }
  return regulars === null ? { kind: "spread", best } : { kind: "regulars", ...regulars };
}

/** Those that together had no more than `mostPerSecond` before; who was least usual for what they explain comes first. */
function sparing(all: readonly Suspect[], mostPerSecond: number): readonly Suspect[] {
  const price = (one: Suspect): number => one.beforePerSecond / one.excessShare;
  const kept = new Set<Suspect>();
  let spent = 0;
  for (const suspect of all.toSorted((a, b) => price(a) - price(b))) {
    if (spent + suspect.beforePerSecond > mostPerSecond) continue;
    spent += suspect.beforePerSecond;
    kept.add(suspect);
  }
  return all.filter((suspect) => kept.has(suspect));
}

const explainedBy = (suspects: readonly Suspect[]): number =>
  Math.min(
    1,
    sumOf(suspects, ({ excessShare }) => excessShare),
  );
const usualOf = (suspects: readonly Suspect[]): number =>
  sumOf(suspects, ({ beforePerSecond }) => beforePerSecond);

type Rates = {
  readonly seconds: number;
  /** All requests. */
  readonly perSecond: number;
  readonly byDimension: ReadonlyMap<Dimension, DimensionCut>;
};

/** Every request has a path, whatever else is known of it. */
function ratesOf({ fromSecond, untilSecond, dimensions }: Counted): Rates {
  const seconds = untilSecond - fromSecond;
  const byDimension = new Map(dimensions.map((cut) => [cut.dimension, cut]));
  const requests = byDimension.get("path")?.total ?? 0;
  return { seconds, perSecond: seconds <= 0 ? 0 : requests / seconds, byDimension };
}

function suspectsBy(
  dimension: Dimension,
  { now, usual, excess }: { readonly now: Rates; readonly usual: Rates; readonly excess: number },
): readonly Suspect[] {
  const cut = usual.byDimension.get(dimension);
  const before = new Map(cut?.top.map(({ name, count }) => [name, count / usual.seconds]));
  const unnamed = cut === undefined ? 0 : unnamedPerSecond(cut, usual.seconds);
  const top = now.byDimension.get(dimension)?.top ?? [];
  return top
    .map(({ name, atLeast }) => {
      const perSecond = atLeast / now.seconds;
      const beforePerSecond = before.get(name) ?? unnamed;
      return {
        name,
        perSecond,
        beforePerSecond,
        excessShare: (perSecond - beforePerSecond) / excess,
      };
    })
    .filter(
      ({ perSecond, beforePerSecond, excessShare }) =>
        excessShare >= EXCESS_SHARE_MIN && perSecond - beforePerSecond >= NEW_SHARE_MIN * perSecond,
    )
    .toSorted((a, b) => b.excessShare - a.excessShare || (a.name < b.name ? -1 : 1))
    .filter(
      ({ excessShare }, _, [busiest]) =>
        excessShare >= PEER_SHARE_MIN * (busiest?.excessShare ?? 0),
    )
    .slice(0, SUSPECTS_MAX);
}

/**
 * Small counts get no name. What was not counted by name is divided among the keys that had none: a network, a page or a browser of
 * ordinary visitors is among them, and must not be taken for one that only the flood has. An address that nobody had heard of is
 * new: nobody shares it, but for those who are many, and they are heard of.
 */
function unnamedPerSecond(cut: DimensionCut, seconds: number): number {
  if (cut.dimension === "address") return 0;
  const unnamed = Math.max(0, cut.total - sumOf(cut.top, ({ count }) => count));
  const keys = distinctOf(cut) - cut.top.length;
  return keys <= 0 ? 0 : unnamed / keys / seconds;
}

const sumOf = <T>(all: readonly T[], of: (one: T) => number): number =>
  all.reduce((sum, one) => sum + of(one), 0);
