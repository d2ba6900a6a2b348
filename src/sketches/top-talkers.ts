/**
 * Who sends most of the traffic, by several keys at once, in memory that does not grow with the number of keys: a key that has
 * a counter is counted exactly; any other passes Count-Min first, and gets a counter once its estimate stands out. Beside it,
 * how many different keys there are. Old traffic fades by halves, by the clock: after an idle day nothing old is left.
 */
import { assert } from "../shared/assert.ts";
import { CountMin } from "./count-min.ts";
import { HyperLogLog } from "./hyper-log-log.ts";
import { SpaceSaving } from "./space-saving.ts";

/** What requests are counted by. `address` is IPv4 or a /64; `network` a /24 or /48; `path` the template of a route. */
export const DIMENSIONS = [
  "address",
  "network",
  "asn",
  "country",
  "ja4",
  "user_agent",
  "path",
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** One request's keys, in the order of `DIMENSIONS`: unsigned words, 0 where there is none. Allocate once, fill often. */
export type TalkerKeys = Uint32Array;
export const talkerKeys = (): TalkerKeys => new Uint32Array(DIMENSIONS.length);

/** Says what a key of the request at hand is called; asked only for the few keys that get a counter. */
export type TalkerNames = { nameOf(dimension: Dimension): string };

export const WINDOW_MS = 10_000;
export const REPORTED_MAX = 32;
export const NAME_CHARS_MAX = 200;
/** Below this share of the traffic a key gets no counter… */
const SHARE_MIN = 1 / 512;
/** …nor below this count, while there is little traffic. */
const COUNT_MIN = 16;
const WIDTH_BITS = 12;
const COUNTERS = 128;
const PRECISION = 12;

export type Talker = {
  readonly name: string;
  /** Requests, at least `atLeast` and at most `count` of them; older windows weigh a half, a quarter, … */
  readonly count: number;
  readonly atLeast: number;
};

export type DimensionReport = {
  readonly dimension: Dimension;
  /** Requests that had a key of this dimension, faded like the counts: a talker's share is `count / total`. */
  readonly total: number;
  /** Different keys in this window and the one before, about. */
  readonly distinct: number;
  /** The sketch behind `distinct`, for merging with other isolates'. */
  readonly distinctBytes: Uint8Array;
  /** The largest first. */
  readonly top: readonly Talker[];
};

export class TopTalkers {
  readonly #windowMs: number;
  readonly #dimensions: readonly DimensionCounts[] = DIMENSIONS.map(() => new DimensionCounts());
  #window = 0;
  #windowEndsAtMs = -Infinity;

  constructor(windowMs = WINDOW_MS) {
    assert(windowMs > 0, "a window has a length");
    this.#windowMs = windowMs;
  }

  /** Bytes held by the sketches; it never changes. Names take at most 128 × `NAME_CHARS_MAX` more per dimension. */
  get byteLength(): number {
    return this.#dimensions.reduce((sum, counts) => sum + counts.byteLength, 0);
  }

  /** Counts one request under each of its keys. */
  record(keys: TalkerKeys, names: TalkerNames, nowMs: number): void {
    if (nowMs >= this.#windowEndsAtMs) this.#fade(nowMs);
    for (let at = 0; at < DIMENSIONS.length; at += 1) {
      // Signed from here on: an unsigned word that is handed on is often put into a box first.
      const key = (keys[at] ?? 0) | 0;
      if (key === 0) continue;
      const counts = this.#dimensions[at];
      const newSlot = counts?.record(key) ?? null;
      if (newSlot !== null) counts?.name(newSlot, names.nameOf(DIMENSIONS[at] ?? "address"));
    }
  }

  /** What stands out now, for every dimension that was seen lately. */
  report(nowMs: number): DimensionReport[] {
    if (nowMs >= this.#windowEndsAtMs) this.#fade(nowMs);
    return DIMENSIONS.flatMap((dimension, at) => {
      const counts = this.#dimensions[at];
      return counts === undefined || counts.total === 0
        ? []
        : [{ dimension, ...counts.report(REPORTED_MAX) }];
    });
  }

  /** As many halvings as windows have ended. A clock that goes back changes nothing. */
  #fade(nowMs: number): void {
    const window = Math.floor(nowMs / this.#windowMs);
    const ended = window - this.#window;
    this.#window = window;
    this.#windowEndsAtMs = (window + 1) * this.#windowMs;
    for (const counts of this.#dimensions) counts.fade(ended);
  }
}

/** The sketches of one dimension. */
class DimensionCounts {
  total = 0;
  readonly #sieve = new CountMin(WIDTH_BITS);
  readonly #talkers = new SpaceSaving(COUNTERS);
  readonly #names: string[] = Array.from({ length: COUNTERS }, () => "");
  #distinct = new HyperLogLog(PRECISION);
  #distinctBefore = new HyperLogLog(PRECISION);

  get byteLength(): number {
    return (
      this.#sieve.byteLength +
      this.#talkers.byteLength +
      this.#distinct.byteLength +
      this.#distinctBefore.byteLength
    );
  }

  /** The slot that still needs a name, when this key just got a counter. */
  record(key: number): number | null {
    this.total += 1;
    this.#distinct.add(key);
    if (this.#talkers.increment(key)) return null;
    const estimate = this.#sieve.add(key);
    if (estimate < COUNT_MIN || estimate < this.total * SHARE_MIN) return null;
    return estimate > this.#talkers.floor ? this.#admit(key, estimate) : null;
  }

  name(slot: number, name: string): void {
    this.#names[slot] = name.slice(0, NAME_CHARS_MAX);
  }

  fade(windows: number): void {
    if (windows <= 0) return;
    this.total = Math.floor(this.total / 2 ** windows);
    this.#sieve.halve(windows);
    this.#talkers.halve(windows);
    [this.#distinct, this.#distinctBefore] = [this.#distinctBefore, this.#distinct];
    this.#distinct.clear();
    if (windows > 1) this.#distinctBefore.clear();
  }

  report(limit: number): Omit<DimensionReport, "dimension"> {
    const both = this.#distinctBefore.copy();
    both.merge(this.#distinct);
    const top = this.#talkers
      .top(limit)
      .filter(({ count }) => count > 0)
      .map(({ slot, count, error }) => ({
        name: this.#names[slot] ?? "",
        count,
        atLeast: count - error,
      }));
    return { total: this.total, distinct: both.estimate(), distinctBytes: both.toBytes(), top };
  }

  /** Nothing that is known of the estimate but that it is not too low: all of it may be other keys'. */
  #admit(key: number, estimate: number): number | null {
    const evicted = this.#talkers.admit(key, estimate, estimate - 1);
    // Back to the sieve with its count, so that neither of the two structures ever says too little.
    if (evicted !== null) this.#sieve.raise(evicted.key, evicted.count);
    return this.#talkers.slot(key);
  }
}
