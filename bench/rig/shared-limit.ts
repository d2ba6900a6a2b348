/** One limit shared by many isolates: how many requests they admit between them, next to one exact counter. */
import { ask } from "../workerd/ask.ts";
import type { Rig } from "./rig.ts";

export type SharedLimit = {
  readonly isolates: number;
  /** Offered, of what the limit allows. */
  readonly load: number;
  readonly seconds: number;
  readonly requests: number;
  readonly admitted: number;
  /** What one exact counter would have admitted. */
  readonly exact: number;
  /** admitted / exact - 1 */
  readonly error: number;
  /** To the limiter's shards. */
  readonly callsPerThousand: number;
  /** Neither admitted nor told to wait. */
  readonly failed: number;
};

export type SharedLimitPlan = {
  readonly isolates: number;
  readonly load: number;
  readonly seconds: number;
};

export const LIMIT = 100;
export const WINDOW_SECONDS = 10;

/** `nth` tells one run from another: each is of a client of its own. The limit is by address, on `/limited`. */
export async function sharedLimit(
  rig: Rig,
  { isolates, load, seconds }: SharedLimitPlan,
  nth: number,
): Promise<SharedLimit> {
  const some = rig.isolates.slice(0, isolates);
  const count = Math.round((load * LIMIT * seconds) / WINDOW_SECONDS);
  const callsBefore = rig.proxy.calls("/LIMITER");
  const address = `203.0.113.${nth}`;
  const asking: ReturnType<typeof ask>[] = [];
  const fromMs = performance.now();
  while (asking.length < count) {
    const due = Math.min(count, ((performance.now() - fromMs) * count) / (1_000 * seconds));
    while (asking.length < due) {
      // At random, as from one client's many connections.
      const isolate = some[Math.floor(Math.random() * some.length)];
      asking.push(ask(`${isolate?.url}/limited`, address));
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const asked = await Promise.all(asking);
  const admitted = asked.filter(({ status }) => status === 200).length;
  const exact = exactly(asked.map(({ sentAtMs }) => sentAtMs));
  return {
    isolates,
    load,
    seconds,
    requests: count,
    admitted,
    exact,
    error: admitted / exact - 1,
    callsPerThousand: (1_000 * (rig.proxy.calls("/LIMITER") - callsBefore)) / count,
    failed: asked.filter(({ status }) => status !== 200 && status !== 429).length,
  };
}

/** The generic cell rate algorithm, over the moments at which the requests were sent. */
function exactly(sentAtMs: readonly number[]): number {
  const costMs = (1_000 * WINDOW_SECONDS) / LIMIT;
  let wholeAtMs = -Infinity;
  let admitted = 0;
  for (const atMs of sentAtMs) {
    const next = Math.max(wholeAtMs, atMs) + costMs;
    if (next - atMs > 1_000 * WINDOW_SECONDS) continue;
    wholeAtMs = next;
    admitted += 1;
  }
  return admitted;
}

/** Puts the limit into force. */
export const layLimit = (rig: Rig): Promise<void> =>
  rig.grant({
    id: "lse_limit",
    kind: "rate-limit",
    match: { routes: ["/limited"] },
    action: { limit: LIMIT, windowMs: 1_000 * WINDOW_SECONDS, by: ["address"] },
  });
