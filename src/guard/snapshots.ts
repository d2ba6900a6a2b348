/**
 * One isolate's view of the policy: an immutable snapshot that requests read from memory. It is refreshed in the background;
 * a request waits only in an isolate that has none or slept, and never longer than the cold deadline. Nobody awaits a promise
 * that another request made, because the runtime may cancel it: who refreshes is marked by a deadline instead.
 */
import * as z from "zod/mini";
import { compareSeq, policySeq, type Policy, type PolicySeq } from "../policy/policy.ts";
import { readPolicy } from "../policy/read.ts";
import { within } from "./deadline.ts";
import { loadPolicy, type Snapshot } from "./loaded-policy.ts";
import type { PolicyCache } from "./policy-cache.ts";

export const COLD_DEADLINE_MS = 100;
export const REFRESH_DEADLINE_MS = 2_000;
/** After a cold read failed, nobody waits again for this long: an outage of ours costs one request 100 ms, not every one. */
export const COLD_QUIET_MS = 1_000;
/** Requests that may wait in one cold isolate at a time; the rest are decided at once with what there is. */
export const COLD_WAITS_MAX = 16;
export const BACKOFF_MS_MAX = 30_000;
/**
 * How old the policy may be that a request is decided on, as long as anybody can be reached; whatever pace the site asks for. An
 * isolate whose snapshot is older slept, or cannot reach anyone.
 */
export const FRESH_MS_MAX = 5_000;
/** So much earlier it asks in the background, so that a busy isolate's requests never wait. */
export const REFRESH_LEAD_MS = 1_000;

/** The policy object, as far as the guard needs it: its answer is the wire's, and is parsed here. */
export type PolicyReader = { read(since: PolicySeq | null): Promise<unknown> };

export type SnapshotDeps = {
  /** Called for each read: a stub belongs to the request that made it. */
  readonly reader: () => PolicyReader;
  readonly cache: PolicyCache;
  /** 0..1, spreads the polls of isolates that started together. */
  readonly random: () => number;
};

export type WaitUntil = (promise: Promise<unknown>) => void;

export class Snapshots {
  readonly #deps: SnapshotDeps;
  #snapshot: Snapshot | null = null;
  #refreshingUntilMs = 0;
  #nextRefreshAtMs = 0;
  #failures = 0;
  #quietUntilMs = 0;
  #coldWaits = 0;

  constructor(deps: SnapshotDeps) {
    this.#deps = deps;
  }

  /** The snapshot to decide with, at once when nothing need be waited for; null when this isolate has never had one. Never throws. */
  current(waitUntil: WaitUntil): Snapshot | null | Promise<Snapshot | null> {
    const nowMs = Date.now();
    if (this.#isAsleep(nowMs)) {
      if (nowMs >= this.#quietUntilMs && this.#coldWaits < this.#coldWaitsMax()) {
        return this.#refreshed(waitUntil);
      }
    } else if (nowMs >= this.#nextRefreshAtMs && nowMs >= this.#refreshingUntilMs) {
      this.#refreshingUntilMs = nowMs + REFRESH_DEADLINE_MS;
      waitUntil(this.#refresh());
    }
    return this.#snapshot;
  }

  /** What is held right now, without any refresh. */
  peek(): Snapshot | null {
    return this.#snapshot;
  }

  #isAsleep(nowMs: number): boolean {
    return this.#snapshot === null || nowMs - this.#snapshot.confirmedAtMs > FRESH_MS_MAX;
  }

