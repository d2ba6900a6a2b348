/** Which challenges were met already, so that none is met twice: in this isolate, and where terms are strict in all of them. */
import { BoundedMap } from "./bounded-map.ts";
import type { ChallengeClaims } from "./issue.ts";

/** Remembered until they end; beyond this the first are forgotten, and whoever meets one again gets the same cookie again. */
export const SPENT_MAX = 10_000;
/** A visitor waits for it; after it this isolate's own memory decides. */
export const SPEND_DEADLINE_MS = 500;

/** Takes one for a name in all isolates together: true for who comes first within `windowMs`. May reject. */
export type TakeOnce = (name: string, windowMs: number) => Promise<boolean>;

export class Spent {
  readonly #here = new BoundedMap<{ readonly endsAtMs: number }>(SPENT_MAX);

  has({ nonce }: ChallengeClaims, nowMs: number): boolean {
    return this.#here.get(nonce, nowMs) !== null;
  }

  /** False when somebody was faster. */
  spend({ nonce, exp }: ChallengeClaims, nowMs: number): boolean {
    if (this.#here.get(nonce, nowMs) !== null) return false;
    this.#here.set(nonce, { endsAtMs: exp });
    return true;
  }
}
