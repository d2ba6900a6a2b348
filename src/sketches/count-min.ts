/**
 * Count-Min with conservative update: how often a key was seen, never too low, in a fixed number of bytes however many keys
 * there are. Four rows; an update raises only the cells that are not above it already.
 */
import { assert } from "../shared/assert.ts";
import { mix32, mix32Again } from "./hash.ts";

const ROWS = 4;
/** Signed words: see `smaller`. */
const CELL_MAX = 0x7fff_ffff;
/** A row is addressed by half of a mixed word. */
export const WIDTH_BITS_MAX = 16;

export class CountMin {
  readonly widthBits: number;
  readonly #mask: number;
  readonly #cells: Int32Array;

  /** `2 ** widthBits` cells in each of four rows, four bytes each: 12 bits are 64 KiB. */
  constructor(widthBits: number) {
    assert(
      Number.isInteger(widthBits) && widthBits >= 4 && widthBits <= WIDTH_BITS_MAX,
      "a row of Count-Min has 2^4 to 2^16 cells",
    );
    this.widthBits = widthBits;
    this.#mask = (1 << widthBits) - 1;
    this.#cells = new Int32Array(ROWS << widthBits);
  }

  get byteLength(): number {
    return this.#cells.byteLength;
  }

  /** Counts `by` more of this unsigned 32-bit key, and returns its new estimate. */
  add(key: number, by = 1): number {
    return this.addHashed(key, mix32(key), by);
  }

  /** The same for a key whose `mix32` is at hand. */
  addHashed(key: number, low: number, by = 1): number {
    const cells = this.#cells;
    const high = mix32Again(key);
    const mask = this.#mask;
    const first = low & mask;
    const second = mask + 1 + ((low >>> 16) & mask);
    const third = 2 * mask + 2 + (high & mask);
    const fourth = 3 * mask + 3 + ((high >>> 16) & mask);
    const a = cells[first] ?? 0;
    const b = cells[second] ?? 0;
    const c = cells[third] ?? 0;
    const d = cells[fourth] ?? 0;
    const smallest = smaller(smaller(a, b), smaller(c, d));
    const estimate = by > CELL_MAX - smallest ? CELL_MAX : smallest + by;
    cells[first] = larger(a, estimate);
    cells[second] = larger(b, estimate);
    cells[third] = larger(c, estimate);
    cells[fourth] = larger(d, estimate);
    return estimate;
  }

  /** Raises this key to at least `count`: what another structure counted meanwhile. */
  raise(key: number, count: number): void {
    const missing = count - this.estimate(key);
    if (missing > 0) this.add(key, missing);
  }

  /** At least the true count; too high by what collided in all four rows. */
  estimate(key: number): number {
    return this.add(key, 0);
  }

  /** Halves every count `times` over: old traffic fades, and after 32 times nothing is left. */
  halve(times: number): void {
    if (times <= 0) return;
    if (times >= 32) return this.clear();
    const cells = this.#cells;
    for (let at = 0; at < cells.length; at += 1) cells[at] = (cells[at] ?? 0) >> times;
  }

  clear(): void {
    this.#cells.fill(0);
  }
}

/**
 * Minimum and maximum of two counts without a branch: which cell is smaller is a coin toss, and a processor that guesses wrong
 * three times per key spends more on that than on everything else here.
 */
const smaller = (a: number, b: number): number => b + ((a - b) & ((a - b) >> 31));
const larger = (a: number, b: number): number => a - ((a - b) & ((a - b) >> 31));
