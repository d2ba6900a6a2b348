/**
 * One isolate's view of the policy: an immutable snapshot that requests read from memory. It is refreshed in the background;
 * a request waits only in an isolate that has none or slept, and never longer than the cold deadline. Nobody awaits a promise
 * that another request made, because the runtime may cancel it: who refreshes is marked by a deadline instead.
 *
 * A policy and the table that it names are swapped in together, by one reference. While the table is not there, the last whole
 * snapshot stays for as long as it may be decided on; then the policy goes in force with the table of before, for a table that
 * never comes must not keep a maintenance page up.
 */
import { networksBlobOf } from "../policy/blobs.ts";
import { compareSeq, policySeq, type Policy, type PolicySeq } from "../policy/policy.ts";
import { readPolicy } from "../policy/read.ts";
import { anything, object, optional, whole, type Read } from "../shared/shape.ts";
import { within } from "./deadline.ts";
import { loadPolicy, type ListedNetworks, type Snapshot } from "./loaded-policy.ts";
import { NetworkTables } from "./network-tables.ts";
import { Slots } from "./slots.ts";
import type { PolicyCache } from "./policy-cache.ts";
import type { WaitUntil } from "./wait-until.ts";

export const COLD_DEADLINE_MS = 100;
export const REFRESH_DEADLINE_MS = 2_000;
/** How long copies may take to be put into the location's cache, behind the answers. */
export const KEEP_DEADLINE_MS = 10_000;
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
export type PolicyReader = {
  read(since: PolicySeq | null): Promise<unknown>;
  /** The bytes of a table that a policy names; null when there is none of this name. One version ago it had no such method. */
  blob(sha256: string): Promise<unknown>;
};

export type SnapshotDeps = {
  /** Called for each read: a stub belongs to the request that made it. */
  readonly reader: () => PolicyReader;
  readonly cache: PolicyCache;
  /** Told when a table was not taken, and why. */
  readonly onTableRefusal: (why: string) => void;
  /** 0..1, spreads the polls of isolates that started together. */
  readonly random: () => number;
};

export class Snapshots {
  readonly #deps: SnapshotDeps;
  readonly #tables: NetworkTables;
  #snapshot: Snapshot | null = null;
  #refreshingUntilMs = 0;
  #nextRefreshAtMs = 0;
  #failures = 0;
  #quietUntilMs = 0;
  /** Copies for the location; nobody's answer and no refresh waits until they are there. */
  readonly #toKeep = new Map<"policy" | "table", () => Promise<void>>();
  readonly #coldWaits = new Slots(COLD_WAITS_MAX);