  /** While nobody can be reached, one request at a time finds out whether that is over. */
  #coldWaitsMax(): number {
    return this.#failures > 0 ? 1 : COLD_WAITS_MAX;
  }

  async #refreshed(waitUntil: WaitUntil): Promise<Snapshot | null> {
    this.#coldWaits += 1;
    const refreshing = this.#refresh();
    // It goes on after the deadline, for the requests that follow.
    waitUntil(refreshing);
    const isConfirmed = await within(refreshing, COLD_DEADLINE_MS, false);
    this.#coldWaits -= 1;
    if (!isConfirmed) this.#quietUntilMs = Date.now() + COLD_QUIET_MS;
    return this.#snapshot;
  }

  /** Whether the snapshot is now confirmed. Never throws: the last known good stays. */
  async #refresh(): Promise<boolean> {
    const isConfirmed = await within(this.#readCacheThenObject(), REFRESH_DEADLINE_MS, false).catch(
      () => false, // An unreachable object is the ordinary case that the last known good is for.
    );
    this.#failures = isConfirmed ? 0 : this.#failures + 1;
    this.#nextRefreshAtMs = this.#dueAtMs(Date.now());
    this.#refreshingUntilMs = 0;
    return isConfirmed;
  }

  /** A poll after it was confirmed, each isolate up to a tenth sooner; after failures, later and later from now. */
  #dueAtMs(nowMs: number): number {
    const snapshot = this.#snapshot;
    const pollMs = snapshot === null ? COLD_QUIET_MS : pollMsOf(snapshot.loaded.policy);
    const spread = 0.9 + 0.1 * this.#deps.random();
    if (this.#failures === 0) return (snapshot?.confirmedAtMs ?? nowMs) + pollMs * spread;
    return nowMs + Math.min(pollMs * 2 ** this.#failures, BACKOFF_MS_MAX) * spread;
  }

  async #readCacheThenObject(): Promise<boolean> {
    const cached = await this.#deps.cache.match().catch(() => null);
    // What says nothing later than we know already confirms nothing.
    const heldAtMs = this.#snapshot?.confirmedAtMs ?? 0;
    if (
      cached !== null &&
      cached.confirmedAtMs > heldAtMs &&
      this.#accept(cached.policy, cached.confirmedAtMs, "poll")
    ) {
      return true;
    }

    const askedAtMs = Date.now();
    const answer = readAnswer(await this.#deps.reader().read(this.#seq()));
    if (answer === null) return false;
    const isConfirmed =
      answer.policy === null
        ? this.#confirm(answer.seq, askedAtMs)
        : this.#accept(answer.policy, askedAtMs, "any");
    const held = this.#snapshot;
    if (isConfirmed && held !== null) await this.#deps.cache.put(held).catch(() => undefined);
    return isConfirmed;
  }

  /** Swaps in what is readable, young enough and not older than what is held; says whether that is now confirmed. */
  #accept(wire: unknown, confirmedAtMs: number, ageAllowed: "poll" | "any"): boolean {
    const read = readPolicy(wire);
    if (!read.ok) return false;
    const policy = read.value;
    const isTooOld = Date.now() - confirmedAtMs > pollMsOf(policy);
    if (ageAllowed === "poll" && isTooOld) return false;
    const held = this.#seq();
    const news = held === null ? 1 : compareSeq(policy.seq, held);
    if (news < 0) return false;
    if (news === 0) return this.#confirm(policy.seq, confirmedAtMs);
    this.#snapshot = { loaded: loadPolicy(policy), confirmedAtMs };
    return true;
  }

  /** An object that is behind us is an instance that has been replaced: what it says confirms nothing. */
  #confirm(seq: PolicySeq, atMs: number): boolean {
    const held = this.#snapshot;
    if (held === null || compareSeq(seq, held.loaded.policy.seq) !== 0) return false;
    if (atMs > held.confirmedAtMs) this.#snapshot = { ...held, confirmedAtMs: atMs };
    return true;
  }

  #seq(): PolicySeq | null {
    return this.#snapshot?.loaded.policy.seq ?? null;
  }
}

/** How often to ask: as the site says, and often enough for `FRESH_MS_MAX`. */
const pollMsOf = ({ settings }: Policy): number =>
  Math.min(settings.pollMs, FRESH_MS_MAX - REFRESH_LEAD_MS);

const answerShape = z.object({ seq: policySeq, policy: z.unknown() });

function readAnswer(wire: unknown): z.infer<typeof answerShape> | null {
  const parsed = answerShape.safeParse(wire);
  return parsed.success ? parsed.data : null;
}
