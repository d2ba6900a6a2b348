/**
 * Places for a bounded number of requests at a time. The runtime may end a request at any `await`, and then it gives nothing back;
 * so a place is taken for a time, and is free again after it.
 */
export class Slots {
  readonly #max: number;
  #takenUntilMs: number[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  /** How many are taken. */
  taken(nowMs: number): number {
    this.#takenUntilMs = this.#takenUntilMs.filter((untilMs) => untilMs > nowMs);
    return this.#takenUntilMs.length;
  }

  /** False when none is free. */
  take(nowMs: number, untilMs: number): boolean {
    if (this.taken(nowMs) >= this.#max) return false;
    this.#takenUntilMs.push(untilMs);
    return true;
  }

  /** Gives back a place that was taken until then. */
  give(untilMs: number): void {
    const at = this.#takenUntilMs.indexOf(untilMs);
    if (at !== -1) this.#takenUntilMs.splice(at, 1);
  }
}
