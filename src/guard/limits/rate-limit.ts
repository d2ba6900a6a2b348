/**
 * What becomes of a request under one rate limit, in one isolate, from memory. Nothing here waits: what a shard should be told
 * or asked is put on a list, and only a request for which the isolate really does not know is told to `ask` first.
 *
 * A shared limit is spent in this order: tokens leased from the shard; then, unless the shard said to pause, a quota of the
 * isolate's own, half of its fair part of the limit. What is spent of that is reported with the next ask and charged there:
 * a loan, not a gift. docs/decisions/0095-leased-rate-limits.md has the reasons and the bounds.
 */
import type { Lease, LeaseAsk, Taken } from "../../limiter/limiter-api.ts";
import { askedKey, Asks, SHARD_QUIET_MS, type AskedKey } from "./asks.ts";
import { admit, charge, REFUSED, remaining, waitMs, wholeInMs, type Quota } from "./gcra.ts";
import { LocalTable, OWN_WORDS_FROM, SLOTS, TOUCHED_AT, type LimitKey } from "./local-table.ts";
import { penaltyMs, type LimitRule } from "./rule.ts";

export type LimitDecision =
  | { readonly kind: "admit" }
  | LimitRefusal
  /** The isolate does not know. Ask the shard, `settle`, and decide again. */
  | { readonly kind: "ask" };

/**
 * `limited`: over the limit now. `blocked`: shut out for a while, for having been. `unavailable`: nobody knows, and the rule
 * fails closed.
 */
export type LimitRefusal = {
  readonly kind: "refuse";
  readonly reason: "limited" | "blocked" | "unavailable";
  readonly retryAfterMs: number;
};

/** Of a quota, for one key: how many more requests would be admitted, and how long until it is whole. */
export type Left = { readonly remaining: number; readonly resetMs: number };

/** An ask that has not been answered after this long is given up. */
export const ASK_DEADLINE_MS = 1_000;
/** How many isolates a key is assumed to be on before its shard has said. */
export const PARTICIPANTS_ASSUMED = 16;
/** A key is made known to its shard when its pace here, on this many isolates, would exceed the limit. */
export const PARTICIPANTS_FEARED = 64;

/** So many requests, served on the isolate's own account over a window or longer, are worth a report. */
const REPORTED_MIN = 3;

const BLOCKED_UNTIL = OWN_WORDS_FROM;
const ASKED_AT = OWN_WORDS_FROM + 1;
const WORDS_PER_SLOT = OWN_WORDS_FROM + 5;
/** Halves, counted from twice the slot. */
const TOKENS = 2 * (OWN_WORDS_FROM + 2);
const UNREPORTED = TOKENS + 1;
/** Requests since the last ask, refused ones included: what the time until the next is likely to need. */
const SEEN = TOKENS + 2;
const PARTICIPANTS = TOKENS + 3;
/** What the shard had left when it last said so. */
const LEFT = TOKENS + 4;
/** The lower byte; the strikes are the upper one. */
const FLAGS = TOKENS + 5;
const HALF_MAX = 0xffff;
const STRIKES_SHIFT = 8;
const STRIKES_MAX = 0xff;

const IS_ASKING = 1;
/** The last ask was granted less than it wanted: the key is over its limit, or close to it. */
const IS_SCARCE = 2;
/** The block is a penalty, and not only a pause. */
const IS_PENALISED = 4;

export const ADMIT: LimitDecision = { kind: "admit" };
export const ASK: LimitDecision = { kind: "ask" };
const UNAVAILABLE: LimitDecision = {
  kind: "refuse",
  reason: "unavailable",
  retryAfterMs: SHARD_QUIET_MS,
};

export class RateLimits {
  readonly asks: Asks;
  readonly #table: LocalTable;

  constructor(shards: number, slots = SLOTS) {
    this.asks = new Asks(shards);
    this.#table = new LocalTable(slots, WORDS_PER_SLOT);
  }

  /** Bytes held; it never changes. */
  get byteLength(): number {
    return this.#table.byteLength;
  }

