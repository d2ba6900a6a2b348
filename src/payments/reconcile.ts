/**
 * The merchant's books against what every provider says of each order. Only asks; what to do about a difference is a person's.
 */
import { newJob, type Payment } from "./payment.ts";
import { askWhatBecame, type PaymentProvider } from "./provider.ts";

/** One report's orders; more are for several reports. */
export const RECONCILED_MAX = 1_000;
/** Orders that are asked about at once; a Worker's request has six connections. */
export const AT_ONCE = 3;

export type BookedOrder = {
  readonly payment: Payment;
  /** The providers' references of what the books say was charged for it. */
  readonly references: readonly string[];
};

/**
 * `agrees`: charged once and booked so, or neither. `unmatched`: charged, and the books have another reference or none. `double`:
 * charged more than once. `missing`: booked, and no provider knows of it. `unknown`: some provider did not say.
 */
export type Verdict = "agrees" | "unmatched" | "double" | "missing" | "unknown";

export type Reconciled = {
  readonly key: string;
  readonly verdict: Verdict;
  readonly charges: readonly { readonly provider: string; readonly reference: string }[];
  /** Providers that did not say. */
  readonly silent: readonly string[];
};

/** In the order of the books. @throws {RangeError} for more than `RECONCILED_MAX`. */
export async function reconcile(
  providers: readonly PaymentProvider[],
  books: readonly BookedOrder[],
  deadlineMs: number,
): Promise<readonly Reconciled[]> {
  if (books.length > RECONCILED_MAX) {
    throw new RangeError(`books: ${books.length} orders; at most ${RECONCILED_MAX} at a time`);
  }
  const found: Reconciled[] = [];
  for (let from = 0; from < books.length; from += AT_ONCE) {
    const some = books.slice(from, from + AT_ONCE);
    found.push(...(await Promise.all(some.map((order) => askAll(providers, order, deadlineMs)))));
  }
  return found;
}

async function askAll(
  providers: readonly PaymentProvider[],
  { payment, references }: BookedOrder,
  deadlineMs: number,
): Promise<Reconciled> {
  const answers = await Promise.all(
    providers.map(async (provider) => ({
      provider: provider.id,
      said: await askWhatBecame(provider, newJob(payment), deadlineMs),
    })),
  );
  const charges = answers.flatMap(({ provider, said }) =>
    said.status === "charged" ? [{ provider, reference: said.reference }] : [],
  );
  const silent = answers.flatMap(({ provider, said }) =>
    said.status === "unknown" || said.status === "pending" ? [provider] : [],
  );
  const charged = charges.map(({ reference }) => reference);
  return {
    key: payment.key,
    verdict: verdictOn(charged, references, silent.length > 0),
    charges,
    silent,
  };
}

/** What is known already may be bad enough, whoever is silent. Pure. */
export function verdictOn(
  charged: readonly string[],
  booked: readonly string[],
  isSomebodySilent: boolean,
): Verdict {
  if (charged.length > 1) return "double";
  if (charged.some((reference) => !booked.includes(reference))) return "unmatched";
  if (isSomebodySilent) return "unknown";
  return booked.length > charged.length ? "missing" : "agrees";
}
