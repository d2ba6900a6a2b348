/** The database itself ends what takes longer, for every query that production sends through the SDK. */
import { z } from "zod";
import { defineLease } from "../actuator.ts";
import { durationOption, msOf } from "../duration-option.ts";
import { guardEntry } from "../guard-entry.ts";

const options = z.strictObject({
  /** A shorter limit that production's role already has stands. */
  timeout: durationOption(100, 600_000).default("5s"),
});
type Options = z.infer<typeof options>;

export const statementTimeout = defineLease({
  id: "statement-timeout",
  kind: "lease",
  options,
  ...guardEntry<Options>(
    ({ timeout }) => ({
      kind: "statement-timeout",
      match: {},
      action: { timeoutMs: msOf(timeout) },
      fail: "open",
    }),
    {
      touches: ({ timeout }) => `every visitor whose request needs a query of more than ${timeout}`,
      siteWide: false,
      // No query can be longer than what ends it.
      masks: ["postgres.longest_query_seconds"],
      release: "at_once",
    },
  ),
});