  /** Counts one request of this key (see key.ts) and decides on it. */
  decide(rule: LimitRule, key: LimitKey, nowMs: number): LimitDecision {
    const at = this.#table.elapsedMs(nowMs);
    const slot = this.#table.claim(key);
    const idleMs = this.#touch(rule, slot, at);
    this.#count(slot * 2 + SEEN, 1);
    const known = this.#decideFromMemory(rule, slot, at);
    if (known !== null) return known;
    if (rule.accuracy === "strict") return ASK;
    if (rule.accuracy === "isolate") return this.#decideAlone(rule, slot, at);
    if (this.asks.isQuiet(key, nowMs)) return this.#decideWithoutShard(rule, slot, at);
    if (this.#spendPart(rule, slot, at)) {
      const isDue = this.#isAskDue(rule, slot, at, idleMs);
      if (isDue && this.asks.add(askedKey(rule, key))) this.#startAsking(slot, at);
      return ADMIT;
    }
    // The shard has said that there is not enough, and is being asked again: what is beyond it need not wait to be refused.
    const isHopeless = this.#hasFlag(slot, IS_SCARCE) && this.#isAsking(slot, at);
    return isHopeless ? this.#refuse(rule, slot, at, tokenMs(rule)) : ASK;
  }

  /** Decides on a request that was told to ask, now that its shard has answered. It was counted before. */
  decideAgain({ rule, key }: AskedKey, nowMs: number): LimitDecision {
    const at = this.#table.elapsedMs(nowMs);
    const slot = this.#table.claim(key);
    this.#touch(rule, slot, at);
    const known = this.#decideFromMemory(rule, slot, at);
    if (known !== null) return known;
    if (this.asks.isQuiet(key, nowMs)) return this.#decideWithoutShard(rule, slot, at);
    // Others took what was granted. No fault of this client's, so it is not held against it.
    return { kind: "refuse", reason: "limited", retryAfterMs: tokenMs(rule) };
  }

  /** The same for a request whose shard has not answered in time. */
  decideUnanswered({ rule, key }: AskedKey, nowMs: number): LimitDecision {
    const at = this.#table.elapsedMs(nowMs);
    const slot = this.#table.claim(key);
    this.#touch(rule, slot, at);
    return this.#decideFromMemory(rule, slot, at) ?? this.#decideWithoutShard(rule, slot, at);
  }

  /**
   * The same for a request that found too many waiting. Of a key whose shard is being asked, others wait already: it may be what
   * they are so many of. For any other it is as if the shard did not answer.
   */
  decideUnasked(asked: AskedKey, nowMs: number): LimitDecision {
    const slot = this.#table.find(asked.key);
    const isAsked = slot !== -1 && this.#isAsking(slot, this.#table.elapsedMs(nowMs));
    return isAsked ? this.decideAgain(asked, nowMs) : this.decideUnanswered(asked, nowMs);
  }

  /** What a strict shard said of one request. */
  decideTaken({ rule, key }: AskedKey, taken: Taken, nowMs: number): LimitDecision {
    const at = this.#table.elapsedMs(nowMs);
    const slot = this.#table.claim(key);
    this.#touch(rule, slot, at);
    // Should the shard go away, the isolate goes on from here.
    const used = Math.max(0, rule.quota.burst - taken.remaining);
    this.#table.ticks[slot >> 1] = charge(0, at, rule.quota, used);
    if (taken.isAdmitted) return ADMIT;
    this.#pause(rule, slot, at, taken.retryAfterMs);
    return this.#refuse(rule, slot, at, taken.retryAfterMs);
  }

