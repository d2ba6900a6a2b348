/**
 * Payments that are under way or must be tried again, in production's Redis. Whoever holds one is known by a token; what somebody else
 * has taken over by now is `lost`, and nothing of it is changed. Nothing in here throws for what Redis does: then the answer is null.
 */
import { within } from "../guard/deadline.ts";
import { parseJson } from "../shared/json.ts";
import { either, list, number, text } from "../shared/shape.ts";
import { job, newJob, settlement, type Job, type Payment, type Settlement } from "./payment.ts";
import {
  isSettled as isReconciled,
  newReconciliation,
  reconciliation,
  type LookTimes,
  type Reconciliation,
} from "./reconciliation.ts";
import * as scripts from "./scripts.ts";
import type { Unpaid } from "./unpaid.ts";

/** Upstash's client, as far as it is used. */
export type PaymentStore = {
  readonly eval: (script: string, keys: string[], args: string[]) => Promise<unknown>;
};

export const STORE_DEADLINE_MS = 2_000;
/** How long a payment that somebody holds is left to them; longer than any one call of a provider, and what surrounds it. */
export const VISIBLE_MS = 120_000;
/** How long the queue remembers how a payment ended, for whoever asks for the same again. */
export const REMEMBER_MS = 24 * 3_600_000;
export const DEAD_LISTED_MAX = 100;

/** A payment in somebody's hands. */
export type Claim = {
  readonly key: string;
  readonly token: string;
  readonly job: Job;
  readonly attempts: number;
  /** By Redis's clock: when a provider was last asked to charge it, 0 for never; and now. */
  readonly askedAtMs: number;
  readonly nowMs: number;
};

export type Begun =
  | { readonly state: "begun"; readonly claim: Claim }
  | { readonly state: "settled"; readonly settlement: Settlement }
  /** It is under way already, or waits. */
  | { readonly state: "known" | "full" };

export type Taken =
  | { readonly state: "claimed"; readonly claim: Claim }
  | { readonly state: "empty" | "unreadable" }
  | { readonly state: "wait"; readonly waitMs: number };

export type DeadPayment = {
  readonly key: string;
  readonly job: Job;
  readonly attempts: number;
  readonly deadAtMs: number;
};

export type QueueState = {
  /** Payments that wait for another attempt. */
  readonly queuedCount: number;
  readonly oldestAgeMs: number;
  readonly deadCount: number;
  /** Orders that were taken unpaid and are not paid yet. */
  readonly owingCount: number;
  /** Payments that somebody is working on, or was when they died. */
  readonly heldCount: number;
};

export class RetryQueue {
  readonly #store: PaymentStore;
  readonly #prefix: string;
  readonly #visibleMs: string;

  /** `name` keeps queues apart that share a Redis. */
  constructor(store: PaymentStore, name: string, visibleMs = VISIBLE_MS) {
    this.#store = store;
    this.#visibleMs = String(visibleMs);
    // The braces keep all keys of one queue on one node of a cluster.
    this.#prefix = `firebreak:payments:{${name}}:`;
  }

