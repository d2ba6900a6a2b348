/** Production reads from its replica, through the SDK, while the replica keeps up; what must be read where it was written is. */
import { z } from "zod";
import { defineLease } from "../actuator.ts";
import { durationOption, msOf } from "../duration-option.ts";
import { guardEntry } from "../guard-entry.ts";

const options = z.strictObject({
  /** A replica that is further behind is not read from. */
  max_lag: durationOption(100, 300_000).default("5s"),
  /** A session that wrote this recently reads from the primary; longer than `max_lag`, or it may miss what it wrote. */
  read_your_writes: durationOption(0, 60_000).default("10s"),
});
type Options = z.infer<typeof options>;

export const routeReadsToReplica = defineLease({
  id: "route-reads-to-replica",
  kind: "lease",
  options: options.refine((given) => msOf(given.read_your_writes) >= msOf(given.max_lag), {
    path: ["read_your_writes"],
    message: "must be at least max_lag",
  }),
  ...guardEntry<Options>(
    (given) => ({
      kind: "replica-reads",
      match: {},
      action: {
        maxLagMs: msOf(given.max_lag),
        readYourWritesMs: msOf(given.read_your_writes),
      },
      fail: "open",
    }),
    {
      touches: (given) =>
        `what visitors read may be up to ${given.max_lag} old; writes are not touched`,
      siteWide: false,
      masks: [],
      // Bit by bit, so that the primary is not met by every read at once.
      release: "staged",
    },
  ),
});
