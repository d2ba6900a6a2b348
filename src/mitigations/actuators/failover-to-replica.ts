/** Production's database becomes its replica, through the SDK, and writes are paused for as long: no secret is rewritten, nothing deployed. */
import { z } from "zod";
import { defineLease } from "../actuator.ts";
import { guardEntries } from "../guard-entry.ts";

const options = z.strictObject({
  /** What a visitor who writes reads; without it, the site's own sentence. */
  message: z.string().trim().min(1).max(500).optional(),
});
type Options = z.infer<typeof options>;

const traits = {
  touches:
    "every visitor: what they read is as old as the replica, and who writes is told to wait, but on exempt routes",
  siteWide: true,
  masks: [],
  // Half the visitors on one database and half on another is worse than either.
  release: "at_once",
} as const;

export const failoverToReplica = defineLease({
  id: "failover-to-replica",
  kind: "lease",
  options,
  // The guard pauses writes before reads move, and lets them through only after reads are back.
  ...guardEntries<Options>(
    ({ message }) => [
      {
        kind: "read-only",
        match: {},
        action: message === undefined ? {} : { message },
        fail: "open",
      },
      { named: "reads", kind: "failover", match: {}, action: {}, fail: "open" },
    ],
    traits,
  ),
});
