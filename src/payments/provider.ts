/**
 * A payment provider as production gives it, and what its answers mean. Only what it says itself is believed: an error, silence or
 * an answer of another shape leaves open whether somebody was charged, and whoever goes on must ask before charging again.
 */
import { within } from "../guard/deadline.ts";
import { either, object, oneOf, text } from "../shared/shape.ts";
import { idempotencyKey, type Job, type Payment } from "./payment.ts";

export type Ask = {
  /** Send it as the provider wants it: the same key never charges twice. */
  readonly idempotencyKey: string;
  /** Ends when nobody waits any more. */
  readonly signal: AbortSignal;
};

export type Charged =
  | { readonly status: "charged"; readonly reference: string }
  /** `declined`: the customer's matter, such as a card without money. `refused`: our request was wrong. Nobody was charged. */
  | { readonly status: "declined" | "refused"; readonly code: string }
  /** The provider's own failure, and surely nobody was charged: a refused connection, or too many requests. */
  | { readonly status: "unavailable" };

export type Found =
  | { readonly status: "charged"; readonly reference: string }
  | { readonly status: "declined" | "refused"; readonly code: string }
  /** It knows nothing of this payment. */
  | { readonly status: "none" }
  /** It knows of it, and has not decided. */
  | { readonly status: "pending" };

export type PaymentProvider = {
  readonly id: string;
  /** Throws for everything that leaves open what became of it. */
  readonly charge: (payment: Payment, ask: Ask) => Promise<Charged>;
  /** What became of the payment, by its own `key` and whatever idempotency key it was charged with. Throws when that cannot be told. */
  readonly find: (payment: Payment, ask: Ask) => Promise<Found>;
  /** Whether it is there, without charging anybody. Throws or is false when not. */
  readonly probe: (ask: Pick<Ask, "signal">) => Promise<boolean>;
};

/** Nobody knows what became of it. */
export type Unknown = { readonly status: "unknown" };
const UNKNOWN: Unknown = { status: "unknown" };

const charged = object({ status: oneOf(["charged"]), reference: text(200, 1) });
const ended = object({ status: oneOf(["declined", "refused"]), code: text(200) });
const chargedShape = either(charged, either(ended, object({ status: oneOf(["unavailable"]) })));
const foundShape = either(charged, either(ended, object({ status: oneOf(["none", "pending"]) })));

/** Asks a provider to charge; never throws. */
export async function askToCharge(
  provider: PaymentProvider,
  job: Job,
  deadlineMs: number,
): Promise<Charged | Unknown> {
  const read = chargedShape(
    await asking(deadlineMs, (signal) =>
      provider.charge(job.payment, { idempotencyKey: idempotencyKey(job), signal }),
    ),
  );
  return read.ok ? read.value : UNKNOWN;
}

/** Asks a provider what became of a payment; never throws. */
export async function askWhatBecame(
  provider: PaymentProvider,
  job: Job,
  deadlineMs: number,
): Promise<Found | Unknown> {
  const read = foundShape(
    await asking(deadlineMs, (signal) =>
      provider.find(job.payment, { idempotencyKey: idempotencyKey(job), signal }),
    ),
  );
  return read.ok ? read.value : UNKNOWN;
}

export const isThere = async (provider: PaymentProvider, deadlineMs: number): Promise<boolean> =>
  (await asking(deadlineMs, (signal) => provider.probe({ signal }))) === true;

/** Null for an error and for silence. An adapter that does not heed its signal is left behind. */
async function asking<T>(
  deadlineMs: number,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T | null> {
  try {
    return await within(ask(AbortSignal.timeout(deadlineMs)), deadlineMs, null);
  } catch {
    return null; // Whatever a provider's failure says, it does not say what became of the payment.
  }
}
