/**
 * One isolate's view of the policy: an immutable snapshot that requests read from memory. It is refreshed in the background;
 * a request waits only in an isolate that has none or slept, and never longer than the cold deadline. Nobody awaits a promise
 * that another request made, because the runtime may cancel it: who refreshes is marked by a deadline instead.
 */
import * as z from "zod/mini";
import { compareSeq, policySeq, type PolicySeq } from "../policy/policy.ts";
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
/** Unconfirmed for this many polls: the isolate slept, or cannot reach anyone. */
const ASLEEP_POLLS = 4;
const ASLEEP_MS_MIN = 5_000;

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

  /** The snapshot to decide with; null when this isolate has never had one. Never throws. */
  async current(waitUntil: WaitUntil): Promise<Snapshot | null> {
    const nowMs = Date.now();
    if (this.#isAsleep(nowMs)) {
      if (nowMs >= this.#quietUntilMs && this.#coldWaits < COLD_WAITS_MAX) {
        await this.#refreshWithin(COLD_DEADLINE_MS, waitUntil);
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
    if (this.#snapshot === null) return true;
    const { confirmedAtMs, loaded } = this.#snapshot;
    const asleepAfterMs = Math.max(ASLEEP_MS_MIN, ASLEEP_POLLS * loaded.policy.settings.pollMs);
    return nowMs - confirmedAtMs > asleepAfterMs;
  }

  async #refreshWithin(deadlineMs: number, waitUntil: WaitUntil): Promise<void> {
    this.#coldWaits += 1;
    const refreshing = this.#refresh();
    // It goes on after the deadline, for the requests that follow.
    waitUntil(refreshing);
    const isConfirmed = await within(refreshing, deadlineMs, false);
    this.#coldWaits -= 1;
    if (!isConfirmed) this.#quietUntilMs = Date.now() + COLD_QUIET_MS;
  }

  /** Whether the snapshot is now confirmed. Never throws: the last known good stays. */
  async #refresh(): Promise<boolean> {
    const isConfirmed = await within(this.#readCacheThenObject(), REFRESH_DEADLINE_MS, false).catch(
      () => false, // An unreachable object is the ordinary case that the last known good is for.
    );
    this.#failures = isConfirmed ? 0 : this.#failures + 1;
    this.#nextRefreshAtMs = Date.now() + this.#pauseMs();
    this.#refreshingUntilMs = 0;
    return isConfirmed;
  }

  /** One poll, doubled for each failure in a row, spread by a tenth either way. */
  #pauseMs(): number {
    const pollMs = this.#snapshot?.loaded.policy.settings.pollMs ?? COLD_QUIET_MS;
    const backedOffMs = Math.min(pollMs * 2 ** this.#failures, Math.max(BACKOFF_MS_MAX, pollMs));
    return backedOffMs * (0.9 + 0.2 * this.#deps.random());
  }

  async #readCacheThenObject(): Promise<boolean> {
    const cached = await this.#deps.cache.match().catch(() => null);
    if (cached !== null && this.#accept(cached.policy, cached.confirmedAtMs, "poll")) return true;

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
    const isTooOld = Date.now() - confirmedAtMs > policy.settings.pollMs;
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

const answerShape = z.object({ seq: policySeq, policy: z.unknown() });

function readAnswer(wire: unknown): z.infer<typeof answerShape> | null {
  const parsed = answerShape.safeParse(wire);
  return parsed.success ? parsed.data : null;
}
