/**
 * A hash table that never grows: 64-bit keys, a fixed number of slots, at most eight probes. Where all eight are taken, the
 * one that was touched longest ago makes room. A slot is a few words in a row, so that a look-up costs a cache line or two.
 */
import { assert } from "../../shared/assert.ts";
import { ELAPSED_MS_MAX } from "./gcra.ts";

export const SLOTS = 65_536;
const PROBES = 8;

/** Words 0 and 1 of each slot are its TAT (at `slot >> 1` in `ticks`); these follow; the rest are the owner's. */
const KEY_HIGH = 2;
const KEY_LOW = 3;
/** When the owner last looked after this slot, in elapsed milliseconds; 0 in a slot that was just claimed. */
export const TOUCHED_AT = 4;
export const OWN_WORDS_FROM = 5;

/** The two words of a key, high and low. In an array, because a number of 32 bits that is handed on is often boxed. */
export type LimitKey = Uint32Array;

export class LocalTable {
  readonly ticks: Float64Array;
  readonly words: Uint32Array;
  /** The same bytes as small counts: two for each word, at `2 * (slot + word)`. */
  readonly halves: Uint16Array;
  readonly #wordsPerSlot: number;
  readonly #mask: number;
  #originMs = Number.NaN;

  /** `slots` is a power of two, `wordsPerSlot` even. A slot is named by the place of its first word. */
  constructor(slots: number, wordsPerSlot: number) {
    assert(slots >= PROBES && Number.isInteger(Math.log2(slots)), "slots are a power of two");
    assert(wordsPerSlot > OWN_WORDS_FROM && wordsPerSlot % 2 === 0, "a slot is of even length");
    const bytes = new ArrayBuffer(slots * wordsPerSlot * 4);
    this.ticks = new Float64Array(bytes);
    this.words = new Uint32Array(bytes);
    this.halves = new Uint16Array(bytes);
    this.#wordsPerSlot = wordsPerSlot;
    this.#mask = slots - 1;
  }

  get byteLength(): number {
    return this.words.byteLength;
  }

  /** Milliseconds since the table began, from 1 on. After 24 days it begins anew, empty: no isolate lives that long. */
  elapsedMs(nowMs: number): number {
    const elapsedMs = nowMs - this.#originMs + 1;
    if (elapsedMs >= 1 && elapsedMs < ELAPSED_MS_MAX) return elapsedMs | 0;
    // A clock that went back stands still at the beginning: nobody gains from it.
    if (elapsedMs < 1) return 1;
    this.#originMs = nowMs;
    this.words.fill(0);
    return 1;
  }

  /** The slot of a key, or -1. */
  find(key: LimitKey): number {
    const { words } = this;
    const high = key[0] ?? 0;
    const low = key[1] ?? 0;
    for (let probe = 0; probe < PROBES; probe += 1) {
      const slot = this.#slotAt(low + probe);
      // Slots are never emptied, so a key is never behind an empty one.
      if (words[slot + TOUCHED_AT] === 0) return -1;
      if (words[slot + KEY_LOW] === low && words[slot + KEY_HIGH] === high) return slot;
    }
    return -1;
  }

  /** The slot of a key, or a new one with nothing in it. The owner sets `TOUCHED_AT`. */
  claim(key: LimitKey): number {
    const { words } = this;
    const high = key[0] ?? 0;
    const low = key[1] ?? 0;
    let oldest = this.#slotAt(low);
    for (let probe = 0; probe < PROBES; probe += 1) {
      const slot = this.#slotAt(low + probe);
      const touchedAt = words[slot + TOUCHED_AT] ?? 0;
      if (touchedAt === 0) return this.#take(slot, high, low);
      if (words[slot + KEY_LOW] === low && words[slot + KEY_HIGH] === high) return slot;
      if (touchedAt < (words[oldest + TOUCHED_AT] ?? 0)) oldest = slot;
    }
    return this.#take(oldest, high, low);
  }

  #slotAt(place: number): number {
    return (place & this.#mask) * this.#wordsPerSlot;
  }

  #take(slot: number, high: number, low: number): number {
    for (let word = slot; word < slot + this.#wordsPerSlot; word += 1) this.words[word] = 0;
    this.words[slot + KEY_HIGH] = high;
    this.words[slot + KEY_LOW] = low;
    return slot;
  }
}
