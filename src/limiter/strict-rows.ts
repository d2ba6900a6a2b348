/** Strict counters: one row per key, exact to the tick, written before anyone is answered. Migrations only ever get added. */
import { z } from "zod";
import { admit, NEVER, REFUSED, remaining, waitMs, type Quota } from "../guard/limits/gcra.ts";
import { migrate } from "../platform/sqlite.ts";
import type { Taken } from "./limiter-api.ts";

/** A TAT is kept as the millisecond and the ticks within it, so that it outlives the object and the origin of its clock. */
const MIGRATIONS = [
  `CREATE TABLE strict (
     high INTEGER NOT NULL,
     low INTEGER NOT NULL,
     whole_at_ms INTEGER NOT NULL,
     ticks INTEGER NOT NULL,
     PRIMARY KEY (high, low)
   ) WITHOUT ROWID;`,
] as const;

/** Rows beyond this go, those first whose quota is whole soonest. */
export const STRICT_KEYS_MAX = 100_000;
/** Takes between two cleanings. */
const TAKES_PER_CLEANING = 1_000;

const row = z.object({ whole_at_ms: z.int(), ticks: z.int() });

export class StrictRows {
  readonly #sql: SqlStorage;
  readonly #originMs: number;
  #takes = 0;

  constructor(sql: SqlStorage, nowMs: number) {
    this.#sql = sql;
    this.#originMs = nowMs;
    migrate(sql, MIGRATIONS, nowMs);
    this.clean(nowMs);
  }

  get keys(): number {
    return this.#sql.exec<{ keys: number }>("SELECT count(*) AS keys FROM strict").one().keys;
  }

  /** Counts one request, or says how long to wait; a refused one is not counted. */
  take(high: number, low: number, quota: Quota, nowMs: number): Taken {
    this.#takes += 1;
    if (this.#takes % TAKES_PER_CLEANING === 0) this.clean(nowMs);
    const at = Math.max(0, nowMs - this.#originMs);
    const tat = this.#read(high, low, quota);
    const next = admit(tat, at, quota);
    if (next === REFUSED) {
      return { isAdmitted: false, remaining: 0, retryAfterMs: waitMs(tat, at, quota) };
    }
    this.#write(high, low, quota, next);
    return { isAdmitted: true, remaining: remaining(next, at, quota), retryAfterMs: 0 };
  }

  /** Forgets keys whose quota is whole again, and what is beyond the limit. */
  clean(nowMs: number): void {
    this.#sql.exec("DELETE FROM strict WHERE whole_at_ms < ?", nowMs);
    const over = this.keys - STRICT_KEYS_MAX;
    if (over <= 0) return;
    this.#sql.exec(
      `DELETE FROM strict WHERE (high, low) IN
         (SELECT high, low FROM strict ORDER BY whole_at_ms LIMIT ?)`,
      over,
    );
  }

  #read(high: number, low: number, { limit }: Quota): number {
    const [found] = this.#sql
      .exec("SELECT whole_at_ms, ticks FROM strict WHERE high = ? AND low = ?", high, low)
      .toArray();
    if (found === undefined) return NEVER;
    const { whole_at_ms: wholeAtMs, ticks } = row.parse(found);
    return Math.max(NEVER, (wholeAtMs - this.#originMs) * limit + ticks);
  }

  #write(high: number, low: number, { limit }: Quota, tat: number): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO strict (high, low, whole_at_ms, ticks) VALUES (?, ?, ?, ?)",
      high,
      low,
      this.#originMs + Math.floor(tat / limit),
      tat % limit,
    );
  }
}
