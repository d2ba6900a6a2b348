/**
 * Who sends most of the traffic, by several keys at once, in memory that does not grow with the number of keys: a key that has
 * a counter is counted exactly; any other passes Count-Min first, and gets a counter once its estimate stands out. Beside it,
 * how many different keys there are. Who stands out is remembered from window to window, fading by halves, by the clock: after
 * an idle day nothing old is left. What is handed over is only what happened since the last time.
 */
import { assert } from "../shared/assert.ts";
import { CountMin } from "./count-min.ts";
import { mix32 } from "./hash.ts";
import { HyperLogLog } from "./hyper-log-log.ts";
import { NO_SLOT, SpaceSaving, type Counter } from "./space-saving.ts";

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

/**
 * Dimensions that callers may sample, because their keys take long to read. A sampled request counts for those that were passed
 * over, so what is said of these dimensions is an estimate under much traffic.
 */
const SAMPLED: readonly Dimension[] = ["asn", "country", "ja4", "user_agent"];
const IS_SAMPLED: readonly boolean[] = DIMENSIONS.map((one) => SAMPLED.includes(one));

/** One request's keys, in the order of `DIMENSIONS`: unsigned words, 0 where there is none. Allocate once, fill often. */
export type TalkerKeys = Uint32Array;
export const talkerKeys = (): TalkerKeys => new Uint32Array(DIMENSIONS.length);

/** Says what a key of the request at hand is called; asked only for the few keys that get a counter. */
export type TalkerNames = { nameOf(dimension: Dimension): string };

export const WINDOW_MS = 10_000;
/** In one cut, for each dimension. */
export const REPORTED_MAX = 32;
export const NAME_CHARS_MAX = 200;
/** A talker with fewer requests since the last cut waits for the next one. */
export const REPORTED_MIN = 4;
/** Below this share of the traffic a key gets no counter… */
const SHARE_MIN = 1 / 512;
/** …nor below this count, while there is little traffic: what is halved before it has a name is nobody's. */
const COUNT_MIN = 4;
const WIDTH_BITS = 12;
const COUNTERS = 128;
export const DISTINCT_PRECISION = 12;

export type Talker = {
  readonly name: string;
  /** Requests since the last cut: at least `atLeast`, at most `count`. One that just got its counter brings what led to it. */
  readonly count: number;
  readonly atLeast: number;
  /** Those of them that never reached production; at least. */
  readonly refused: number;
};

/** What happened in one dimension since the last cut. */
export type DimensionCut = {
  readonly dimension: Dimension;
  /** Requests that had a key of this dimension. */
  readonly total: number;
  readonly refused: number;
  /** A HyperLogLog of the keys, to be merged with others'. */
  readonly distinct: Uint8Array;
  /** The largest first. */
  readonly top: readonly Talker[];
};

/** `sampledFor` is how many requests this one stands for, under its sampled keys. */
export type Recorded = { readonly isRefused: boolean; readonly sampledFor: number };
const SERVED: Recorded = { isRefused: false, sampledFor: 1 };

export class TopTalkers {
  readonly #windowMs: number;
  readonly #dimensions: readonly DimensionCounts[] = DIMENSIONS.map(() => new DimensionCounts());
  #windowEndsAtMs = -Infinity;

  constructor(windowMs = WINDOW_MS) {
    assert(windowMs > 0, "a window has a length");
    this.#windowMs = windowMs;
  }

  /** Bytes held by the sketches; it never changes. Names take at most 128 × `NAME_CHARS_MAX` more per dimension. */
  get byteLength(): number {
    return this.#dimensions.reduce((sum, counts) => sum + counts.byteLength, 0);
  }

