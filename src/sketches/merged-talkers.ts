/**
 * What several counters handed over, added up: the sketch of all their traffic together. Bounded: when more names come than
 * there is room for, the smallest gives way and leaves the newcomer its count as doubt, as in Space-Saving.
 */
import { HyperLogLog } from "./hyper-log-log.ts";
import {
  DIMENSIONS,
  DISTINCT_PRECISION,
  type Dimension,
  type DimensionCut,
  type Talker,
} from "./top-talkers.ts";

/** Kept for each dimension; eight times what one counter hands over. */
export const MERGED_NAMES_MAX = 256;

export class MergedTalkers {
  readonly #dimensions = new Map<Dimension, MergedDimension>();

  /** A `distinct` that is not a sketch of ours adds nothing; see `isDistinct`. */
  add(cuts: readonly DimensionCut[]): void {
    for (const cut of cuts) {
      const merged = this.#dimensions.get(cut.dimension) ?? new MergedDimension();
      this.#dimensions.set(cut.dimension, merged);
      merged.add(cut);
    }
  }

  /** All of it, at most `limit` names for each dimension, the largest first. */
  cuts(limit: number): readonly DimensionCut[] {
    return DIMENSIONS.flatMap((dimension) => {
      const merged = this.#dimensions.get(dimension);
      return merged === undefined ? [] : [{ dimension, ...merged.cut(limit) }];
    });
  }
}

/** About how many different keys the cut saw. */
export const distinctOf = ({ distinct }: Pick<DimensionCut, "distinct">): number =>
  Math.round(HyperLogLog.fromBytes(distinct)?.estimate() ?? 0);

/** Whether bytes are a sketch that merges with the others. */
export const isDistinct = (bytes: Uint8Array): boolean =>
  HyperLogLog.fromBytes(bytes)?.precision === DISTINCT_PRECISION;

class MergedDimension {
  #total = 0;
  #refused = 0;
  readonly #distinct = new HyperLogLog(DISTINCT_PRECISION);
  readonly #talkers = new Map<string, Talker>();

  add({ total, refused, distinct, top }: DimensionCut): void {
    this.#total += total;
    this.#refused += refused;
    const theirs = HyperLogLog.fromBytes(distinct);
    if (theirs?.precision === DISTINCT_PRECISION) this.#distinct.merge(theirs);
    for (const talker of top) this.#addTalker(talker);
  }

  cut(limit: number): Omit<DimensionCut, "dimension"> {
    return {
      total: this.#total,
      refused: this.#refused,
      distinct: this.#distinct.toBytes(),
      top: [...this.#talkers.values()]
        .toSorted((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
        .slice(0, limit),
    };
  }

  #addTalker(talker: Talker): void {
    const known = this.#talkers.get(talker.name) ?? this.#seatFor(talker.name);
    this.#talkers.set(talker.name, {
      name: talker.name,
      count: known.count + talker.count,
      atLeast: known.atLeast + talker.atLeast,
      refused: known.refused + talker.refused,
    });
  }

  /** Where a name begins that is not counted yet: at nothing while there is room. */
  #seatFor(name: string): Talker {
    const seat = { name, count: 0, atLeast: 0, refused: 0 };
    if (this.#talkers.size < MERGED_NAMES_MAX) return seat;
    let smallest: Talker | null = null;
    for (const talker of this.#talkers.values()) {
      if (smallest === null || talker.count < smallest.count) smallest = talker;
    }
    if (smallest === null) return seat;
    this.#talkers.delete(smallest.name);
    return { ...seat, count: smallest.count };
  }
}
