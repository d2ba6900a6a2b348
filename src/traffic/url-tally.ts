/**
 * How many different URLs were asked for, queries included: where nearly every request asks for one of its own, somebody makes them up
 * so that no cache can answer. One tally for counting in an isolate and for adding up what isolates counted. Bounded. Pure.
 */
import { HyperLogLog } from "../sketches/hyper-log-log.ts";
import { DISTINCT_PRECISION } from "../sketches/top-talkers.ts";
import type { UrlCut } from "./traffic-api.ts";

export class UrlTally {
  #total = 0;
  readonly #distinct = new HyperLogLog(DISTINCT_PRECISION);

  get byteLength(): number {
    return this.#distinct.byteLength;
  }

  /** One request, by a hash of its URL. */
  count(hash: number): void {
    this.#total += 1;
    this.#distinct.addHash(hash);
  }

  /** A `distinct` that is not a sketch of ours adds nothing. */
  add({ total, distinct }: UrlCut): void {
    const theirs = HyperLogLog.fromBytes(distinct);
    if (theirs?.precision !== DISTINCT_PRECISION) return;
    this.#total += total;
    this.#distinct.merge(theirs);
  }

  cut(): UrlCut {
    return { total: this.#total, distinct: this.#distinct.toBytes() };
  }

  clear(): void {
    this.#total = 0;
    this.#distinct.clear();
  }
}
