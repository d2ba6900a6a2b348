/** Whether an effect that failed is tried again, and when: what was asked for, and backoff with full jitter, until its deadline or the cap. */
import type { Failure } from "./journal.ts";

export const BACKOFF_BASE_MS = 500;
export const BACKOFF_MS_MAX = 60_000;
/** Whoever asks to wait for longer is asked again after this: a page must not hang on a header. */
export const ASKED_WAIT_MS_MAX = 300_000;
/** At the longest backoff this is a day: the longest deadline an effect has. */
export const ATTEMPTS_MAX = 1_500;

export type RetryAnswer =
  | { readonly answer: "again"; readonly dueAtMs: number }
  | { readonly answer: "give_up"; readonly why: "refused" | "deadline" | "attempts" };

/** `jitter` is 0..1, drawn by the caller. `attempts` counts the one that failed. */
export function afterFailure(failed: {
  readonly failure: Failure;
  readonly attempts: number;
  readonly deadlineMs: number;
  readonly nowMs: number;
  readonly jitter: number;
}): RetryAnswer {
  if (failed.failure.class === "refuse") return { answer: "give_up", why: "refused" };
  if (failed.attempts >= ATTEMPTS_MAX) return { answer: "give_up", why: "attempts" };
  const ceilingMs = Math.min(BACKOFF_BASE_MS * 2 ** Math.min(failed.attempts, 20), BACKOFF_MS_MAX);
  const askedMs = Math.min(failed.failure.afterMs ?? 0, ASKED_WAIT_MS_MAX);
  // Beside what is asked, not instead: all who were turned away at once would come back at once.
  const dueAtMs = failed.nowMs + askedMs + Math.max(1, Math.round(ceilingMs * failed.jitter));
  return dueAtMs > failed.deadlineMs
    ? { answer: "give_up", why: "deadline" }
    : { answer: "again", dueAtMs };
}
