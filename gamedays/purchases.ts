/** What customers were told of their orders, and who charged them. Pure. */
import type { Visit } from "./measure.ts";
import type { Charge } from "./payment-providers.ts";

export const PAID = 201;
/** The order is taken, and it is not paid: in which word tells why. */
export const TAKEN = 202;

export type Purchase = {
  readonly atMs: number;
  readonly status: number;
  /** `pending`: a provider was asked, and has not said. `deferred`: nobody was asked yet. */
  readonly word: string | null;
  readonly key: string | null;
};

/** In the order in which they were sent. */
export const purchasesIn = (visits: readonly Visit[]): readonly Purchase[] =>
  visits
    .flatMap(({ atMs, purchase }) =>
      purchase === undefined
        ? []
        : [
            {
              atMs,
              status: purchase.status,
              word: purchase.word,
              key: purchase.paymentId === null ? null : `order-${purchase.paymentId}`,
            },
          ],
    )
    .toSorted((a, b) => a.atMs - b.atMs);

export const isTaken = ({ status }: Pick<Purchase, "status">): boolean =>
  status === PAID || status === TAKEN;

/** Orders that customers were told are taken, paid or not yet. */
export const promisedBy = (visits: readonly Visit[]): ReadonlySet<string> =>
  new Set(
    purchasesIn(visits)
      .filter(isTaken)
      .flatMap(({ key }) => (key === null ? [] : [key])),
  );

export const providersOf = (charges: readonly Charge[], key: string | null): readonly string[] =>
  charges.filter(({ order }) => order === key).map(({ provider }) => provider);
