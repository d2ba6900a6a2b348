/** The payment provider's deliveries all along: one after the other, each tried until the site takes it, some sent twice. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { StackInfo } from "../dev/stack.ts";

const EVERY_MS = 400;
const RETRY_MS = 500;
/** Every so many the provider is not sure whether it was heard, and sends it again. */
const DOUBTED_EVERY = 5;

const answer = z.object({ answered: z.int() });

export type Delivery = { readonly event: string; readonly charge: string; readonly atMs: number };

export type Deliveries = AsyncDisposable & {
  /** Those that the site took, in the order it did. */
  readonly taken: readonly Delivery[];
  /** How often it asked for another try. */
  readonly refused: () => number;
  /** No new ones; resolves when the last is taken. */
  readonly end: () => Promise<void>;
};

/** Delivers one event for each charge, from the first on. */
export function startDeliveries(
  { vendors }: Pick<StackInfo, "vendors">,
  charges: readonly string[],
): Deliveries {
  const taken: Delivery[] = [];
  let refused = 0;
  let isEnding = false;

  async function attempt(charge: string): Promise<boolean> {
    const body = JSON.stringify({ event: eventOf(charge), charge });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${vendors}/__stack/charges`, { method: "POST", body, headers });
    return answer.parse(await response.json()).answered === 200;
  }

  const delivering = (async () => {
    for (const [index, charge] of charges.entries()) {
      if (isEnding) return;
      while (!(await attempt(charge))) {
        refused += 1;
        await sleep(RETRY_MS);
      }
      taken.push({ event: eventOf(charge), charge, atMs: Date.now() });
      if (index % DOUBTED_EVERY === 0) await attempt(charge);
      await sleep(EVERY_MS);
    }
  })();
  // Awaited at the end; until then a stack that went away is no unhandled rejection.
  delivering.catch(() => {});

  const end = (): Promise<void> => {
    isEnding = true;
    return delivering;
  };
  return { taken, refused: () => refused, end, [Symbol.asyncDispose]: () => end().catch(() => {}) };
}

const eventOf = (charge: string): string => `evt_${charge}`;
