/**
 * Payments as production makes them: `charge` asks the merchant's own providers, and whatever comes of it, a payment that was begun
 * ends. Without a Firebreak it is the first provider and the queue; without Redis it is the provider alone.
 */
import type { Asked, WaitUntil } from "../sdk/policy-view.ts";
import type { ReportKind } from "../traffic/report-kinds.ts";
import { attempt, firstAttempt, isBooked, type Attempt, type AttemptDeps } from "./attempt.ts";
import { choose, HalfOpen, type Choice } from "./choice.ts";
import { checkedPayment, newJob, type Payment, type Settlement } from "./payment.ts";
import {
  askToCharge,
  askWhatBecame,
  isThere,
  type Charged,
  type Found,
  type PaymentProvider,
  type Unknown,
} from "./provider.ts";
import { reconcile, type BookedOrder, type Reconciled } from "./reconcile.ts";
import { lookOnce, LOOK_EVERY_MS, type Books } from "./reconciliation.ts";
import { RetryQueue, type Claim, type PaymentStore } from "./retry-queue.ts";

export type PaymentsOptions = {
  /** The first is the one that is used; another where Firebreak asks for it by its id. */
  readonly providers: readonly [PaymentProvider, ...PaymentProvider[]];
  /** Upstash's client; null where there is no Redis: nothing is kept, and nothing deferred. */
  readonly store: PaymentStore | null;
  /** Keeps queues apart that share a Redis; the same as `payments.queue` in Firebreak's site.yaml. */
  readonly queue: string;
  /** Writes down in production's own books how a payment ended. Called at least once for each, so it must not mind a second time. */
  readonly onSettled: (payment: Payment, settlement: Settlement) => Promise<void>;
  /** Production's own books; with them, they are held against every provider once payments had to wait. */
  readonly books?: Books;
  /** For one call of a provider; 30 s at most. */
  readonly deadlineMs?: number;
  /** How long after it was asked a provider that knows nothing of a payment is believed; longer than it may still be at work on it. */
  readonly believedAfterMs?: number;
  /** Payments that are tried again in a second, by all isolates together. */
  readonly drainPerSecond?: number;
};

export const DEADLINE_MS = 10_000;
export const DEADLINE_MS_MAX = 30_000;
export const BELIEVED_AFTER_MS = 60_000;
export const DRAIN_PER_SECOND = 5;
const PER_SECOND_MIN = 0.01;
/** One isolate's look into the queue takes so many, and looks again so soon. */
export const DRAINED_MAX = 10;
export const DRAIN_EVERY_MS = 1_000;
/** In half of it attempts are begun. One that a Worker's end cuts off is somebody else's after `VISIBLE_MS`. */
const DRAIN_MS_MAX = 20_000;

export type Receipt =
  | Settlement
  /** It is not known yet; it will be charged once at most, and `onSettled` says how it ended. */
  | { readonly status: "pending" }
  /** The order is taken, and is charged later; `onSettled` says how it ended. */
  | { readonly status: "deferred" }
  /** It may have been charged, and nobody will find out by himself: ask again with the same key. */
  | { readonly status: "unknown" };

/** What one isolate has learnt, shared by its requests. */
export class PaymentsMemory {
  readonly halfOpen = new HalfOpen();
  #nextDrainAtMs = 0;

