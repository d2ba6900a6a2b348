/** Work that must end, whether or not it listens. */
import { err, ok, type Result } from "../shared/result.ts";

/**
 * Runs `work` with a signal that aborts after `deadlineMs`, and stops waiting then even if the work ignores it.
 * What the work throws before the deadline is thrown on; what it throws later is nobody's concern any more.
 */
export async function withinDeadline<T>(
  deadlineMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Result<T, "timeout">> {
  const controller = new AbortController();
  const expiry = Promise.withResolvers<Result<T, "timeout">>();
  const timer = setTimeout(() => {
    expiry.resolve(err("timeout"));
    controller.abort(new DOMException("the deadline passed", "TimeoutError"));
  }, deadlineMs);
  try {
    return await Promise.race([work(controller.signal).then(ok<T>), expiry.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets time pass between two looks at what somebody else is at work on. */
export const pauseFor = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
