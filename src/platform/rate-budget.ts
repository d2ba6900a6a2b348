/** Our own limit on what we ask of a vendor, below the vendor's: what is read leaves room for what must be done. */

export type RateBudget = {
  readonly perSecond: number;
  /** Asked at once after a pause. */
  readonly burst: number;
  /** Of the burst, what only changes may use. */
  readonly reserve: number;
};

/** Counts what is asked; `nowMs` is the caller's clock. */
export class RateMeter {
  readonly #budget: RateBudget;
  #left: number;
  #atMs = 0;
  #closedUntilMs = 0;

  constructor(budget: RateBudget) {
    this.#budget = budget;
    this.#left = budget.burst;
  }

  /** Takes one; false when it would be too much, or too early after the vendor said to wait. */
  take(kind: "read" | "change", nowMs: number): boolean {
    if (nowMs < this.#closedUntilMs) return false;
    const refilled = (Math.max(0, nowMs - this.#atMs) / 1_000) * this.#budget.perSecond;
    this.#left = Math.min(this.#budget.burst, this.#left + refilled);
    this.#atMs = nowMs;
    const mustStay = kind === "read" ? this.#budget.reserve : 0;
    if (this.#left - 1 < mustStay) return false;
    this.#left -= 1;
    return true;
  }

  /** The vendor said to wait. */
  close(untilMs: number): void {
    this.#closedUntilMs = Math.max(this.#closedUntilMs, untilMs);
  }
}
