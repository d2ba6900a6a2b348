/** What a limited client reads: a person on a page, a program in a problem of the types that the draft registers. */
import type { LimitTerms } from "../../policy/limits.ts";
import type { LimitRefusal } from "./rate-limit.ts";

export const LIMIT_WORDS = {
  limited: {
    heading: "Too many requests",
    message: "limited",
    hint: "Please wait a moment, then go on. What you just sent was not received.",
  },
  blocked: {
    heading: "Too many requests, too often",
    message: "limited",
    hint: "Requests from here are not accepted for a while; trying again before does not help.",
  },
  unavailable: {
    heading: "Temporarily unavailable",
    message: "limited",
    hint: "Nothing is wrong on your side, and what you just sent was not received. Please try again shortly.",
  },
} as const satisfies Record<LimitRefusal["reason"], object>;

/** Said instead of the site's sentence where nobody knows whether the client is over its limit. */
export const UNAVAILABLE_MESSAGE =
  "This request cannot be handled safely at the moment. Please try again shortly.";

/** draft-ietf-httpapi-ratelimit-headers §5. */
const PROBLEM_TYPES = {
  limited: "quota-exceeded",
  blocked: "abnormal-usage-detected",
  unavailable: "temporary-reduced-capacity",
} as const satisfies Record<LimitRefusal["reason"], string>;

export const limitProblem = (
  { reason }: LimitRefusal,
  { name }: LimitTerms,
): { readonly type: string; readonly members: Readonly<Record<string, unknown>> } => ({
  type: `https://iana.org/assignments/http-problem-types#${PROBLEM_TYPES[reason]}`,
  members: { "violated-policies": [name] },
});
