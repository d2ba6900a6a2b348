/** Who floods: requests at a fixed rate, whatever the answers (open loop), counted by who answered. */
import { headersOf } from "./clients.ts";
import type { Shape, Shot } from "./ddos-shapes.ts";
import { startOpenLoop, steadily } from "./open-loop.ts";

/** Each is a connection; with thousands of them workerd answers nobody, which is another attack than the one that is meant. */
const UNDER_WAY_MAX = 250;
const TIMEOUT_MS = 5_000;
/** Where each address asks once and there are only so many: enough to be a flood, for those who still come. */
const AFTERWARDS_PER_SECOND = 60;
const AFTERWARDS_SECONDS_MAX = 60;

/** `reached` is production's answer, `stopped` the guard's, `lost` none in time; `unsent` is one too many for this machine. */
export const OUTCOMES = ["reached", "stopped", "lost", "unsent"] as const;
export type Hit = { readonly atMs: number; readonly outcome: (typeof OUTCOMES)[number] };

export type Flood = AsyncDisposable & {
  readonly hits: readonly Hit[];
  /** All of its shots were sent; never, where it has no number of them. */
  readonly isSpent: () => boolean;
};

/** Starts it. Disposing sends no more and waits for what is under way. */
export function startFlood(
  site: string,
  { requestsPerSecond, shots, shotOf }: Pick<Shape, "requestsPerSecond" | "shots" | "shotOf">,
): Flood {
  const hits: Hit[] = [];
  const dueBy = steadily(requestsPerSecond);
  const dueAfterwardsBy = steadily(AFTERWARDS_PER_SECOND);
  const spentAfterSeconds = shots === null ? Infinity : shots / requestsPerSecond;
  let done = 0;

  const loop = startOpenLoop({
    dueBy: (seconds) =>
      seconds < spentAfterSeconds || shots === null
        ? dueBy(seconds)
        : shots + dueAfterwardsBy(Math.min(seconds - spentAfterSeconds, AFTERWARDS_SECONDS_MAX)),
    underWayMax: UNDER_WAY_MAX,
    async send(number) {
      done += 1;
      const atMs = Date.now();
      hits.push({ atMs, outcome: await outcomeOf(site, shotOf(number)) });
    },
    dropped() {
      done += 1;
      hits.push({ atMs: Date.now(), outcome: "unsent" });
    },
  });
  return {
    hits,
    isSpent: () => shots !== null && done >= shots,
    [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
  };
}

async function outcomeOf(site: string, { client, path }: Shot): Promise<Hit["outcome"]> {
  try {
    const response = await fetch(`${site}${path}`, {
      headers: { ...headersOf(client), Accept: "application/json" },
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = await response.text();
    return body.includes("/_firebreak/problems/") ? "stopped" : "reached";
  } catch {
    return "lost";
  }
}
