/** What is to be paid, and what is remembered of it until it is. Held in production's own Redis; Firebreak never sees `details`. */
import { err, type Result } from "../shared/result.ts";
import {
  either,
  fields,
  nullable,
  object,
  oneOf,
  text,
  textThat,
  that,
  truth,
  whole,
  type Read,
} from "../shared/shape.ts";

/** What one payment may take in the queue, as JSON. */
export const PAYMENT_CHARACTERS_MAX = 8_192;

/** Keys may not hold `~`, which sets the round apart in an idempotency key. */
const key = textThat(/^[\w.:-]{1,120}$/, "1 to 120 letters, digits and _ . : -");

export const payment = object({
  /** The order's own id: the same order is the same key, whoever asks and however often. */
  key,
  /** In minor units (cents). */
  amount: whole(0, 100_000_000_000),
  currency: textThat(/^[a-z]{3}$/, "a currency as three small letters, such as usd"),
  /** What the providers' adapters need to charge it: references such as a customer's id, never a card. */
  details: that(
    fields,
    (read) => Object.values(read).every(isPlain),
    "an object of texts and numbers",
  ),
});
export type Payment = Omit<Read<typeof payment>, "details"> & {
  readonly details: Readonly<Record<string, unknown>>;
};

function isPlain(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number";
}

/** The payment, or which field is wrong and how; no value is repeated. */
export function checkedPayment(given: Payment): Result<Payment, string> {
  const read = payment(given);
  if (!read.ok) return err(`payment${read.error}`);
  const characters = JSON.stringify(read.value).length;
  return characters <= PAYMENT_CHARACTERS_MAX
    ? read
    : err(`payment is ${characters} characters as JSON; at most ${PAYMENT_CHARACTERS_MAX}`);
}

const word = text(200);

/** How a payment ended for good. `refused`: our own request was wrong, nobody was charged, and asking again would not help. */
export const settlement = either(
  object({ status: oneOf(["charged"]), provider: word, reference: word }),
  object({ status: oneOf(["declined", "refused"]), provider: word, code: word }),
);
export type Settlement = Read<typeof settlement>;

/** What the queue holds of one payment. */
export const job = object({
  payment,
  /** The provider that was asked to charge it and has not said what became of it; null for none. */
  asked: nullable(word),
  /** How often a provider has said that it knows nothing of it. */
  round: whole(0),
  /** What went wrong last, in a word; null for nothing yet. */
  failure: nullable(word),
  /** The order was taken before it was paid. */
  isDeferred: truth,
});
export type Job = Read<typeof job>;

export const newJob = (of: Payment, isDeferred = false): Job => ({
  payment: of,
  asked: null,
  round: 0,
  failure: null,
  isDeferred,
});

/**
 * The same at every provider and for every repetition. It changes only after a provider has said that it knows nothing of the
 * payment: providers keep what they answered to a key, an error of their own as well, and would repeat it for a day.
 */
export const idempotencyKey = ({ payment: { key: order }, round }: Job): string =>
  round === 0 ? order : `${order}~${round}`;
