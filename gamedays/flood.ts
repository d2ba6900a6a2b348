/** Who floods: requests at a fixed rate from one address, whatever the answers (open loop), counted by who answered. */
const UNDER_WAY_MAX = 200;
const TIMEOUT_MS = 5_000;

/** `stopped` is the guard's answer; `lost` is none at all, or one that was not waited for. */
export type Shot = { readonly atMs: number; readonly outcome: "reached" | "stopped" | "lost" };

export type Flood = AsyncDisposable & { readonly shots: readonly Shot[] };

/** Starts it. Disposing sends no more and waits for what is under way. */
export function startFlood(
  site: string,
  { address, requestsPerSecond }: { readonly address: string; readonly requestsPerSecond: number },
): Flood {
  const shots: Shot[] = [];
  const underWay = new Set<Promise<void>>();
  const startedAtMs = Date.now();
  let sent = 0;

  async function send(): Promise<void> {
    const atMs = Date.now();
    shots.push({ atMs, outcome: await outcomeAt(site, address) });
  }

  const timer = setInterval(() => {
    const due = Math.floor(((Date.now() - startedAtMs) / 1_000) * requestsPerSecond);
    for (; sent < due; sent += 1) {
      if (underWay.size >= UNDER_WAY_MAX) {
        shots.push({ atMs: Date.now(), outcome: "lost" });
        continue;
      }
      const sending = send().finally(() => underWay.delete(sending));
      underWay.add(sending);
    }
  }, 10);
  return {
    shots,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await Promise.all(underWay);
    },
  };
}

async function outcomeAt(site: string, address: string): Promise<Shot["outcome"]> {
  try {
    const response = await fetch(`${site}/pitches`, {
      headers: {
        "CF-Connecting-IP": address,
        "User-Agent": "gameday-visitor",
        Accept: "application/json",
      },
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = await response.text();
    return body.includes("/_firebreak/problems/") ? "stopped" : "reached";
  } catch {
    return "lost";
  }
}
