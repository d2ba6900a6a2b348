/** Production answers reads from Redis, through the SDK, and asks the database for each of them only once in a while. */
import { z } from "zod";
import { defineLease } from "../actuator.ts";
import { durationOption, msOf } from "../duration-option.ts";
import { guardEntry } from "../guard-entry.ts";

const options = z.strictObject({
  /** How old a result may be. */
  ttl: durationOption(1_000, 3_600_000).default("300s"),
  /** Larger results are not kept. */
  value_bytes_max: z.int().min(1).max(1_048_576).default(262_144),
});
type Options = z.infer<typeof options>;

export const emergencyQueryCache = defineLease({
  id: "emergency-query-cache",
  kind: "lease",
  options,
  ...guardEntry<Options>(
    ({ ttl, value_bytes_max: valueBytesMax }) => ({
      kind: "query-cache",
      match: {},
      action: { ttlMs: msOf(ttl), valueBytesMax },
      fail: "open",
    }),
    {
      touches: ({ ttl }) =>
        `what visitors read may be up to ${ttl} old, but for what production keeps out of caches`,
      siteWide: false,
      // What Redis answers is not asked of the database; what still is takes the time that it takes.
      masks: ["postgres.queries_per_second"],
      // Bit by bit, so that the database is not met by every query at once.
      release: "staged",
    },
  ),
});
