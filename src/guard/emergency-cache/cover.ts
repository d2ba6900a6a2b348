/** What the emergency cache can do for one request. */
import { answerFrom, type Copies, type Scope } from "./copies.ts";

/** Whoever has a stale copy waits this long for a better one. */
export const PATIENCE_MS = 3_000;

export type Cover = {
  /** Answers in production's place. */
  readonly fresh: Response | null;
  /** Answers if production fails, or is late. */
  readonly stale: Response | null;
};

export const NO_COVER: Cover = { fresh: null, stale: null };

/** Rejects when the cache fails; production is then asked as if there were none. */
export async function coverOf(
  request: Request,
  scope: Scope,
  copies: Pick<Copies, "find">,
): Promise<Cover> {
  const copy = await copies.find(request, scope);
  if (copy === null) return NO_COVER;
  const nowMs = Date.now();
  const isStale = nowMs - copy.keptAtMs >= scope.freshMs;
  const response = answerFrom(request, copy, { isStale, nowMs });
  return isStale ? { fresh: null, stale: response } : { fresh: response, stale: null };
}
