/**
 * Tells Firebreak what production meets: how often, by kind, never what; and of sign-ins, from where and to which hash of an account. In the background, a second after the first event, and every
 * ten seconds while there is nothing to tell, because silence proves nothing. What Firebreak does not take in time is kept for a
 * while, within bounds, and then forgotten in a way that shows.
 */
import { within } from "../guard/deadline.ts";
import { hashText } from "../sketches/hash.ts";
import type { ReportKind } from "../traffic/report-kinds.ts";
import { FLUSH_SECONDS_MAX, type ReportFlush } from "../traffic/traffic-api.ts";
import type { WaitUntil } from "./policy-view.ts";
import { SignIns, type SignIn } from "./sign-ins.ts";

export const FLUSH_AFTER_MS = 1_000;
export const ALIVE_EVERY_MS = 10_000;
export const FLUSH_DEADLINE_MS = 2_000;

/** Where reports go: the namespace of Firebreak's `Traffic`, as far as it is used. */
export type ReportReceiver = { report(flush: ReportFlush): Promise<unknown> };

export type ReporterDeps = {
  /** Called for each flush: a stub belongs to the request that made it. Null where there is no Firebreak. */
  readonly receiver: (shard: number) => ReportReceiver | null;
  /** Among how many shards isolates spread what they report, at the moment. */
  readonly shards: () => number;
  readonly newIsolateId: () => string;
};

type Addressed = { readonly shard: number; readonly flush: ReportFlush };

export class Reporter {
  readonly #deps: ReporterDeps;
  #seconds = new Map<number, Partial<Record<ReportKind, number>>>();
  readonly #signIns = new SignIns();
  #reporter: { readonly isolate: string; readonly shards: number; n: number } | null = null;
  /** Sent but not acknowledged: goes again, to the same shard under the same n, so that the receiver can tell. */
  #unacknowledged: Addressed | null = null;
  #armedUntilMs = 0;
  #aliveAtMs = -Infinity;

  constructor(deps: ReporterDeps) {
    this.#deps = deps;
  }

  /** Counts one event. Never waits, never throws. */
  record(kind: ReportKind, nowMs: number, waitUntil: WaitUntil): void {
    const second = Math.floor(nowMs / 1_000);
    const counts = this.#seconds.get(second) ?? this.#open(second);
    counts[kind] = (counts[kind] ?? 0) + 1;
    this.#arm(nowMs, waitUntil);
  }

  /** Tells who it was that signed in, or tried to; the event itself is recorded beside it. */
  tell(signIn: SignIn, nowMs: number, waitUntil: WaitUntil): void {
    this.#signIns.record(signIn, nowMs);
    this.#arm(nowMs, waitUntil);
  }

  /** Production is at work, and had nothing to report. */
  alive(nowMs: number, waitUntil: WaitUntil): void {
    if (nowMs - this.#aliveAtMs >= ALIVE_EVERY_MS) this.#arm(nowMs, waitUntil);
  }

  /** Sends what is held, or that nothing is; false when it was not taken, and then the next flush tries again. Never throws. */
  async flush(nowMs: number): Promise<boolean> {
    const addressed = this.#unacknowledged ?? this.#cut();
    this.#unacknowledged = addressed;
    this.#aliveAtMs = nowMs;
    const sent = Promise.resolve()
      .then(() => this.#deps.receiver(addressed.shard)?.report(addressed.flush))
      .then(
        () => true,
        () => false, // Reporting must never be felt: the loss is visible at the receiver.
      );
    const isSent = await within(sent, FLUSH_DEADLINE_MS, false);
    if (isSent && this.#unacknowledged === addressed) this.#unacknowledged = null;
    return isSent;
  }

  #arm(nowMs: number, waitUntil: WaitUntil): void {
    if (nowMs < this.#armedUntilMs) return;
    // Whoever armed it may be cut off: then the next event after this does.
    this.#armedUntilMs = nowMs + FLUSH_AFTER_MS + 2 * FLUSH_DEADLINE_MS;
    waitUntil(this.#flushLater());
  }

  async #flushLater(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, FLUSH_AFTER_MS));
    const hadUnacknowledged = this.#unacknowledged !== null;
    const isSent = await this.flush(Date.now());
    if (isSent && hadUnacknowledged) await this.flush(Date.now());
    this.#armedUntilMs = 0;
  }

  #open(second: number): Partial<Record<ReportKind, number>> {
    const counts = {};
    this.#seconds.set(second, counts);
    if (this.#seconds.size > FLUSH_SECONDS_MAX) {
      const [oldest] = this.#seconds.keys();
      if (oldest !== undefined) this.#seconds.delete(oldest);
      // The gap in n tells the receiver that something is missing.
      this.#report().n += 1;
    }
    return counts;
  }

  #cut(): Addressed {
    const reporter = this.#report();
    reporter.n += 1;
    const seconds = [...this.#seconds].map(([second, counts]) => ({ second, counts }));
    this.#seconds = new Map();
    const { isolate, n, shards } = reporter;
    const signIns = this.#signIns.cut();
    const told = signIns.length === 0 ? {} : { signIns };
    return { shard: hashText(isolate) % shards, flush: { isolate, n, seconds, ...told } };
  }

  /** With another number of shards it is somebody else, so that no shard misses a number it never got. */
  #report(): { readonly isolate: string; readonly shards: number; n: number } {
    const shards = this.#deps.shards();
    if (this.#reporter?.shards !== shards) {
      this.#reporter = { isolate: this.#deps.newIsolateId(), shards, n: 0 };
    }
    return this.#reporter;
  }
}
