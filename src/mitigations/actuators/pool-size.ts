/** Production's connection pools may grow, through the SDK, as far as the server has room for them. */
import { z } from "zod";
import { defineLease } from "../actuator.ts";
import { durationOption, msOf } from "../duration-option.ts";
import { guardEntry } from "../guard-entry.ts";

const options = z.strictObject({
  /** Of one pool. It is never smaller than production's own, and never takes what `reserve` leaves to others. */
  max: z.int().min(1).max(10_000).default(100),
  idle_timeout: durationOption(0, 3_600_000).default("60s"),
  connection_timeout: durationOption(100, 60_000).default("5s"),
  /** Connections left to others: people, migrations, Firebreak. */
  reserve: z.int().min(0).max(10_000).default(10),
});
type Options = z.infer<typeof options>;

export const poolSize = defineLease({
  id: "pool-size",
  kind: "lease",
  options,
  ...guardEntry<Options>(
    (given) => ({
      kind: "pool-size",
      match: {},
      action: {
        max: given.max,
        idleTimeoutMs: msOf(given.idle_timeout),
        connectionTimeoutMs: msOf(given.connection_timeout),
        reserve: given.reserve,
      },
      fail: "open",
    }),
    {
      touches: ({ max, reserve }) =>
        `each of production's pools may take up to ${max} connections, less where the server would keep fewer than ${reserve}`,
      siteWide: false,
      masks: [],
      release: "at_once",
    },
  ),
});
