/**
 * How many different ones there were among how many: of URLs, queries included, where nearly every request that asks for one of its own
 * says that somebody makes them up so that no cache can answer; of the clients whom a failed answer met. One tally for counting in an
 * isolate and for adding up what isolates counted. Bounded. Pure.
 */
import { HyperLogLog } from "../sketches/hyper-log-log.ts";
import { DISTINCT_PRECISION } from "../sketches/top-talkers.ts";
import type { DistinctCut } from "./traffic-api.ts";

export class DistinctTally {
  #total = 0;
  readonly #distinct = new HyperLogLog(DISTINCT_PRECISION);

  get byteLength(): number {
    return this.#distinct.byteLength;
  }

  /** One request, by a hash of its URL or client. */
  count(hash: number): void {
    this.#total += 1;
    this.#distinct.addHash(hash);
  }

  /** A `distinct` that is not a sketch of ours adds nothing. */
  add({ total, distinct }: DistinctCut): void {
    const theirs = HyperLogLog.fromBytes(distinct);
    if (theirs?.precision !== DISTINCT_PRECISION) return;
    this.#total += total;
    this.#distinct.merge(theirs);
  }

  cut(): DistinctCut {
    return { total: this.#total, distinct: this.#distinct.toBytes() };
  }

  clear(): void {
    this.#total = 0;
    this.#distinct.clear();
  }
}