  constructor(deps: SnapshotDeps) {
    this.#deps = deps;
    this.#tables = new NetworkTables({
      fromCache: (sha256) => deps.cache.matchTable(sha256),
      fromObject: async (sha256) => deps.reader().blob(sha256),
      toCache: (sha256, bytes) =>
        void this.#toKeep.set("table", () => deps.cache.putTable(sha256, bytes)),
      onRefusal: deps.onTableRefusal,
    });
  }

  /** The snapshot to decide with, at once when nothing need be waited for; null when this isolate has never had one. Never throws. */
  current(waitUntil: WaitUntil): Snapshot | null | Promise<Snapshot | null> {
    const nowMs = Date.now();
    if (this.#isAsleep(nowMs) || this.#lacksTable(nowMs)) {
      if (nowMs >= this.#quietUntilMs && this.#mayWait(nowMs)) return this.#refreshed(waitUntil);
    } else if (nowMs >= this.#nextRefreshAtMs && nowMs >= this.#refreshingUntilMs) {
      this.#refreshingUntilMs = nowMs + REFRESH_DEADLINE_MS;
      waitUntil(this.#refresh().then(() => this.#keepCopies()));
    }
    return this.#snapshot;
  }

  /** What is held right now, without any refresh. */
  peek(): Snapshot | null {
    return this.#snapshot;
  }

  #isAsleep(nowMs: number): boolean {
    const held = this.#snapshot;
    return held === null || nowMs - held.confirmedAtMs > FRESH_MS_MAX;
  }

  /** It took a policy over whose table is still to come, and has no reason to think that it will not. */
  #lacksTable(nowMs: number): boolean {
    const loaded = this.#snapshot?.loaded;
    if (loaded === undefined || loaded.isWhole) return false;
    const wanted = networksBlobOf(loaded.policy);
    return wanted !== null && !this.#tables.isQuiet(wanted, nowMs);
  }

  /** Some at a time; while nobody can be reached, one finds out whether that is over. */
  #mayWait(nowMs: number): boolean {
    return this.#coldWaits.taken(nowMs) < (this.#failures > 0 ? 1 : COLD_WAITS_MAX);
  }

  async #refreshed(waitUntil: WaitUntil): Promise<Snapshot | null> {
    const untilMs = Date.now() + COLD_DEADLINE_MS;
    this.#coldWaits.take(Date.now(), untilMs);
    const refreshing = this.#refresh();
    // It goes on after the deadline, for the requests that follow.
    waitUntil(refreshing.then(() => this.#keepCopies()));
    const isConfirmed = await within(refreshing, COLD_DEADLINE_MS, false);
    this.#coldWaits.give(untilMs);
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

  /** What could not be kept is asked of the object once more by the next isolate; nothing else. Never throws. */
  async #keepCopies(): Promise<void> {
    const keeping = Array.from(this.#toKeep.values(), (keep) => keep().catch(() => undefined));
    this.#toKeep.clear();
    await within(Promise.all(keeping), KEEP_DEADLINE_MS, undefined);
  }

  async #readCacheThenObject(): Promise<boolean> {
    const cached = await this.#deps.cache.match().catch(() => null);
    // What says nothing later than we know already confirms nothing.
    const heldAtMs = this.#snapshot?.confirmedAtMs ?? 0;
    if (
      cached !== null &&
      cached.confirmedAtMs > heldAtMs &&
      (await this.#accept(cached.policy, cached.confirmedAtMs, "poll"))
    ) {
      return true;
    }

    const askedAtMs = Date.now();
    const answer = readAnswer(await this.#deps.reader().read(this.#seq()));
    if (answer === null) return false;
    const confirmedAtMs = Math.min(askedAtMs, answer.confirmedAtMs ?? askedAtMs);
    const isConfirmed =
      answer.policy === null
        ? await this.#confirm(answer.seq, confirmedAtMs)
        : await this.#accept(answer.policy, confirmedAtMs, "any");
    const held = this.#snapshot;
    if (isConfirmed && held !== null) this.#toKeep.set("policy", () => this.#deps.cache.put(held));
    return isConfirmed;
  }

  /** Swaps in what is readable, young enough and not older than what is held; says whether that is now confirmed. */
  async #accept(
    wire: unknown,
    confirmedAtMs: number,
    ageAllowed: "poll" | "any",
  ): Promise<boolean> {
    const read = readPolicy(wire);
    if (!read.ok) return false;
    const policy = read.value;
    const isTooOld = Date.now() - confirmedAtMs > pollMsOf(policy);
    if (ageAllowed === "poll" && isTooOld) return false;
    const news = this.#newsIn(policy);
    if (news < 0) return false;
    if (news === 0) return this.#confirm(policy.seq, confirmedAtMs);
    return this.#take(policy, confirmedAtMs);
  }

  /** An object that is behind us is an instance that has been replaced: what it says confirms nothing. */
  async #confirm(seq: PolicySeq, atMs: number): Promise<boolean> {
    const held = this.#snapshot;
    if (held === null || compareSeq(seq, held.loaded.policy.seq) !== 0) return false;
    if (atMs > held.confirmedAtMs) this.#snapshot = { ...held, confirmedAtMs: atMs };
    if (!held.loaded.isWhole) await this.#take(held.loaded.policy, atMs);
    return true;
  }

  /** Swaps in the policy with the table that it names; without, if the time for waiting is over. Says which of the two is in force. */
  async #take(policy: Policy, confirmedAtMs: number): Promise<boolean> {
    const wanted = networksBlobOf(policy);
    const before = this.#snapshot?.loaded.listed ?? null;
    const isThere = wanted === null || wanted.sha256 === before?.sha256;
    if (isThere) return this.#swap(policy, wanted === null ? null : before, confirmedAtMs);
    // Too old to be decided on, or none: better the policy at once, and its table as soon as it is there.
    if (this.#isAsleep(Date.now())) this.#swap(policy, before, confirmedAtMs);
    const table = await this.#tables.fetch(wanted);
    if (table !== null) return this.#swap(policy, table, confirmedAtMs);
    return this.#newsIn(policy) === 0;
  }

  /** The one place where what requests are decided on changes. Not to something older: others may have been faster. */
  #swap(policy: Policy, listed: ListedNetworks | null, confirmedAtMs: number): boolean {
    const news = this.#newsIn(policy);
    const held = this.#snapshot;
    if (news < 0 || (news === 0 && held?.loaded.isWhole === true)) return false;
    const confirmedAtLastMs = Math.max(confirmedAtMs, news === 0 ? (held?.confirmedAtMs ?? 0) : 0);
    this.#snapshot = { loaded: loadPolicy(policy, listed), confirmedAtMs: confirmedAtLastMs };
    return true;
  }

  /** Positive: newer than what is held; zero: the same; negative: older. */
  #newsIn({ seq }: Policy): number {
    const held = this.#seq();
    return held === null ? 1 : compareSeq(seq, held);
  }

  #seq(): PolicySeq | null {
    return this.#snapshot?.loaded.policy.seq ?? null;
  }
}

/** How often to ask: as the site says, and often enough for `FRESH_MS_MAX`. */
const pollMsOf = ({ settings }: Policy): number =>
  Math.min(settings.pollMs, FRESH_MS_MAX - REFRESH_LEAD_MS);

/** `confirmedAtMs` is of a source that passes on what the object said: see docs/decisions/0132. */
const answerShape = object({
  seq: policySeq,
  policy: anything,
  confirmedAtMs: optional(whole()),
});

function readAnswer(wire: unknown): Read<typeof answerShape> | null {
  const read = answerShape(wire);
  return read.ok ? read.value : null;
}
