/**
 * What Firebreak asks of production now, from memory. Read in the background; a new isolate begins as if nothing were asked, but where a session
 * is looked at, and when Firebreak is dead the last known good holds until its entries end.
 */
import { within } from "../guard/deadline.ts";
import { isInShare } from "../guard/share.ts";
import {
  compareSeq,
  policySeq,
  type Policy,
  type PolicyEntry,
  type PolicySeq,
} from "../policy/policy.ts";
import { readPolicy } from "../policy/read.ts";
import { anything, object } from "../shared/shape.ts";
import { featureOff, isSdkEntry, sdkAction, type SdkAction } from "../policy/sdk-kinds.ts";
import type { SdkKind } from "../policy/sdk-names.ts";

export const REFRESH_DEADLINE_MS = 2_000;
export const BACKOFF_MS_MAX = 30_000;
/** Until the policy itself says how often. */
const POLL_MS = 5_000;

export type WaitUntil = (promise: Promise<unknown>) => void;

/** Firebreak's policy object, as far as production needs it: its answer is the wire's, and is parsed here. */
export type PolicyReader = { read(since: PolicySeq | null): Promise<unknown> };

export type PolicyViewDeps = {
  /** Called for each read: a stub belongs to the request that made it. Null where there is no Firebreak. */
  readonly reader: () => PolicyReader | null;
  /** 0..1, spreads the polls of isolates that started together. */
  readonly random: () => number;
};

type Held = {
  readonly policy: Policy;
  readonly entries: readonly PolicyEntry[];
  readonly confirmedAtMs: number;
};

/** The actions in force for one session; null is nothing asked. */
export type Asked = { readonly [Kind in SdkKind]: SdkAction<Kind> | null };

export class PolicyView {
  readonly #deps: PolicyViewDeps;
  #held: Held | null = null;
  #refreshingUntilMs = 0;
  #nextRefreshAtMs = 0;
  #notWaitedForUntilMs = 0;
  #failures = 0;

  constructor(deps: PolicyViewDeps) {
    this.#deps = deps;
  }

  /** Among how many shards isolates spread what they report; one until the policy is known. */
  get trafficShards(): number {
    return this.#held?.policy.settings.trafficShards ?? 1;
  }

  /** Whom no automation may block, as the site says. */
  get allowlist(): readonly string[] {
    return this.#held?.policy.settings.allowlist ?? [];
  }

