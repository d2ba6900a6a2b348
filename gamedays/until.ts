/** Waiting for something to become true, with an end. */
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 100;

/** What the gameday waited for did not come: it ends early, and says so in its report. */
export class DidNotHappen extends Error {
  override readonly name = "DidNotHappen";
}

/** The first answer that is neither null nor false. @throws {DidNotHappen} when there is none in time. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | false> | T | null | false,
  { withinMs, signal }: { readonly withinMs: number; readonly signal: AbortSignal },
): Promise<T> {
  const deadlineMs = Date.now() + withinMs;
  for (;;) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== null && found !== false) return found;
    if (Date.now() > deadlineMs) {
      throw new DidNotHappen(`${what}: not within ${withinMs / 1_000} s`);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}
