/** What one isolate counted, second by second, and sends to `Traffic` about once a second, after the answers are out. */
import { addLatency, addTo, emptyTally, type Tally } from "../traffic/tally.ts";
import { TouchedTally } from "../traffic/touched.ts";
import {
  FLUSH_SECONDS_MAX,
  type ChallengeEvent,
  type TrafficApi,
  type TrafficFlush,
} from "../traffic/traffic-api.ts";
import { Conduct } from "./conduct.ts";
import { within } from "./deadline.ts";
import { hashText } from "../sketches/hash.ts";
import type { RequestFacts } from "./facts.ts";
import { templateOf } from "./path-template.ts";
import { SecurityLog } from "./security-log.ts";
import { addressKey, Talkers } from "./talkers.ts";
import type { VerdictReason } from "./verdict.ts";

export const FLUSH_INTERVAL_MS = 1_000;
export const FLUSH_DEADLINE_MS = 2_000;
/**
 * So often a report is sent, which takes longer than anybody keeps what is in it. One that is refused, for what is in it, must not
 * stand in the way of all that follow.
 */
export const FLUSH_TRIES_MAX = 600;

/** One request, as it ended. */
export type Outcome =
  | { readonly kind: "served"; readonly latencyMs: number; readonly status: number }
  /** Covered: the visitor was given a stale copy instead. */
  | { readonly kind: "failed"; readonly latencyMs: number; readonly isCovered: boolean }
  | { readonly kind: "refused"; readonly reason: string };

export type Counted = {
  readonly outcome: Outcome;
  /** Null when a fault came before they could be read. */
  readonly facts: RequestFacts | null;
  /** Formatted seq, `none` in an isolate without one. */
  readonly policySeq: string;
  readonly shadowedIds: readonly string[];
  /** The entry that refused it, null when none did. */
  readonly refusedBy: string | null;
  readonly unknownEntries: number;
  readonly isFault: boolean;
  /** What is suspicious about it is written down. */
  readonly isLogged: boolean;
};

export type TelemetryDeps = {
  /** Called for each flush: a stub belongs to the request that made it. */
  readonly traffic: (shard: number) => Pick<TrafficApi, "flush">;
  /** Among how many shards isolates spread what they report, at the moment. */
  readonly shards: () => number;
  readonly newIsolateId: () => string;
};

export class Telemetry {
  readonly #deps: TelemetryDeps;
  readonly #talkers = new Talkers();
  readonly #conduct = new Conduct();
  readonly #touched = new TouchedTally();
  readonly #log = new SecurityLog();
  #reporter: Reporter | null = null;
  #seconds = new Map<number, Tally>();
  /** Of what the talkers hold. */
  #firstAtMs: number | null = null;
  #lastAtMs = 0;
  /** Sent but not acknowledged: goes again, to the same shard under the same n, so that the receiver can tell. */
  #unacknowledged: Addressed | null = null;
  #armedUntilMs = 0;

  constructor(deps: TelemetryDeps) {
    this.#deps = deps;
  }

  /** Bytes held by the sketches; it never changes. */
  get sketchBytes(): number {
    return this.#talkers.byteLength + this.#conduct.byteLength;
  }

  /** Counts that production is asked now; how that ends is recorded when it does, and may never be. */
  ask(nowMs: number, waitUntil: (promise: Promise<unknown>) => void): void {
    this.#tallyAt(nowMs).asked += 1;
    this.#arm(nowMs, waitUntil);
  }

