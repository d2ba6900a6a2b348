/** What is to be asked of each shard with the next call, and which shards do not answer at the moment. */
import { ASKS_MAX, shardOf } from "../../limiter/limiter-api.ts";
import type { LimitKey } from "./local-table.ts";
import type { LimitRule } from "./rule.ts";

/** After a shard did not answer, it is left alone for this long. */
export const SHARD_QUIET_MS = 1_000;

export type AskedKey = { readonly rule: LimitRule; readonly key: LimitKey };

/** Its own copy of the key: the request's is written over by the next. */
export const askedKey = (rule: LimitRule, key: LimitKey): AskedKey => ({ rule, key: key.slice() });

export class Asks {
  readonly shards: number;
  readonly #waiting: AskedKey[][];
  readonly #quietUntilMs: Float64Array;
  #someQuietUntilMs = 0;
  #waitingKeys = 0;

  constructor(shards: number) {
    this.shards = shards;
    this.#waiting = Array.from({ length: shards }, () => []);
    this.#quietUntilMs = new Float64Array(shards);
  }

  shardOf(key: LimitKey): number {
    return shardOf(key[0] ?? 0, this.shards);
  }

  /** False when the next call to that shard is full already. */
  add(asked: AskedKey): boolean {
    const waiting = this.#waiting[this.shardOf(asked.key)];
    if (waiting === undefined || waiting.length >= ASKS_MAX) return false;
    waiting.push(asked);
    this.#waitingKeys += 1;
    return true;
  }

  /** All that waits for one shard, oldest first; it waits no longer. */
  take(shard: number): readonly AskedKey[] {
    const taken = this.#waiting[shard]?.splice(0) ?? [];
    this.#waitingKeys -= taken.length;
    return taken;
  }

  get isEmpty(): boolean {
    return this.#waitingKeys === 0;
  }

  waitingFor(shard: number): number {
    return this.#waiting[shard]?.length ?? 0;
  }

  isQuiet(key: LimitKey, nowMs: number): boolean {
    // Almost always none is, and this is asked for every request and rule.
    if (nowMs >= this.#someQuietUntilMs) return false;
    return nowMs < (this.#quietUntilMs[this.shardOf(key)] ?? 0);
  }

  failed(shard: number, nowMs: number): void {
    this.#quietUntilMs[shard] = nowMs + SHARD_QUIET_MS;
    this.#someQuietUntilMs = nowMs + SHARD_QUIET_MS;
  }
}
