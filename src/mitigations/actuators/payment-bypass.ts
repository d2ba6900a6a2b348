/** Production takes orders without charging them yet, through the SDK, as long as what is owed stays within bounds. */
import { z } from "zod";
import { defineLease } from "../actuator.ts";
import { guardEntry } from "../guard-entry.ts";

const options = z.strictObject({
  /** Orders in another currency are charged as ever: what they owe cannot be added up. */
  currency: z
    .string()
    .regex(/^[a-z]{3}$/, "write a currency as three small letters, such as usd")
    .default("usd"),
  /** What all orders together may owe at once, in minor units of it (cents). */
  amount_max: z.int().min(0).max(1_000_000_000_000).default(500_000),
  /** How many orders may owe at once. */
  count_max: z.int().min(1).max(1_000_000).default(100),
});
type Options = z.infer<typeof options>;

export const paymentBypass = defineLease({
  id: "payment-bypass",
  kind: "lease",
  options,
  ...guardEntry<Options>(
    ({ currency, amount_max: amountMax, count_max: countMax }) => ({
      kind: "payment-bypass",
      match: {},
      action: { currency, amountMax, countMax },
      fail: "open",
    }),
    {
      touches: ({ currency, amount_max: amountMax, count_max: countMax }) =>
        `who orders is charged later: at most ${countMax} orders and ${amountMax} minor units of ${currency} at once, which may not all be paid`,
      siteWide: false,
      masks: [],
      release: "at_once",
    },
  ),
});