  /** Counts one request, and arms the next flush if none is. */
  record(counted: Counted, nowMs: number, waitUntil: (promise: Promise<unknown>) => void): void {
    count(this.#tallyAt(nowMs), counted);
    this.#arm(nowMs, waitUntil);
    this.#firstAtMs ??= nowMs;
    this.#lastAtMs = nowMs;
    if (counted.facts === null) return;
    const { facts, outcome } = counted;
    const keys = this.#talkers.record(facts, outcome.kind === "refused", nowMs);
    if (outcome.kind === "failed" && !outcome.isCovered) this.#talkers.harm(keys[0] ?? 0);
    if (outcome.kind === "served") {
      this.#conduct.note(keys[0] ?? 0, keys[6] ?? 0, outcome, { facts, nowMs });
    }
    if (counted.isLogged) this.#log.note(outcome, facts, nowMs);
    if (counted.refusedBy !== null || counted.shadowedIds.length > 0) {
      touch(this.#touched, counted, facts);
    }
  }

  #arm(nowMs: number, waitUntil: (promise: Promise<unknown>) => void): void {
    if (nowMs < this.#armedUntilMs) return;
    this.#armedUntilMs = nowMs + FLUSH_INTERVAL_MS + FLUSH_DEADLINE_MS;
    waitUntil(this.#flushLater());
  }

  /** Counts what became of a challenge in the second in which it was put; at most that is its life ago. */
  recordChallenge(
    event: ChallengeEvent,
    issuedAtMs: number,
    {
      nowMs,
      waitUntil,
    }: { readonly nowMs: number; readonly waitUntil: (promise: Promise<unknown>) => void },
  ): void {
    addTo(this.#tallyAt(Math.min(issuedAtMs, nowMs)).challenges, event);
    this.#arm(nowMs, waitUntil);
  }

  /** Sends what is held; false when it could not be, and then the next flush tries again. Never throws. */
  async flush(): Promise<boolean> {
    const addressed = this.#unacknowledged ?? this.#cut();
    if (addressed === null) return true;
    addressed.tries += 1;
    this.#unacknowledged = addressed.tries < FLUSH_TRIES_MAX ? addressed : null;
    const sent = Promise.resolve()
      .then(() => this.#deps.traffic(addressed.shard).flush(addressed.flush))
      .then(
        () => true,
        () => false, // Counting must never be felt: the loss is visible at the receiver.
      );
    const isSent = await within(sent, FLUSH_DEADLINE_MS, false);
    if (isSent && this.#unacknowledged === addressed) this.#unacknowledged = null;
    return isSent;
  }

  async #flushLater(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, FLUSH_INTERVAL_MS));
    const hadUnacknowledged = this.#unacknowledged !== null;
    const isSent = await this.flush();
    if (isSent && hadUnacknowledged) await this.flush();
    this.#armedUntilMs = 0;
  }

  #tallyAt(atMs: number): Tally {
    const second = Math.floor(atMs / 1_000);
    return this.#seconds.get(second) ?? this.#open(second);
  }

  #open(second: number): Tally {
    const tally = emptyTally(second);
    this.#seconds.set(second, tally);
    if (this.#seconds.size > FLUSH_SECONDS_MAX) {
      const [oldest] = this.#seconds.keys();
      if (oldest !== undefined) this.#seconds.delete(oldest);
      // The gap in n tells the receiver that something is missing.
      this.#report().n += 1;
    }
    return tally;
  }

  #cut(): Addressed | null {
    if (this.#seconds.size === 0) return null;
    const reporter = this.#report();
    reporter.n += 1;
    const seconds = [...this.#seconds.values()];
    this.#seconds = new Map();
    const talkers = {
      fromSecond: Math.floor((this.#firstAtMs ?? this.#lastAtMs) / 1_000),
      untilSecond: Math.floor(this.#lastAtMs / 1_000),
      dimensions: this.#talkers.cut(this.#lastAtMs),
      urls: this.#talkers.cutUrls(),
      sections: this.#talkers.cutSections(),
      harmed: this.#talkers.cutHarmed(),
    };
    this.#firstAtMs = null;
    const touched = this.#touched.reports();
    this.#touched.clear();
    const { isolate, n, shard } = reporter;
    const logged = this.#log.cut();
    const conduct = this.#conduct.cut();
    const flush = { isolate, n, seconds, talkers, touched, conduct, ...(logged && { logged }) };
    return { shard, flush, tries: 0 };
  }

  /** Who reports, and where. With another number of shards it is somebody else, so that no shard misses a number it never got. */
  #report(): Reporter {
    const shards = this.#deps.shards();
    if (this.#reporter?.shards === shards) return this.#reporter;
    const isolate = this.#deps.newIsolateId();
    this.#reporter = { isolate, shards, shard: hashText(isolate) % shards, n: 0 };
    return this.#reporter;
  }
}

type Reporter = {
  readonly isolate: string;
  readonly shards: number;
  readonly shard: number;
  /** Of its last flush. */
  n: number;
};

type Addressed = { readonly shard: number; readonly flush: TrafficFlush; tries: number };

function count(tally: Tally, counted: Counted): void {
  const { outcome, shadowedIds } = counted;
  if (outcome.kind === "refused") addTo(tally.refused, outcome.reason);
  else {
    tally[outcome.kind] += 1;
    addLatency(tally, outcome.latencyMs);
    if (outcome.kind === "failed" && outcome.isCovered) {
      addTo(tally.refused, "emergency_cache_stale" satisfies VerdictReason);
    }
  }
  addTo(tally.policySeqs, counted.policySeq);
  for (const id of shadowedIds) addTo(tally.shadowed, id);
  tally.unknownEntries = Math.max(tally.unknownEntries, counted.unknownEntries);
  if (counted.isFault) tally.faults += 1;
}

function touch(touched: TouchedTally, counted: Counted, facts: RequestFacts): void {
  const one = {
    client: facts.address === null ? 0 : addressKey(facts.address),
    route: templateOf(facts.path),
    isVerifiedBot: facts.isVerifiedBot(),
  };
  if (counted.refusedBy !== null) touched.count(counted.refusedBy, one);
  for (const id of counted.shadowedIds) touched.count(id, one);
}
