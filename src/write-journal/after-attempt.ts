/** What becomes of a delivery after an attempt to replay it: done, again later, or given up. */
import type { Failure } from "../incidents/journal.ts";

const BACKOFF_BASE_MS = 1_000;
const BACKOFF_MS_MAX = 5 * 60_000;
/**
 * With these waits a delivery stands at the head of its route for half an hour before it is given up: long enough for production to
 * come back, and short enough that a poisoned one does not block the route for ever.
 */
export const ATTEMPTS_MAX = 13;

export type NextStep =
  | { readonly step: "again"; readonly dueAtMs: number }
  | { readonly step: "dead" };

/** When to try next after the `attempts`-th attempt. `jitter` is 0..1, drawn by the caller. */
export function dueAfter(attempts: number, nowMs: number, jitter: number): number {
  const ceilingMs = Math.min(BACKOFF_BASE_MS * 2 ** Math.min(attempts - 1, 20), BACKOFF_MS_MAX);
  return nowMs + Math.ceil(ceilingMs * (0.5 + jitter / 2));
}

/** A refusal stays one however often it is repeated; people look at it, mend what refuses, and drive it again. */
export function afterAttempt(
  failure: Failure,
  { attempts, dueAtMs }: { readonly attempts: number; readonly dueAtMs: number },
): NextStep {
  const isOver = failure.class === "refuse" || attempts >= ATTEMPTS_MAX;
  return isOver ? { step: "dead" } : { step: "again", dueAtMs };
}
