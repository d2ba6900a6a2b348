/** What is to be asked of each shard with the next call, and which shards do not answer at the moment. */
import { ASKS_MAX, shardOf } from "../../limiter/limiter-api.ts";
import type { LimitRule } from "./rule.ts";

/** After a shard did not answer, it is left alone for this long. */
export const SHARD_QUIET_MS = 1_000;

export type AskedKey = { readonly rule: LimitRule; readonly high: number; readonly low: number };

export class Asks {
  readonly shards: number;
  readonly #waiting: AskedKey[][];
  readonly #quietUntilMs: Float64Array;

  constructor(shards: number) {
    this.shards = shards;
    this.#waiting = Array.from({ length: shards }, () => []);
    this.#quietUntilMs = new Float64Array(shards);
  }

  /** False when the next call to that shard is full already. */
  add(key: AskedKey): boolean {
    const waiting = this.#waiting[shardOf(key.high, this.shards)];
    if (waiting === undefined || waiting.length >= ASKS_MAX) return false;
    waiting.push(key);
    return true;
  }

  /** All that waits for one shard, oldest first; it waits no longer. */
  take(shard: number): readonly AskedKey[] {
    return this.#waiting[shard]?.splice(0) ?? [];
  }

  waitingFor(shard: number): number {
    return this.#waiting[shard]?.length ?? 0;
  }

  isQuiet(high: number, nowMs: number): boolean {
    return nowMs < (this.#quietUntilMs[shardOf(high, this.shards)] ?? 0);
  }

  failed(shard: number, nowMs: number): void {
    this.#quietUntilMs[shard] = nowMs + SHARD_QUIET_MS;
  }
}