  /** Whether it is time to look into the queue; the next look is after this one. */
  isDrainDue(nowMs: number): boolean {
    if (nowMs < this.#nextDrainAtMs) return false;
    this.#nextDrainAtMs = nowMs + DRAIN_MS_MAX;
    return true;
  }

  #nextLookAtMs = 0;

  /** Whether to ask for the turn to look into the books. */
  isLookDue(nowMs: number): boolean {
    if (nowMs < this.#nextLookAtMs) return false;
    this.#nextLookAtMs = nowMs + LOOK_EVERY_MS;
    return true;
  }

  drained(nowMs: number): void {
    this.#nextDrainAtMs = nowMs + DRAIN_EVERY_MS;
  }
}

export type PaymentsDeps = {
  readonly options: PaymentsOptions;
  readonly memory: PaymentsMemory;
  /** What is asked for whoever has this key, from memory. */
  readonly asked: (sessionKey: string) => Asked;
  readonly sessionKey: string;
  readonly waitUntil: WaitUntil;
  readonly report: (kind: ReportKind) => void;
  readonly random: () => number;
  readonly newToken: () => string;
};

export class Payments {
  readonly #deps: PaymentsDeps;
  readonly #queue: RetryQueue | null;

  constructor(deps: PaymentsDeps) {
    this.#deps = deps;
    const { store, queue } = deps.options;
    this.#queue = store === null ? null : new RetryQueue(store, queue);
  }

  /** Two calls and the books together take less than the queue leaves a payment to its holder. */
  get #deadlineMs(): number {
    return Math.min(this.#deps.options.deadlineMs ?? DEADLINE_MS, DEADLINE_MS_MAX);
  }

  /** Charges a payment once, however often it is asked with the same key. @throws {RangeError} naming the field that is wrong. */
  async charge(given: Payment): Promise<Receipt> {
    const checked = checkedPayment(given);
    if (!checked.ok) throw new RangeError(checked.error);
    const payment = checked.value;
    const receipt = this.#charge(payment);
    // A customer who leaves takes the request along, and whoever is paying should not be left in the middle.
    this.#deps.waitUntil(receipt.catch(() => {}));
    return receipt;
  }

  async #charge(payment: Payment): Promise<Receipt> {
    const asked = this.#deps.asked(this.#deps.sessionKey);
    return (await this.#defer(payment, asked)) ?? this.#chargeNow(payment, this.#choose(asked));
  }

  /**
   * The books against what every provider says of each order, at most a thousand at a time: unmatched, double, missing. Asks, and
   * changes nothing; for a job that runs beside visitors, not for a request. @throws {RangeError} for more.
   */
  reconcile(books: readonly BookedOrder[]): Promise<readonly Reconciled[]> {
    return reconcile(this.#deps.options.providers, books, this.#deadlineMs);
  }

  /** Tries again what waits, as far as its time has come, asks the first provider how it is, and reconciles. In the background, and seldom. */
  work(): void {
    const { memory, waitUntil, asked, sessionKey, options } = this.#deps;
    const nowMs = Date.now();
    const switched = asked(sessionKey)["payment-provider"];
    const [first] = options.providers;
    if (
      switched !== null &&
      switched.to !== first.id &&
      memory.halfOpen.isDue(nowMs, switched.probeEveryMs)
    ) {
      waitUntil(this.#probe(first));
    }
    const queue = this.#queue;
    if (queue === null) return;
    if (memory.isDrainDue(nowMs)) waitUntil(this.#drain(queue));
    const { books } = options;
    // While one fails there is no use in asking it about every order.
    const isOver = switched === null && asked(sessionKey)["payment-bypass"] === null;
    if (books !== undefined && isOver && memory.isLookDue(nowMs)) {
      waitUntil(this.#look(queue, books));
    }
  }

  /** Books that cannot be read are held against the providers another time. */
  async #look(queue: RetryQueue, books: Books): Promise<void> {
    const { options, newToken } = this.#deps;
    const deps = { queue, books, providers: options.providers, deadlineMs: this.#deadlineMs };
    await lookOnce(deps, newToken()).catch(() => {});
  }

  /** The order without its payment, where that is asked for and what is owed stays within bounds. */
  async #defer(payment: Payment, asked: Asked): Promise<Receipt | null> {
    const bounds = asked["payment-bypass"];
    if (bounds === null || this.#queue === null || payment.currency !== bounds.currency)
      return null;
    const { provider } = this.#choose(asked);
    const answer = await this.#queue.defer(payment, provider.id, bounds);
    switch (answer?.state) {
      case "deferred":
        this.#deps.report("payment.deferred");
        return { status: "deferred" };
      case "settled":
        return answer.settlement;
      case "known":
        return { status: "pending" };
      default:
        return null;
    }
  }

  async #chargeNow(payment: Payment, { provider, isTrial }: Choice): Promise<Receipt> {
    const { newToken, report, options } = this.#deps;
    if (provider !== options.providers[0]) report("payment.elsewhere");
    const queue = this.#queue;
    if (queue === null) return this.#chargeUnkept(payment, provider);
    const begun = await queue.begin(payment, provider.id, newToken());
    switch (begun?.state) {
      case "begun": {
        const ended = await firstAttempt(this.#attemptDeps(queue), begun.claim, provider);
        this.#reportFirst(ended, isTrial);
        return ended.state === "settled" ? ended.settlement : { status: "pending" };
      }
      case "settled":
        return begun.settlement;
      case "known":
        return { status: "pending" };
      default:
        return this.#chargeUnkept(payment, provider);
    }
  }

  /**
   * Redis does not answer: better a payment that nobody keeps than none. What it would say of an earlier attempt is asked of every
   * provider instead, and only when none of them knows of the order is it charged.
   */
  async #chargeUnkept(payment: Payment, provider: PaymentProvider): Promise<Receipt> {
    const job = newJob(payment);
    const { providers } = this.#deps.options;
    const heard = await Promise.all(
      providers.map(async (one) => ({
        one,
        said: await askWhatBecame(one, job, this.#deadlineMs),
      })),
    );
    const known = knownOf(heard);
    const said = known ?? {
      one: provider,
      said: await askToCharge(provider, job, this.#deadlineMs),
    };
    const ended = endedBy(said);
    if (ended === null) {
      this.#deps.report("payment.failed");
      return { status: "unknown" };
    }
    if (known === null) this.#reportEnd(ended);
    return (await isBooked(this.#deps.options.onSettled, payment, ended))
      ? ended
      : { status: "unknown" };
  }

  #reportFirst(ended: Attempt, isTrial: boolean): void {
    if (isTrial) this.#reportTrial(ended);
    else if (isProvidersFailure(ended)) this.#deps.report("payment.failed");
    if (ended.state === "settled") this.#reportEnd(ended.settlement);
  }

  /** A card without money is its owner's matter. A request that was refused is nobody's but ours and the provider's: nobody can pay by it. */
  #reportEnd({ status }: Settlement): void {
    const kinds = {
      charged: "payment.charged",
      declined: "payment.declined",
      refused: "payment.failed",
    } as const;
    this.#deps.report(kinds[status]);
  }

  /** Whoever declines a card or refuses a request has not shown that it charges. */
  #reportTrial(ended: Attempt): void {
    const { report } = this.#deps;
    if (ended.state === "settled" && ended.settlement.status === "charged") {
      report("payment.trial_passed");
    }
    const isRefused = ended.state === "settled" && ended.settlement.status === "refused";
    if (isRefused || isProvidersFailure(ended)) report("payment.trial_failed");
  }

  #choose(asked: Asked): Choice {
    const { options, memory } = this.#deps;
    const to = asked["payment-provider"]?.to ?? null;
    return choose(options.providers, to, () => memory.halfOpen.takeTrial());
  }

  async #probe(first: PaymentProvider): Promise<void> {
    const { memory, report } = this.#deps;
    const answers = await isThere(first, this.#deadlineMs);
    memory.halfOpen.heard(answers);
    if (!answers) report("payment.trial_failed");
  }

  async #drain(queue: RetryQueue): Promise<void> {
    const { memory, options } = this.#deps;
    const perSecond = options.drainPerSecond ?? DRAIN_PER_SECOND;
    const intervalMs = 1_000 / Math.max(PER_SECOND_MIN, perSecond);
    const untilMs = Date.now() + DRAIN_MS_MAX / 2;
    try {
      await this.#drainUntil(queue, untilMs, intervalMs);
    } finally {
      memory.drained(Date.now());
    }
  }

  async #drainUntil(queue: RetryQueue, untilMs: number, intervalMs: number): Promise<void> {
    const { newToken } = this.#deps;
    for (let taken = 0; taken < DRAINED_MAX && Date.now() < untilMs; taken += 1) {
      const next = await queue.claim(newToken(), intervalMs);
      if (next?.state === "wait") {
        await new Promise((resolve) => setTimeout(resolve, next.waitMs));
        continue;
      }
      if (next?.state === "unreadable") continue;
      if (next?.state !== "claimed") break;
      await this.#tryAgain(queue, next.claim);
    }
  }

  async #tryAgain(queue: RetryQueue, claim: Claim): Promise<void> {
    const { options, asked, report } = this.#deps;
    const { "payment-provider": switched, "payment-bypass": bypass } = asked(claim.key);
    const { provider } = choose(options.providers, switched?.to ?? null, () => false);
    const [first] = options.providers;
    const isOfFirst = [null, first.id].includes(claim.job.asked);
    const ended = await attempt(this.#attemptDeps(queue), claim, provider.id);
    if (ended.state === "dead") report("payment.given_up");
    // While no order is charged at once, those that wait are what shows how the provider is.
    if (bypass !== null && switched === null && isOfFirst) this.#reportTrial(ended);
  }

  #attemptDeps(queue: RetryQueue): AttemptDeps {
    const { options, random } = this.#deps;
    const { providers, onSettled } = options;
    const { believedAfterMs = BELIEVED_AFTER_MS } = options;
    const deadlineMs = this.#deadlineMs;
    const provider = (id: string) => providers.find((one) => one.id === id) ?? null;
    return { queue, provider, onSettled, deadlineMs, believedAfterMs, random };
  }
}

const isProvidersFailure = (ended: Attempt): boolean =>
  (ended.state === "again" || ended.state === "dead") &&
  (ended.failure === "unknown_outcome" || ended.failure === "unavailable");

type Heard = { readonly one: PaymentProvider; readonly said: Charged | Found | Unknown };

/** What is known of an order by those who may have been asked for it before; null when nobody has ever heard of it. */
function knownOf(heard: readonly Heard[]): Heard | null {
  const of = (...statuses: readonly Heard["said"]["status"][]) =>
    heard.find(({ said }) => statuses.includes(said.status));
  return of("charged") ?? of("unknown", "pending") ?? of("declined", "refused") ?? null;
}

/** How it ended; null while that is open. */
function endedBy({ one, said }: Heard): Settlement | null {
  switch (said.status) {
    case "charged":
    case "declined":
    case "refused":
      return { ...said, provider: one.id };
    default:
      return null;
  }
}