  /** Counts one request under each of its keys; under those that are sampled, for so many of them. */
  record(
    keys: TalkerKeys,
    names: TalkerNames,
    nowMs: number,
    { isRefused, sampledFor }: Recorded = SERVED,
  ): void {
    if (nowMs >= this.#windowEndsAtMs) this.#fade(nowMs);
    for (let at = 0; at < DIMENSIONS.length; at += 1) {
      // Signed from here on: an unsigned word that is handed on is often put into a box first.
      const key = (keys[at] ?? 0) | 0;
      if (key === 0) continue;
      const counts = this.#dimensions[at];
      const by = IS_SAMPLED[at] === true ? sampledFor : 1;
      const newSlot = counts?.record(key, isRefused, by) ?? null;
      if (newSlot !== null) counts?.name(newSlot, names.nameOf(DIMENSIONS[at] ?? "address"));
    }
  }

  /** Hands over what was counted since the last cut, for every dimension that was seen. */
  cut(nowMs: number): DimensionCut[] {
    if (nowMs >= this.#windowEndsAtMs) this.#fade(nowMs);
    return DIMENSIONS.flatMap((dimension, at) => {
      const counts = this.#dimensions[at];
      return counts === undefined || counts.isQuiet ? [] : [{ dimension, ...counts.cut() }];
    });
  }

  /** As many halvings as windows have ended, the first of which begins with the first request. A clock that goes back changes nothing. */
  #fade(nowMs: number): void {
    if (this.#windowEndsAtMs === -Infinity) this.#windowEndsAtMs = nowMs;
    const ended = Math.floor((nowMs - this.#windowEndsAtMs) / this.#windowMs) + 1;
    this.#windowEndsAtMs += ended * this.#windowMs;
    for (const counts of this.#dimensions) counts.fade(ended);
  }
}

/** The sketches of one dimension. */
class DimensionCounts {
  readonly #sieve = new CountMin(WIDTH_BITS);
  readonly #talkers = new SpaceSaving(COUNTERS);
  readonly #names: string[] = Array.from({ length: COUNTERS }, () => "");
  /** By slot: how far its count was handed over. Below zero when more waits than is left of a count that faded. */
  readonly #handedOver = new Int32Array(COUNTERS);
  /** By slot: 1 once some of it was. */
  readonly #wasTold = new Uint8Array(COUNTERS);
  /** By slot, since the last cut. */
  readonly #refusals = new Uint32Array(COUNTERS);
  /** Since the last cut. */
  readonly #distinct = new HyperLogLog(DISTINCT_PRECISION);
  /** Fades like the counters. */
  #weight = 0;
  #total = 0;
  #refused = 0;

  get byteLength(): number {
    return [
      this.#sieve,
      this.#talkers,
      this.#handedOver,
      this.#wasTold,
      this.#refusals,
      this.#distinct,
    ].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Nothing since the last cut. */
  get isQuiet(): boolean {
    return this.#total === 0;
  }

  /** The slot that still needs a name, when this key just got a counter. */
  record(key: number, isRefused: boolean, by: number): number | null {
    const hash = mix32(key) | 0;
    this.#weight += by;
    this.#total += by;
    this.#distinct.addHash(hash);
    const slot = this.#talkers.incrementHashed(key, hash, by);
    if (isRefused) this.#refuse(slot, by);
    if (slot !== NO_SLOT) return null;
    const estimate = this.#sieve.addHashed(key, hash, by);
    if (estimate < COUNT_MIN || estimate < this.#weight * SHARE_MIN) return null;
    return this.#talkers.exceedsFloor(estimate) ? this.#admit(key, estimate, by) : null;
  }

  name(slot: number, name: string): void {
    this.#names[slot] = name.length > NAME_CHARS_MAX ? copyOf(name.slice(0, NAME_CHARS_MAX)) : name;
  }

  fade(windows: number): void {
    if (windows <= 0) return;
    this.#weight = Math.floor(this.#weight / 2 ** windows);
    this.#sieve.halve(windows);
    // Standing fades; what waits to be handed over does not, or who sends little would be told as less, and the rest as nobody's.
    const waiting = this.#handedOver.map((until, slot) => this.#talkers.countAt(slot) - until);
    this.#talkers.halve(windows);
    for (let slot = 0; slot < COUNTERS; slot += 1) {
      this.#handedOver[slot] = this.#talkers.countAt(slot) - (waiting[slot] ?? 0);
    }
  }

  cut(): Omit<DimensionCut, "dimension"> {
    const top = this.#talkers
      .top(COUNTERS)
      .map((counter) => ({ counter, since: counter.count - (this.#handedOver[counter.slot] ?? 0) }))
      .filter(({ since }) => since >= REPORTED_MIN)
      .toSorted((a, b) => b.since - a.since)
      .slice(0, REPORTED_MAX)
      .map(({ counter, since }) => this.#handOver(counter, since));
    const handed = { total: this.#total, refused: this.#refused };
    const distinct = this.#distinct.toBytes();
    this.#total = 0;
    this.#refused = 0;
    this.#refusals.fill(0);
    this.#distinct.clear();
    return { ...handed, distinct, top };
  }

  #handOver({ slot, count, error }: Counter, since: number): Talker {
    const isFirst = this.#wasTold[slot] === 0;
    this.#wasTold[slot] = 1;
    this.#handedOver[slot] = count;
    return {
      name: this.#names[slot] ?? "",
      count: since,
      atLeast: isFirst ? count - error : since,
      refused: Math.min(this.#refusals[slot] ?? 0, since),
    };
  }

  #refuse(slot: number, by: number): void {
    this.#refused += by;
    if (slot !== NO_SLOT) this.#refusals[slot] = (this.#refusals[slot] ?? 0) + by;
  }

  /** Nothing that is known of the estimate but that it is not too low: all of it may be other keys'. */
  #admit(key: number, estimate: number, by: number): number | null {
    const evicted = this.#talkers.admit(key, estimate, estimate - by);
    // Back to the sieve with its count, so that neither of the two structures ever says too little.
    if (evicted !== null) this.#sieve.raise(evicted.key, evicted.count);
    const slot = this.#talkers.slot(key);
    if (slot !== null) {
      this.#handedOver[slot] = 0;
      this.#wasTold[slot] = 0;
      this.#refusals[slot] = 0;
    }
    return slot;
  }
}

/** A slice keeps the whole text alive that it was cut from, which may be a header of many kilobytes. */
const copyOf = (text: string): string => decoder.decode(encoder.encode(text));
const encoder = new TextEncoder();
const decoder = new TextDecoder();
