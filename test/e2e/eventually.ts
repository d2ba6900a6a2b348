/** Waits for what another process will do in a moment. */
import { setTimeout as sleep } from "node:timers/promises";

const WITHIN_MS = 20_000;
const POLL_MS = 100;

/** @throws {Error} when it has not come true in time. */
export async function eventually(look: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + WITHIN_MS;
  while (!(await look())) {
    if (Date.now() > deadlineMs) throw new Error(`not so within ${WITHIN_MS / 1_000} s`);
    await sleep(POLL_MS);
  }
}