  /** Takes a payment before its provider is asked, so that it is found again whatever becomes of who asks. */
  async begin(payment: Payment, provider: string, token: string): Promise<Begun | null> {
    const first: Job = { ...newJob(payment), asked: provider };
    const args = [payment.key, token, this.#visibleMs, JSON.stringify(first)];
    const answer = await this.#run(scripts.BEGIN, args, payment.key);
    if (answer === null) return null;
    const [state, nowMs, known] = answer;
    if (state === "begun") {
      const atMs = Number(nowMs);
      const claim = { key: payment.key, token, job: first, attempts: 1, askedAtMs: atMs };
      return { state, claim: { ...claim, nowMs: atMs } };
    }
    return begunElsewhere(state, known);
  }

  /** Takes an order that is charged later, if what all of them owe stays within bounds. */
  async defer(
    payment: Payment,
    provider: string,
    { amountMax, countMax }: { readonly amountMax: number; readonly countMax: number },
  ): Promise<{ readonly state: "deferred" } | Exclude<Begun, { state: "begun" }> | null> {
    const { key, currency, amount } = payment;
    // Should the answer be lost, the order may be charged at once: whoever tries it later asks that provider first.
    const kept = JSON.stringify({ ...newJob(payment, true), asked: provider });
    const bounds = [currency, amount, amountMax, countMax].map(String);
    const answer = await this.#run(scripts.DEFER, [key, kept, ...bounds], key);
    if (answer === null) return null;
    const [state, , known] = answer;
    return state === "deferred" ? { state } : begunElsewhere(state, known);
  }

  /** Takes what is due longest, and what whoever held it has not finished in time; nobody takes another for `intervalMs`. */
  async claim(token: string, intervalMs: number): Promise<Taken | null> {
    const args = [token, this.#visibleMs, String(Math.round(intervalMs))];
    const answer = await this.#run(scripts.CLAIM, args);
    if (answer === null) return null;
    const [state, nowMs, key = "", written = "", waitMs] = answer;
    if (state === "wait") return { state, waitMs: Number(waitMs) };
    if (state !== "claimed") return { state: "empty" };
    const read = readJob(written);
    // What is not ours to read is nobody's to charge: it stays, and grows old in sight.
    if (read === null) return { state: "unreadable" };
    return { state, claim: { key: plainKey(key), token, nowMs: Number(nowMs), ...read } };
  }

  /** Writes down who is about to be asked. Null: it is somebody else's by now, and nobody may be. */
  async mark({ key, token }: Claim, next: Job, attempts: number): Promise<Claim | null> {
    const args = [key, token, this.#visibleMs, String(attempts), JSON.stringify(next)];
    const [state, now] = (await this.#run(scripts.MARK, args)) ?? [];
    if (state !== "done") return null;
    const nowMs = Number(now);
    return { key, token, job: next, attempts, askedAtMs: nowMs, nowMs };
  }

  /** It ended so. */
  settle({ key, token }: Claim, ended: Settlement): Promise<boolean> {
    const args = [key, token, `p1:${JSON.stringify(ended)}`, String(REMEMBER_MS)];
    return this.#isDone(scripts.SETTLE, args, key);
  }

  /** It is tried again in `delayMs`. */
  again(claim: Claim, next: Job, delayMs: number): Promise<boolean> {
    const { key, token, attempts, askedAtMs } = claim;
    const numbers = [delayMs, attempts, askedAtMs].map((number) => String(Math.round(number)));
    return this.#isDone(scripts.AGAIN, [key, token, ...numbers, JSON.stringify(next)]);
  }

  /** It is tried no more until people say so. */
  bury(claim: Claim, next: Job): Promise<boolean> {
    const { key, token, attempts, askedAtMs } = claim;
    const numbers = [attempts, askedAtMs].map(String);
    return this.#isDone(scripts.BURY, [key, token, ...numbers, JSON.stringify(next)]);
  }

  /** Tries the dead one, or the oldest of them, again; how many. */
  async redrive(key: string | null): Promise<number | null> {
    const args = [String(DEAD_LISTED_MAX), ...(key === null ? [] : [key])];
    const answer = await this.#run(scripts.REDRIVE, args);
    return answer === null ? null : Number(answer[2]);
  }

  /** Drops a dead one for good; whether it was there. */
  async discard(key: string): Promise<boolean | null> {
    const answer = await this.#run(scripts.DISCARD, [key]);
    return answer === null ? null : answer[0] === "done";
  }

  /** The dead, longest first. */
  async dead(from: number, most: number): Promise<readonly DeadPayment[] | null> {
    const limit = Math.min(most, DEAD_LISTED_MAX);
    const answer = await this.#run(scripts.DEAD, [String(from), String(limit)]);
    if (answer === null) return null;
    const found: DeadPayment[] = [];
    for (let at = 2; at + 2 < answer.length; at += 3) {
      const [key = "", written = "", deadAtMs = ""] = answer.slice(at, at + 3);
      const read = readJob(written);
      if (read !== null) found.push({ ...read, key: plainKey(key), deadAtMs: Number(deadAtMs) });
    }
    return found;
  }

  /** The turn to hold some orders against the providers; null when it is nobody's, or somebody else's. */
  async takeLook(
    token: string,
    { leaseMs, everyMs, againAfterMs }: LookTimes,
  ): Promise<{ readonly sinceMs: number; readonly before: Reconciliation } | null> {
    const times = [leaseMs, everyMs, againAfterMs].map(String);
    const answer = await this.#run(scripts.TAKE_LOOK, [token, ...times]);
    if (answer === null || answer[0] !== "yours") return null;
    const [, , since, written = "", startedAtMs] = answer;
    const read = reconciliation(parseJson(written.slice(3)));
    const before = read.ok ? read.value : newReconciliation(Number(startedAtMs));
    return { sinceMs: Number(since), before };
  }

  /** What the look has found; false when it is somebody else's turn by now. */
  endLook(token: string, found: Reconciliation): Promise<boolean> {
    const state = !found.isComplete ? "looking" : isReconciled(found) ? "agrees" : "differs";
    return this.#isDone(scripts.END_LOOK, [token, state, `p1:${JSON.stringify(found)}`]);
  }

  /** When a payment last had to wait, null for never; and the last time that all books were held against the providers. */
  async reconciled(): Promise<{
    readonly troubleAtMs: number | null;
    readonly report: Reconciliation | null;
  } | null> {
    const answer = await this.#run(scripts.RECONCILED, []);
    if (answer === null) return null;
    const [, , trouble = "", written = ""] = answer;
    const read = reconciliation(parseJson(written.slice(3)));
    return {
      troubleAtMs: trouble === "" ? null : Number(trouble),
      report: read.ok ? read.value : null,
    };
  }

  /** Those of the payments that are not settled. */
  async underWay(keys: readonly string[]): Promise<ReadonlySet<string> | null> {
    const answer = await this.#run(scripts.UNDER_WAY, [...keys]);
    return answer === null ? null : new Set(answer.slice(2).map(plainKey));
  }

  async state(): Promise<QueueState | null> {
    const answer = await this.#run(scripts.STATE, []);
    if (answer === null) return null;
    const [queuedCount = 0, oldestAgeMs = 0, deadCount = 0, owingCount = 0, heldCount = 0] = answer
      .slice(2)
      .map(Number);
    return { queuedCount, oldestAgeMs: Math.max(0, oldestAgeMs), deadCount, owingCount, heldCount };
  }

  /** What waits for another attempt or was given up, by currency, the largest amount first; of very many, the longest waiting. */
  async unpaid(): Promise<{
    readonly amounts: readonly Unpaid[];
    readonly leftOutCount: number;
  } | null> {
    const answer = await this.#run(scripts.UNPAID, []);
    if (answer === null) return null;
    const amounts: Unpaid[] = [];
    for (let at = 3; at + 2 < answer.length; at += 3) {
      const [currency = "", count, amount] = answer.slice(at, at + 3);
      amounts.push({ currency: plainKey(currency), count: Number(count), amount: Number(amount) });
    }
    return {
      amounts: amounts.toSorted((a, b) => b.amount - a.amount),
      leftOutCount: Number(answer[2]),
    };
  }

  async #isDone(script: string, args: string[], key?: string): Promise<boolean> {
    return (await this.#run(script, args, key))?.[0] === "done";
  }

  /** Null when Redis fails, takes too long or answers with something else. */
  async #run(script: string, args: string[], key = ""): Promise<readonly string[] | null> {
    const keys = [...scripts.QUEUE_KEYS, `settled:${key}`].map((name) => this.#prefix + name);
    try {
      const answer = await within(this.#store.eval(script, keys, args), STORE_DEADLINE_MS, null);
      const read = texts(answer);
      return read.ok ? read.value.map(String) : null;
    } catch {
      return null; // Whoever asks knows what to do without Redis, and says so.
    }
  }
}

/** Clients take texts for numbers where they look like some. */
const texts = list(either(text(), number()));

function begunElsewhere(
  state: string | undefined,
  known: string | undefined,
): Exclude<Begun, { state: "begun" }> {
  if (state === "full") return { state };
  const ended = state === "settled" ? settlement(parseJson(known?.slice(3) ?? "")) : null;
  return ended?.ok === true ? { state: "settled", settlement: ended.value } : { state: "known" };
}

function readJob(
  written: string,
): { readonly job: Job; readonly attempts: number; readonly askedAtMs: number } | null {
  const [, attempts, askedAtMs, json = ""] = /^p1:(\d+):(\d+):([^]*)$/.exec(written) ?? [];
  const read = job(parseJson(json));
  return read.ok
    ? { job: read.value, attempts: Number(attempts), askedAtMs: Number(askedAtMs) }
    : null;
}

const plainKey = (key: string): string => key.slice(2);
