/** Limits how often clients may come: by address, network, operator, session or route, on some routes or on all. */
import { z } from "zod";
import { limitActionOf, limitMatchOf, limitWords } from "../../policy/limit-words.ts";
import { defineLease } from "../actuator.ts";
import { guardEntry } from "../guard-entry.ts";

const options = limitWords.safeExtend({
  /** What a shard that does not answer means: each isolate counts alone, or what needs the shard is refused. */
  fail: z.enum(["open", "closed"]).default("open"),
});

type Options = z.infer<typeof options>;

export const rateLimit = defineLease({
  id: "rate-limit",
  kind: "lease",
  options,
  ...guardEntry<Options>(
    (words) => ({
      kind: "rate-limit",
      match: limitMatchOf(words),
      action: limitActionOf(words),
      fail: words.fail,
    }),
    {
      touches: ({ limit, window, by, routes }) =>
        `who sends more than ${limit} requests in ${window} to ${routes?.join(", ") ?? "the site"}, counted by ${by.join(" and ")}, but the allowlist`,
      siteWide: false,
      masks: [],
      // A flood that a part of the clients may send is a flood.
      release: "at_once",
    },
  ),
});
