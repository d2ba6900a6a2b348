/**
 * Which provider a payment is charged by. While production is asked to use another, each isolate asks the first now and then whether
 * it is there, and when it is, has it charge one payment (half open). What comes of that is reported; Firebreak decides.
 */
import type { PaymentProvider } from "./provider.ts";

/** What one isolate knows of the first provider, shared by its requests. */
export class HalfOpen {
  #nextProbeAtMs = 0;
  /** The first has answered since, and has not been tried. */
  #isAnswering = false;

  /** Whether to ask the first now whether it is there. */
  isDue(nowMs: number, everyMs: number): boolean {
    if (nowMs < this.#nextProbeAtMs) return false;
    this.#nextProbeAtMs = nowMs + everyMs;
    return true;
  }

  heard(isThere: boolean): void {
    this.#isAnswering = isThere;
  }

  /** Whether the next payment is to be the trial; true once for each answer. */
  takeTrial(): boolean {
    const isTrial = this.#isAnswering;
    this.#isAnswering = false;
    return isTrial;
  }
}

export type Choice = {
  readonly provider: PaymentProvider;
  /** It is not where payments go at the moment, and shows whether they could. */
  readonly isTrial: boolean;
};

/** @param to The id of the one that is asked for; null for the first. One that production does not have is nobody. */
export function choose(
  providers: readonly [PaymentProvider, ...PaymentProvider[]],
  to: string | null,
  takeTrial: () => boolean,
): Choice {
  const [first] = providers;
  const other = providers.find(({ id }) => id === to);
  if (other === undefined || other === first) return { provider: first, isTrial: false };
  return takeTrial() ? { provider: first, isTrial: true } : { provider: other, isTrial: false };
}
