/** Serves reads and answers writes with "paused", but on exempt routes. */
import { z } from "zod";
import { defineLease } from "../actuator.ts";
import { guardEntry } from "../guard-entry.ts";

const options = z.strictObject({
  /** What visitors read; without it, the site's own sentence. */
  message: z.string().trim().min(1).max(500).optional(),
  /** What a write meets when the guard itself is in trouble: served all the same, or refused. */
  fail: z.enum(["open", "closed"]).default("open"),
});

export const readOnly = defineLease({
  id: "read-only",
  kind: "lease",
  options,
  ...guardEntry<z.infer<typeof options>>(
    ({ message, fail }) => ({
      kind: "read-only",
      match: {},
      action: message === undefined ? {} : { message },
      fail,
    }),
    {
      touches: "every visitor who writes, but on exempt routes",
      siteWide: true,
      masks: [],
      // Half the visitors writing while the other half may not is worse than either.
      release: "at_once",
    },
  ),
});