  /** What is left for this key; of a shared limit about so much, from what its shard last said. */
  left({ rule, key }: AskedKey, nowMs: number): Left {
    const { quota, accuracy } = rule;
    const slot = this.#table.find(key);
    if (slot === -1) return { remaining: quota.burst, resetMs: 0 };
    const at = this.#table.elapsedMs(nowMs);
    const used = accuracy === "shared" ? this.#usedOf(quota, slot, at) : null;
    const tat = used === null ? (this.#table.ticks[slot >> 1] ?? 0) : charge(0, at, quota, used);
    return { remaining: remaining(tat, at, quota), resetMs: wholeInMs(tat, at, quota) };
  }

  /** Puts a key on the next call to its shard, for a request that will wait for the answer. */
  ask(asked: AskedKey, nowMs: number): void {
    const slot = this.#table.find(asked.key);
    if (slot !== -1 && this.asks.add(asked)) this.#startAsking(slot, this.#table.elapsedMs(nowMs));
  }

  /** The asks of one call, as they are to be sent: what they report is no longer this isolate's to report. */
  prepare(keys: readonly AskedKey[]): LeaseAsk[] {
    return keys.map(({ rule, key }) => {
      const slot = this.#table.find(key);
      const [high = 0, low = 0] = key;
      const { quota } = rule;
      // Evicted meanwhile: whatever it had spent is forgotten with it.
      if (slot === -1) return { high, low, quota, spent: 0, want: 0 };
      const { halves } = this.#table;
      const half = slot * 2;
      const spent = halves[half + UNREPORTED] ?? 0;
      const want = Math.max(1, halves[half + SEEN] ?? 0);
      halves[half + UNREPORTED] = 0;
      halves[half + SEEN] = 0;
      return { high, low, quota, spent, want };
    });
  }

  /** Takes in what a shard granted, one lease for each key that was asked for. */
  settle(keys: readonly AskedKey[], leases: readonly Lease[], nowMs: number): void {
    const at = this.#table.elapsedMs(nowMs);
    for (const [index, { rule, key }] of keys.entries()) {
      const lease = leases[index];
      const slot = this.#table.find(key);
      if (lease !== undefined && slot !== -1) this.#settleOne(rule, slot, lease, at);
    }
  }

  /**
   * A shard did not answer: each isolate is on its own for a moment. What was to be reported stays so; should it have arrived all
   * the same, it is charged twice, which errs on the strict side.
   */
  fail(shard: number, asks: readonly LeaseAsk[], nowMs: number): void {
    this.asks.failed(shard, nowMs);
    for (const { high, low, spent } of asks) {
      const slot = this.#table.find(Uint32Array.of(high, low));
      if (slot === -1) continue;
      this.#clearFlag(slot, IS_ASKING);
      this.#count(slot * 2 + UNREPORTED, spent);
    }
  }

  /** Of a shared limit, by everyone, as far as this isolate knows. */
  #usedOf({ limit, windowMs, burst }: Quota, slot: number, at: number): number {
    const { words, halves } = this.#table;
    const half = slot * 2;
    const unreported = halves[half + UNREPORTED] ?? 0;
    if ((halves[half + PARTICIPANTS] ?? 0) === 0) return Math.min(unreported, burst);
    const regained = ((at - (words[slot + ASKED_AT] ?? 0)) * limit) / windowMs;
    const kept = (halves[half + LEFT] ?? 0) + (halves[half + TOKENS] ?? 0) + Math.floor(regained);
    return Math.min(Math.max(0, burst - kept) + unreported, burst);
  }

