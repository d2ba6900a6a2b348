/**
 * Until when this shard may have taken reports, in its storage. Counts live in memory; this one row is how a shard that starts
 * again knows which time it has forgotten, and that it slept through the rest, when nobody reported anything to it.
 */
import { z } from "zod";

/** Written ahead by this much, so that a busy shard writes a row in this time and not one for each report. */
export const HEARD_AHEAD_MS = 5_000;

const heardRow = z.object({ until_ms: z.int() });

export class Heard {
  readonly #sql: SqlStorage;
  /** What was told to this shard up to here may be forgotten; 0 before the first report ever. */
  #untilMs: number;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#untilMs = heardRow.parse(sql.exec("SELECT until_ms FROM heard").one()).until_ms;
  }

  get untilMs(): number {
    return this.#untilMs;
  }

  /** A report is about to be taken. The runtime holds the answer back until this is stored. */
  hear(nowMs: number): void {
    if (nowMs <= this.#untilMs) return;
    this.#untilMs = nowMs + HEARD_AHEAD_MS;
    this.#sql.exec("UPDATE heard SET until_ms = ?", this.#untilMs);
  }
}