  /** What is asked for this session now. Reads memory only, starts a refresh when one is due, never throws. */
  asked(sessionKey: string, waitUntil: WaitUntil): Asked {
    this.#keepFresh(waitUntil);
    const entries = this.#inForce(Date.now()).filter(({ salt, share }) =>
      isInShare(sessionKey, salt, share),
    );
    return {
      "replica-reads": firstOf("replica-reads", entries),
      "added-replica": firstOf("added-replica", entries),
      failover: firstOf("failover", entries),
      "query-cache": firstOf("query-cache", entries),
      "pool-size": firstOf("pool-size", entries),
      "statement-timeout": firstOf("statement-timeout", entries),
      "sessions-revoked": firstOf("sessions-revoked", entries),
      "strict-mode": firstOf("strict-mode", entries),
      "payment-provider": firstOf("payment-provider", entries),
      "payment-bypass": firstOf("payment-bypass", entries),
    };
  }

  /** Whether a part of the site is switched off for this session, by its name in `site.yaml`. One that is about a header is the guard's alone. */
  isOff(feature: string, sessionKey: string, waitUntil: WaitUntil): boolean {
    this.#keepFresh(waitUntil);
    const { features = [] } = this.#held?.policy.settings ?? {};
    if (features.some(({ id, header }) => id === feature && header !== null)) return false;
    return this.#inForce(Date.now()).some(
      (entry) => featureOff(entry) === feature && isInShare(sessionKey, entry.salt, entry.share),
    );
  }

  /** What is asked of one kind, for everybody, and all entries of it: revocations add up. */
  allOf<Kind extends SdkKind>(kind: Kind, waitUntil: WaitUntil): readonly SdkAction<Kind>[] {
    this.#keepFresh(waitUntil);
    return this.#inForce(Date.now())
      .map((entry) => sdkAction(kind, entry))
      .filter((action) => action !== null);
  }

  /** Waits for the first answer of this isolate, for `deadlineMs` at most: some questions must not be answered as if nothing were asked. */
  async begun(deadlineMs: number, waitUntil: WaitUntil): Promise<void> {
    if (this.#held !== null || Date.now() < this.#notWaitedForUntilMs) return;
    // Each request reads for itself: nobody else's may be what it hangs on.
    const reading = this.#refresh();
    waitUntil(reading);
    await within(reading, deadlineMs, undefined);
    if (this.#held === null) this.#notWaitedForUntilMs = Date.now() + BACKOFF_MS_MAX;
  }

  #keepFresh(waitUntil: WaitUntil): void {
    const nowMs = Date.now();
    if (nowMs < this.#nextRefreshAtMs || nowMs < this.#refreshingUntilMs) return;
    this.#refreshingUntilMs = nowMs + REFRESH_DEADLINE_MS;
    waitUntil(this.#refresh());
  }

  /** Entries end by their own time, and all that fails open when nobody has confirmed them for too long. Rehearsals ask nothing. */
  #inForce(nowMs: number): readonly PolicyEntry[] {
    if (this.#held === null || this.#held.entries.length === 0) return [];
    const { policy, entries, confirmedAtMs } = this.#held;
    const isStale = nowMs - confirmedAtMs > policy.staleAfterMs;
    return entries.filter(
      ({ mode, fail, expiresAtMs }) =>
        mode === "enforce" && expiresAtMs > nowMs && !(isStale && fail === "open"),
    );
  }

  async #refresh(): Promise<void> {
    const isConfirmed = await within(this.#read(), REFRESH_DEADLINE_MS, false).catch(
      () => false, // An unreachable object is the ordinary case that the last known good is for.
    );
    this.#failures = isConfirmed ? 0 : this.#failures + 1;
    const pollMs = this.#held?.policy.settings.pollMs ?? POLL_MS;
    const backedOffMs = Math.min(pollMs * 2 ** this.#failures, Math.max(BACKOFF_MS_MAX, pollMs));
    this.#nextRefreshAtMs = Date.now() + backedOffMs * (0.9 + 0.2 * this.#deps.random());
    this.#refreshingUntilMs = 0;
  }

  async #read(): Promise<boolean> {
    const reader = this.#deps.reader();
    if (reader === null) return false;
    const askedAtMs = Date.now();
    const held = this.#held;
    const answer = answerShape(await reader.read(held?.policy.seq ?? null));
    if (!answer.ok) return false;
    if (answer.value.policy === null) {
      if (held === null || compareSeq(answer.value.seq, held.policy.seq) !== 0) return false;
      this.#held = { ...held, confirmedAtMs: askedAtMs };
      return true;
    }
    const read = readPolicy(answer.value.policy);
    if (!read.ok) return false;
    // Another refresh may have been quicker and seen more.
    if (this.#held !== null && compareSeq(read.value.seq, this.#held.policy.seq) < 0) return false;
    const entries = read.value.entries.filter(isSdkEntry);
    this.#held = { policy: read.value, entries, confirmedAtMs: askedAtMs };
    return true;
  }
}

const answerShape = object({ seq: policySeq, policy: anything });

/** The policy's order puts the widest and longest first. */
function firstOf<Kind extends SdkKind>(
  kind: Kind,
  entries: readonly PolicyEntry[],
): SdkAction<Kind> | null {
  for (const entry of entries) {
    const action = sdkAction(kind, entry);
    if (action !== null) return action;
  }
  return null;
}
