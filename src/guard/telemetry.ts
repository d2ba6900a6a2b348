/** What one isolate counted, second by second, and sends to `Traffic` about once a second, after the answers are out. */
import { addLatency, addTo, emptyTally, type Tally } from "../traffic/tally.ts";
import { FLUSH_SECONDS_MAX, type TrafficApi, type TrafficFlush } from "../traffic/traffic-api.ts";
import { within } from "./deadline.ts";
import type { VerdictReason } from "./verdict.ts";
import type { WaitUntil } from "./snapshots.ts";

export const FLUSH_INTERVAL_MS = 1_000;
export const FLUSH_DEADLINE_MS = 2_000;

/** One request, as it ended. */
export type Outcome =
  | { readonly kind: "served"; readonly latencyMs: number }
  /** Covered: the visitor was given a stale copy instead. */
  | { readonly kind: "failed"; readonly latencyMs: number; readonly isCovered: boolean }
  | { readonly kind: "refused"; readonly reason: string };

export type Counted = {
  readonly outcome: Outcome;
  /** Formatted seq, `none` in an isolate without one. */
  readonly policySeq: string;
  readonly shadowedIds: readonly string[];
  readonly unknownEntries: number;
  readonly isFault: boolean;
};

export type TelemetryDeps = {
  /** Called for each flush: a stub belongs to the request that made it. */
  readonly traffic: () => Pick<TrafficApi, "flush">;
  readonly newIsolateId: () => string;
};

export class Telemetry {
  readonly #deps: TelemetryDeps;
  #isolate: string | null = null;
  #seconds = new Map<number, Tally>();
  /** Sent but not acknowledged: goes again under the same n, so that the receiver can tell. */
  #unacknowledged: TrafficFlush | null = null;
  #n = 0;
  #armedUntilMs = 0;

  constructor(deps: TelemetryDeps) {
    this.#deps = deps;
  }

  /** Counts one request, and arms the next flush if none is. */
  record(counted: Counted, nowMs: number, waitUntil: WaitUntil): void {
    const second = Math.floor(nowMs / 1_000);
    const tally = this.#seconds.get(second) ?? this.#open(second);
    count(tally, counted);
    if (nowMs < this.#armedUntilMs) return;
    this.#armedUntilMs = nowMs + FLUSH_INTERVAL_MS + FLUSH_DEADLINE_MS;
    waitUntil(this.#flushLater());
  }

  /** Sends what is held; false when it could not be, and then the next flush tries again. Never throws. */
  async flush(): Promise<boolean> {
    const flush = this.#unacknowledged ?? this.#cut();
    if (flush === null) return true;
    this.#unacknowledged = flush;
    const sent = Promise.resolve()
      .then(() => this.#deps.traffic().flush(flush))
      .then(
        () => true,
        () => false, // Counting must never be felt: the loss is visible at the receiver.
      );
    const isSent = await within(sent, FLUSH_DEADLINE_MS, false);
    if (isSent && this.#unacknowledged === flush) this.#unacknowledged = null;
    return isSent;
  }

  async #flushLater(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, FLUSH_INTERVAL_MS));
    const hadUnacknowledged = this.#unacknowledged !== null;
    const isSent = await this.flush();
    if (isSent && hadUnacknowledged) await this.flush();
    this.#armedUntilMs = 0;
  }

  #open(second: number): Tally {
    const tally = emptyTally(second);
    this.#seconds.set(second, tally);
    if (this.#seconds.size > FLUSH_SECONDS_MAX) {
      const [oldest] = this.#seconds.keys();
      if (oldest !== undefined) this.#seconds.delete(oldest);
      // The gap in n tells the receiver that something is missing.
      this.#n += 1;
    }
    return tally;
  }

  #cut(): TrafficFlush | null {
    if (this.#seconds.size === 0) return null;
    this.#isolate ??= this.#deps.newIsolateId();
    this.#n += 1;
    const seconds = [...this.#seconds.values()];
    this.#seconds = new Map();
    return { isolate: this.#isolate, n: this.#n, seconds };
  }
}

function count(tally: Tally, { outcome, ...counted }: Counted): void {
  if (outcome.kind === "refused") addTo(tally.refused, outcome.reason);
  else {
    tally[outcome.kind] += 1;
    addLatency(tally, outcome.latencyMs);
    if (outcome.kind === "failed" && outcome.isCovered) {
      addTo(tally.refused, "emergency_cache_stale" satisfies VerdictReason);
    }
  }
  addTo(tally.policySeqs, counted.policySeq);
  for (const id of counted.shadowedIds) addTo(tally.shadowed, id);
  tally.unknownEntries = Math.max(tally.unknownEntries, counted.unknownEntries);
  if (counted.isFault) tally.faults += 1;
}