  #settleOne(rule: LimitRule, slot: number, lease: Lease, at: number): void {
    const { granted, pauseMs, participants } = lease;
    const { words, halves } = this.#table;
    this.#clearFlag(slot, IS_ASKING | IS_SCARCE);
    halves[slot * 2 + PARTICIPANTS] = Math.min(Math.max(1, participants), HALF_MAX);
    halves[slot * 2 + LEFT] = Math.min(lease.remaining, HALF_MAX);
    const isShutOut = this.#hasFlag(slot, IS_PENALISED) && (words[slot + BLOCKED_UNTIL] ?? 0) > at;
    if (isShutOut) return;
    this.#count(slot * 2 + TOKENS, granted);
    if (pauseMs <= 0) return;
    this.#pause(rule, slot, at, pauseMs);
    this.#setFlag(slot, IS_SCARCE);
  }

  /** Notes that the key is alive; when its quota must be whole again, it starts afresh, all but its strikes. Returns how long it was idle. */
  #touch(rule: LimitRule, slot: number, at: number): number {
    const { words, halves } = this.#table;
    const touchedAt = words[slot + TOUCHED_AT] ?? 0;
    words[slot + TOUCHED_AT] = at;
    if (touchedAt === 0) return Infinity;
    const idleMs = at - touchedAt;
    const { limit, windowMs, burst } = rule.quota;
    if (idleMs * limit < windowMs * Math.max(limit, burst)) return idleMs;
    const half = slot * 2;
    halves[half + TOKENS] = 0;
    halves[half + UNREPORTED] = 0;
    halves[half + SEEN] = 0;
    halves[half + PARTICIPANTS] = 0;
    return Infinity;
  }

  /** Tokens admit, a block refuses, and otherwise memory has no answer. */
  #decideFromMemory(rule: LimitRule, slot: number, at: number): LimitDecision | null {
    const { words, halves } = this.#table;
    const tokens = halves[slot * 2 + TOKENS] ?? 0;
    if (tokens > 0) {
      const isCurrent = at - (words[slot + ASKED_AT] ?? 0) < rule.quota.windowMs;
      halves[slot * 2 + TOKENS] = isCurrent ? tokens - 1 : 0;
      if (isCurrent) return ADMIT;
    }
    const blockedForMs = (words[slot + BLOCKED_UNTIL] ?? 0) - at;
    return blockedForMs > 0 ? this.#refuse(rule, slot, at, blockedForMs) : null;
  }

  /** The whole quota, as if this isolate were the only one. */
  #decideAlone(rule: LimitRule, slot: number, at: number): LimitDecision {
    const tat = this.#tatAlone(rule, slot, at);
    const next = admit(tat, at, rule.quota);
    if (next === REFUSED) return this.#refuse(rule, slot, at, waitMs(tat, at, rule.quota));
    this.#table.ticks[slot >> 1] = next;
    // Once the shard of a shared limit is back, it hears of these too.
    this.#count(slot * 2 + UNREPORTED, 1);
    return ADMIT;
  }

  /** Of a shared limit each request was spent at a multiple of its price; without the shard it costs what it costs. */
  #tatAlone({ accuracy, quota }: LimitRule, slot: number, at: number): number {
    const tat = this.#table.ticks[slot >> 1] ?? 0;
    const unreported = this.#table.halves[slot * 2 + UNREPORTED] ?? 0;
    if (accuracy !== "shared" || unreported === HALF_MAX) return tat;
    return Math.min(tat, charge(0, at, quota, unreported));
  }

  #decideWithoutShard(rule: LimitRule, slot: number, at: number): LimitDecision {
    if (rule.fail === "open") return this.#decideAlone(rule, slot, at);
    const isServed = rule.accuracy === "shared" && this.#spendPart(rule, slot, at);
    return isServed ? ADMIT : UNAVAILABLE;
  }

  /** Spends of what the isolate may serve unasked of a shared limit: `limit / (2 × participants)` per window. */
  #spendPart(rule: LimitRule, slot: number, at: number): boolean {
    const { ticks, halves } = this.#table;
    const participants = (halves[slot * 2 + PARTICIPANTS] ?? 0) || PARTICIPANTS_ASSUMED;
    const next = admitPart(ticks[slot >> 1] ?? 0, at, rule.quota, participants);
    if (next === REFUSED) return false;
    ticks[slot >> 1] = next;
    this.#count(slot * 2 + UNREPORTED, 1);
    return true;
  }

  #isAskDue({ quota }: LimitRule, slot: number, at: number, idleMs: number): boolean {
    if (this.#isAsking(slot, at)) return false;
    const used = (this.#table.ticks[slot >> 1] ?? 0) - at * quota.limit;
    const isKnown = (this.#table.halves[slot * 2 + PARTICIPANTS] ?? 0) > 0;
    if (isKnown && used * 2 > quota.burst * quota.windowMs) return true;
    const askedForMs = at - (this.#table.words[slot + ASKED_AT] ?? 0);
    const unreported = this.#table.halves[slot * 2 + UNREPORTED] ?? 0;
    // What is known of the others grows old: a key that was here alone may be on sixty isolates by now.
    const isNews = !isKnown || (askedForMs >= quota.windowMs && unreported >= REPORTED_MIN);
    return isNews && idleMs * quota.limit < PARTICIPANTS_FEARED * quota.windowMs;
  }

  #refuse(rule: LimitRule, slot: number, at: number, retryAfterMs: number): LimitDecision {
    const { words, halves } = this.#table;
    const flags = slot * 2 + FLAGS;
    const endedForMs = at - (words[slot + BLOCKED_UNTIL] ?? 0);
    const isServing = this.#hasFlag(slot, IS_PENALISED) && endedForMs < 0;
    if (isServing) return { kind: "refuse", reason: "blocked", retryAfterMs: -endedForMs };
    if (rule.penalty === null) return { kind: "refuse", reason: "limited", retryAfterMs };
    this.#forgetStrikes(rule, slot, at);
    const strikes = Math.min(((halves[flags] ?? 0) >>> STRIKES_SHIFT) + 1, STRIKES_MAX);
    const lastsMs = Math.max(penaltyMs(rule.penalty, strikes), retryAfterMs);
    halves[flags] = ((halves[flags] ?? 0) & STRIKES_MAX) | (strikes << STRIKES_SHIFT);
    halves[slot * 2 + TOKENS] = 0;
    words[slot + BLOCKED_UNTIL] = at + lastsMs;
    this.#setFlag(slot, IS_PENALISED);
    return { kind: "refuse", reason: "blocked", retryAfterMs: lastsMs };
  }

  /** Until then the shard has nothing for this key. Not a penalty: it may become one when the client does not wait. */
  #pause(rule: LimitRule, slot: number, at: number, pauseMs: number): void {
    // Its end stands where that of the last penalty stood.
    this.#forgetStrikes(rule, slot, at);
    this.#table.words[slot + BLOCKED_UNTIL] = at + pauseMs;
    this.#clearFlag(slot, IS_PENALISED);
  }

  /** Once its last penalty, or pause since, has been over for long enough. */
  #forgetStrikes({ penalty }: LimitRule, slot: number, at: number): void {
    const endedForMs = at - (this.#table.words[slot + BLOCKED_UNTIL] ?? 0);
    if (penalty === null || endedForMs < penalty.forgetMs) return;
    const flags = slot * 2 + FLAGS;
    this.#table.halves[flags] = (this.#table.halves[flags] ?? 0) & STRIKES_MAX;
  }

  #startAsking(slot: number, at: number): void {
    this.#setFlag(slot, IS_ASKING);
    this.#table.words[slot + ASKED_AT] = at;
  }

  #isAsking(slot: number, at: number): boolean {
    const askedForMs = at - (this.#table.words[slot + ASKED_AT] ?? 0);
    return this.#hasFlag(slot, IS_ASKING) && askedForMs < ASK_DEADLINE_MS;
  }

  #count(half: number, by: number): void {
    const { halves } = this.#table;
    halves[half] = Math.min((halves[half] ?? 0) + by, HALF_MAX);
  }

  #hasFlag(slot: number, flag: number): boolean {
    return ((this.#table.halves[slot * 2 + FLAGS] ?? 0) & flag) !== 0;
  }

  #setFlag(slot: number, flag: number): void {
    const { halves } = this.#table;
    halves[slot * 2 + FLAGS] = (halves[slot * 2 + FLAGS] ?? 0) | flag;
  }

  #clearFlag(slot: number, flag: number): void {
    const { halves } = this.#table;
    halves[slot * 2 + FLAGS] = (halves[slot * 2 + FLAGS] ?? 0) & ~flag;
  }
}

/** Like `admit`, at half of a participant's pace. Where that comes to less than one request, one fits after a pause. */
function admitPart(tat: number, at: number, quota: Quota, participants: number): number {
  const now = at * quota.limit;
  const next = Math.max(tat, now) + 2 * participants * quota.windowMs;
  return tat <= now || next - now <= quota.burst * quota.windowMs ? next : REFUSED;
}

/** How long it takes for one more request to be allowed, in the long run. */
export const tokenMs = ({ quota }: LimitRule): number => Math.ceil(quota.windowMs / quota.limit);
