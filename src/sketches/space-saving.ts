/**
 * Space-Saving: the most frequent keys of a stream in a fixed number of counters. A small hash table finds the counter of a key.
 * The smallest is looked for only when a newcomer may take its place: counting, which is done for each request, keeps no order.
 * A count is never too low, and too high by at most its `error`.
 */
import { assert } from "../shared/assert.ts";
import { mix32 } from "./hash.ts";

export const COUNTERS_MAX = 4_096;
const COUNT_MAX = 0xffff_ffff;
/** Where a key without a counter is. */
export const NO_SLOT = -1;

/** The true count lies in `count - error` ..= `count`. `slot` stays the key's own as long as it is counted. */
export type Counter = {
  readonly key: number;
  readonly count: number;
  readonly error: number;
  readonly slot: number;
};

export class SpaceSaving {
  readonly counters: number;
  /** Signed, so that a key is compared as the small integer it is; `Counter` has it unsigned again. */
  readonly #keys: Int32Array;
  readonly #counts: Uint32Array;
  readonly #errors: Uint32Array;
  /** Open addressing from key to slot + 1; so much longer than there are counters that most probes end at once. */
  readonly #index: Uint16Array;
  #size = 0;
  /** No count is below it: until the next halving counts only grow. */
  #floorMin = 0;

  constructor(counters: number) {
    assert(
      Number.isInteger(counters) && counters >= 1 && counters <= COUNTERS_MAX,
      "Space-Saving has 1 to 4096 counters",
    );
    this.counters = counters;
    this.#keys = new Int32Array(counters);
    this.#counts = new Uint32Array(counters);
    this.#errors = new Uint32Array(counters);
    this.#index = new Uint16Array(2 ** Math.ceil(Math.log2(counters * 8)));
  }

  get size(): number {
    return this.#size;
  }

  get byteLength(): number {
    const columns = [this.#keys, this.#counts, this.#errors, this.#index];
    return columns.reduce((sum, column) => sum + column.byteLength, 0);
  }

  /** The smallest count that a key needs to exceed to be counted here; 0 while there is room. */
  get floor(): number {
    return this.#size < this.counters ? 0 : (this.#counts[this.#smallest()] ?? 0);
  }

  /** Whether this count exceeds the floor: for most it is told without looking for the smallest. */
  exceedsFloor(count: number): boolean {
    return count > this.#floorMin && count > this.floor;
  }

  /** Counts one more of a key that already has a counter; false when it has none. */
  increment(key: number, by = 1): boolean {
    return this.incrementHashed(key, mix32(key), by) !== NO_SLOT;
  }

  /** The same for a key whose `mix32` is at hand; its slot, or `NO_SLOT`. */
  incrementHashed(key: number, hash: number, by = 1): number {
    const slot = this.#find(key, hash);
    if (slot === NO_SLOT) return NO_SLOT;
    this.#counts[slot] = Math.min((this.#counts[slot] ?? 0) + by, COUNT_MAX);
    return slot;
  }

  /** The classic update: a key without a counter takes over the smallest one, and its count as error. */
  add(key: number, by = 1): void {
    if (this.increment(key, by)) return;
    const floor = this.floor;
    this.admit(key, Math.min(floor + by, COUNT_MAX), floor);
  }

  /**
   * Gives a key that has no counter one with this count and error; the smallest counter makes room, and is returned.
   * Whoever calls decides whether the newcomer is worth it.
   */
  admit(key: number, count: number, error: number): Counter | null {
    const isFull = this.#size === this.counters;
    const evicted = isFull ? this.#counter(this.#smallest()) : null;
    const slot = evicted?.slot ?? this.#size;
    if (evicted === null) this.#size += 1;
    else this.#forget(evicted.key);
    this.#keys[slot] = key;
    this.#counts[slot] = count;
    this.#errors[slot] = error;
    this.#remember(key, slot);
    this.#floorMin = Math.min(this.#floorMin, count);
    return evicted;
  }

  /** The count of a key, 0 when it has no counter. */
  count(key: number): number {
    const slot = this.#find(key);
    return slot === NO_SLOT ? 0 : (this.#counts[slot] ?? 0);
  }

  /** The slot of a key, null when it has no counter. */
  slot(key: number): number | null {
    const slot = this.#find(key);
    return slot === NO_SLOT ? null : slot;
  }

  /** The count of the key that has this slot. */
  countAt(slot: number): number {
    return this.#counts[slot] ?? 0;
  }

  /** The largest counts first, ties by key, at most `limit`. */
  top(limit: number): Counter[] {
    return Array.from({ length: this.#size }, (_, slot) => this.#counter(slot))
      .toSorted((a, b) => b.count - a.count || a.key - b.key)
      .slice(0, limit);
  }

  /** Halves every count `times` over. Errors round up, to stay true. */
  halve(times: number): void {
    if (times <= 0) return;
    if (times >= 32) return this.clear();
    const divisor = 2 ** times;
    this.#floorMin = 0;
    for (let slot = 0; slot < this.#size; slot += 1) {
      const count = (this.#counts[slot] ?? 0) >>> times;
      this.#counts[slot] = count;
      this.#errors[slot] = Math.min(Math.ceil((this.#errors[slot] ?? 0) / divisor), count);
    }
  }

  clear(): void {
    this.#size = 0;
    this.#floorMin = 0;
    this.#index.fill(0);
  }

  /** The slot of the smallest count. */
  #smallest(): number {
    const counts = this.#counts;
    let smallest = 0;
    for (let slot = 1; slot < this.#size; slot += 1) {
      if ((counts[slot] ?? 0) < (counts[smallest] ?? 0)) smallest = slot;
    }
    this.#floorMin = counts[smallest] ?? 0;
    return smallest;
  }

  #counter(slot: number): Counter {
    return {
      key: (this.#keys[slot] ?? 0) >>> 0,
      count: this.#counts[slot] ?? 0,
      error: this.#errors[slot] ?? 0,
      slot,
    };
  }

  #find(key: number, hash = mix32(key)): number {
    const mask = this.#index.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = (this.#index[at] ?? 0) - 1;
      if (slot === NO_SLOT || this.#keys[slot] === (key | 0)) return slot;
    }
  }

  #remember(key: number, slot: number): void {
    const mask = this.#index.length - 1;
    let at = mix32(key) & mask;
    while (this.#index[at] !== 0) at = (at + 1) & mask;
    this.#index[at] = slot + 1;
  }

  /** Closes the gap that a removed key leaves, or probes of its neighbours would end too soon. */
  #forget(key: number): void {
    const [index, mask] = [this.#index, this.#index.length - 1];
    let gap = mix32(key) & mask;
    while (this.#keys[(index[gap] ?? 0) - 1] !== (key | 0)) gap = (gap + 1) & mask;
    for (let at = (gap + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const home = mix32(this.#keys[(index[at] ?? 0) - 1] ?? 0) & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      index[gap] = index[at] ?? 0;
      gap = at;
    }
    index[gap] = 0;
  }
}
