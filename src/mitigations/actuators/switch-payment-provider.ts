/** Production charges new payments at another provider, through the SDK, and asks the first how it is until it may go back. */
import { z } from "zod";
import { defineLease } from "../actuator.ts";
import { durationOption, msOf } from "../duration-option.ts";
import { guardEntry } from "../guard-entry.ts";

const options = z.strictObject({
  /** The id that production gives that provider where it makes its `Payments`; one that it has not is nobody, and nothing is switched. */
  to: z
    .string()
    .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/)
    .max(60)
    .default("backup"),
  /** How often an isolate asks the first provider meanwhile. */
  probe_every: durationOption(500, 600_000).default("5s"),
});
type Options = z.infer<typeof options>;

export const switchPaymentProvider = defineLease({
  id: "switch-payment-provider",
  kind: "lease",
  options,
  ...guardEntry<Options>(
    ({ to, probe_every: probeEvery }) => ({
      kind: "payment-provider",
      match: {},
      action: { to, probeEveryMs: msOf(probeEvery) },
      fail: "open",
    }),
    {
      touches: ({ to }) =>
        `who pays is charged by ${to}; what the first provider may have charged already is asked there first`,
      siteWide: false,
      masks: [],
      // Half open: a part of the visitors pays at the first provider again, while everybody watches.
      release: "staged",
    },
  ),
});
