/**
 * What production could not charge at once, in the minor units of each currency: what an outage of payments puts at stake. Read from
 * the facts of the collector `payments-unpaid`, and told in words. Pure.
 */
import { z } from "zod";

/** Currencies that one look tells apart. */
export const CURRENCIES_MAX = 20;

const unpaid = z.object({
  currency: z.string().regex(/^[a-z]{3}$/),
  count: z.int().min(0),
  /** In minor units (cents). */
  amount: z.int().min(0),
});
export type Unpaid = z.infer<typeof unpaid>;

/** Largest amount first. */
export const unpaidFacts = z.object({ unpaid: z.array(unpaid).max(CURRENCIES_MAX) });

/** Of an incident: each currency as it was at its worst, and how it was when somebody last looked. */
export type Stake = { readonly worst: readonly Unpaid[]; readonly last: readonly Unpaid[] };

/** With one more look; facts that are not its own change nothing. */
export function stakeWith(before: Stake | null, facts: unknown): Stake | null {
  const read = unpaidFacts.safeParse(facts);
  if (!read.success) return before;
  const last = read.data.unpaid;
  const worst = new Map((before?.worst ?? []).map((one) => [one.currency, one]));
  for (const one of last) {
    if (one.amount >= (worst.get(one.currency)?.amount ?? 0)) worst.set(one.currency, one);
  }
  return { worst: [...worst.values()].slice(0, CURRENCIES_MAX), last };
}

/** The words for the revenue that is at stake; null is that nobody measured it. */
export function stakeText(stake: Stake | null): string {
  if (stake === null) return "not measured";
  const { worst, last } = stake;
  if (worst.length === 0) return "no payment waited to be charged";
  return `at the worst look ${unpaidText(worst)} waited to be charged; at the last look ${unpaidText(last)}`;
}

/** `"USD 73500 in minor units (15 payments)"`. */
export const unpaidText = (amounts: readonly Unpaid[]): string =>
  amounts.length === 0
    ? "nothing"
    : amounts
        .map(
          ({ currency, amount, count }) =>
            `${currency.toUpperCase()} ${amount} in minor units (${count} payments)`,
        )
        .join(" and ");
