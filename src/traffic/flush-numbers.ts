/** Which flushes of which isolates were heard: each counts once, and a gap in the numbers is a loss. Bounded, and pure. */

/** Isolates whose numbers are followed; the one heard from longest ago is forgotten first. */
export const ISOLATES_MAX = 2_000;

export class FlushNumbers {
  /** The first and the last number heard of each. Insertion order is order of last hearing. */
  readonly #heard = new Map<string, { readonly first: number; readonly last: number }>();

  /**
   * `isNews` is false for a repetition. What came before the first number heard is not missing: a flush is sent until somebody took
   * it, so that was this memory's predecessor, whose time is not in any window of this one.
   */
  hear({ isolate, n }: { readonly isolate: string; readonly n: number }): {
    readonly isNews: boolean;
    readonly missing: number;
  } {
    const { first, last } = this.#heard.get(isolate) ?? { first: n, last: n - 1 };
    this.#heard.delete(isolate);
    this.#heard.set(isolate, { first, last: Math.max(n, last) });
    for (const known of this.#heard.keys()) {
      if (this.#heard.size <= ISOLATES_MAX) break;
      this.#heard.delete(known);
    }
    // Overtaken by what was heard first: it was never counted here, and cannot be told from a repetition any more.
    return { isNews: n > last, missing: n < first ? 1 : Math.max(0, n - last - 1) };
  }
}
