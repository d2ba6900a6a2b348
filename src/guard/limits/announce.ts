/** The `RateLimit` fields in production's own answers, for limits that say so: a copy of the answer, so only then. */
import { LIMIT_FIELD, limitField, POLICY_FIELD, policyField } from "./headers.ts";
import type { LimitEntry } from "./limit-table.ts";
import type { Left } from "./rate-limit.ts";

export type Announced = { readonly limit: LimitEntry; readonly left: Left };

/** The answer itself where there is nothing to say, or nowhere to say it. Production's own fields stay beside ours. */
export function announcing(response: Response, announced: readonly Announced[]): Response {
  if (announced.length === 0 || response.status === 101) return response;
  const copy = new Response(response.body, response);
  copy.headers.append(POLICY_FIELD, policyField(announced.map(({ limit }) => limit.limit)));
  copy.headers.append(
    LIMIT_FIELD,
    limitField(announced.map(({ limit, left }) => ({ name: limit.limit.name, ...left }))),
  );
  return copy;
}
