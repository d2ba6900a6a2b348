/** A map that forgets: what has ended, and, when it is full, what was put in first. */

export class BoundedMap<Value extends { readonly endsAtMs: number }> {
  readonly #max: number;
  readonly #entries = new Map<string, Value>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string, nowMs: number): Value | null {
    const found = this.#entries.get(key);
    if (found === undefined) return null;
    if (found.endsAtMs > nowMs) return found;
    this.#entries.delete(key);
    return null;
  }

  set(key: string, value: Value): void {
    if (!this.#entries.has(key) && this.#entries.size >= this.#max) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#entries.set(key, value);
  }
}
