/**
 * The shard's side of shared limits. Pure: no clock, no storage. Per key one TAT, which leases advance, and also what isolates
 * served on their own account, so that a debt is paid back; and who takes part, as two small bitmaps.
 */
import { charge, remaining, waitMs, type Quota } from "../guard/limits/gcra.ts";
import { LocalTable, OWN_WORDS_FROM, TOUCHED_AT } from "../guard/limits/local-table.ts";
import { mix32 } from "../sketches/hash.ts";
import type { Lease, LeaseAsk } from "./limiter-api.ts";

/** Keys that a shard remembers; beyond them the one asked for longest ago is forgotten, and its quota is whole again. */
export const KEYS_MAX = 65_536;
/** Isolates are counted over the window, or this if it is longer, and the one before. */
const COUNTED_MS_MIN = 10_000;
export const PARTICIPANTS_MAX = 1_000;
/** A pause lasts until every participant could have had this many tokens… */
const TOKENS_PER_TURN = 2;
/** …but this share of the window at least, and the whole window at most. */
const PAUSE_SHARE_MIN = 1 / 20;

const BITMAP_WORDS = 4;
const BITMAP_BITS = BITMAP_WORDS * 32;
const PERIOD = OWN_WORDS_FROM;
const CURRENT = OWN_WORDS_FROM + 1;
const BEFORE = CURRENT + BITMAP_WORDS;
const WORDS_PER_SLOT = BEFORE + BITMAP_WORDS;

export class LeaseTable {
  readonly #table: LocalTable;
  /** The key at hand. */
  readonly #key = new Uint32Array(2);

  constructor(keys = KEYS_MAX) {
    this.#table = new LocalTable(keys, WORDS_PER_SLOT);
  }

  /** Bytes held; it never changes. */
  get byteLength(): number {
    return this.#table.byteLength;
  }

  /** Charges what was spent, and grants what there is, in parts that leave something for the others. */
  lease(isolate: number, ask: LeaseAsk, nowMs: number): Lease {
    const { quota, want } = ask;
    const at = this.#table.elapsedMs(nowMs);
    const slot = this.#table.claim(this.#keyOf(ask));
    this.#table.words[slot + TOUCHED_AT] = at;
    const participants = this.#participate(slot, isolate, quota, at);
    const tat = this.#settleDebt(slot, ask, at);
    const available = remaining(tat, at, quota);
    const part = Math.max(1, Math.ceil((2 * available) / Math.max(2, participants)));
    const granted = Math.min(want, available, part);
    const after = charge(tat, at, quota, granted);
    this.#table.ticks[slot >> 1] = after;
    const pauseMs = granted < want ? pauseFor(after, at, quota, participants) : 0;
    return { granted, pauseMs, remaining: available - granted, participants };
  }

  #keyOf({ high, low }: LeaseAsk): Uint32Array {
    this.#key[0] = high;
    this.#key[1] = low;
    return this.#key;
  }

  /** A debt of more than a window is let go: a key is never shut out for longer than two. */
  #settleDebt(slot: number, { quota, spent }: LeaseAsk, at: number): number {
    const tat = this.#table.ticks[slot >> 1] ?? 0;
    const most = at * quota.limit + (quota.burst + quota.limit) * quota.windowMs;
    return Math.min(charge(tat, at, quota, spent), most);
  }

  /** Counts the isolate in, and says how many there are: the share of bits that nobody hit tells (linear counting). */
  #participate(slot: number, isolate: number, quota: Quota, at: number): number {
    const { words } = this.#table;
    this.#startPeriod(slot, Math.floor(at / Math.max(quota.windowMs, COUNTED_MS_MIN)));
    const bit = mix32(isolate) % BITMAP_BITS;
    const word = slot + CURRENT + (bit >>> 5);
    words[word] = (words[word] ?? 0) | (1 << (bit & 31));
    let taken = 0;
    for (let index = 0; index < BITMAP_WORDS; index += 1) {
      taken += bitsIn((words[slot + CURRENT + index] ?? 0) | (words[slot + BEFORE + index] ?? 0));
    }
    const counted = -BITMAP_BITS * Math.log(1 - taken / BITMAP_BITS);
    return Math.min(Math.round(counted), PARTICIPANTS_MAX);
  }

  #startPeriod(slot: number, period: number): void {
    const { words } = this.#table;
    const passed = period - (words[slot + PERIOD] ?? 0);
    if (passed === 0) return;
    words[slot + PERIOD] = period;
    for (let index = 0; index < BITMAP_WORDS; index += 1) {
      words[slot + BEFORE + index] = passed === 1 ? (words[slot + CURRENT + index] ?? 0) : 0;
      words[slot + CURRENT + index] = 0;
    }
  }
}

/** How long an isolate that wanted more is to make do: everyone's turn comes once in that time. */
function pauseFor(tat: number, at: number, quota: Quota, participants: number): number {
  const { limit, windowMs } = quota;
  const turnMs = (TOKENS_PER_TURN * participants * windowMs) / limit;
  const pauseMs = Math.min(Math.max(turnMs, windowMs * PAUSE_SHARE_MIN), windowMs);
  return Math.max(Math.ceil(pauseMs), waitMs(tat, at, quota));
}

function bitsIn(word: number): number {
  let bits = 0;
  for (let rest = word >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) bits += 1;
  return bits;
}
