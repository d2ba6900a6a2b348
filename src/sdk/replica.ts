/** Whether the replica may be read from, as one isolate knows it: measured in the background, never by a visitor's request. */
import { within } from "../guard/deadline.ts";
import {
  PRIMARY_POSITION,
  primaryPosition,
  REPLICA_POSITION,
  replicaLagMs,
  replicaPosition,
} from "../shared/replica-lag.ts";
import type { WaitUntil } from "./policy-view.ts";
import { READ_ONLY, sqlStateOf, type Sql } from "./sql.ts";

/** While it is used, its lag is measured this often. */
export const MEASURE_EVERY_MS = 1_000;
export const MEASURE_DEADLINE_MS = 2_000;
/** Measured longer ago, its lag is unknown, and it is not read from. */
export const LAG_FRESH_MS = 10_000;
/** After it failed a query it is left alone for this long. */
export const REST_MS = 5_000;

/** `behind`: it lags too much; `unmeasured`: nobody knows; `resting`: it has just failed. */
export type Fitness = "fit" | "behind" | "unmeasured" | "resting";

export class Replica {
  #lag: { readonly lagMs: number | null; readonly atMs: number } | null = null;
  #measuringUntilMs = 0;
  #nextMeasureAtMs = 0;
  #restsUntilMs = 0;

  /** Reads memory only; starts a measurement when one is due. */
  fitness(
    connections: { readonly primary: Sql; readonly replica: Sql },
    maxLagMs: number,
    waitUntil: WaitUntil,
  ): Fitness {
    const nowMs = Date.now();
    if (nowMs >= this.#nextMeasureAtMs && nowMs >= this.#measuringUntilMs) {
      this.#measuringUntilMs = nowMs + MEASURE_DEADLINE_MS;
      waitUntil(this.#measure(connections));
    }
    if (nowMs < this.#restsUntilMs) return "resting";
    if (this.#lag === null || this.#lag.lagMs === null) return "unmeasured";
    if (nowMs - this.#lag.atMs > LAG_FRESH_MS) return "unmeasured";
    return this.#lag.lagMs <= maxLagMs ? "fit" : "behind";
  }

  /** It failed a query in a way that says something about itself. */
  rest(): void {
    this.#restsUntilMs = Date.now() + REST_MS;
  }

  async #measure({ primary, replica }: { readonly primary: Sql; readonly replica: Sql }) {
    const lagMs = await within(measureLagMs(primary, replica), MEASURE_DEADLINE_MS, null).catch(
      () => null, // A replica that does not answer is not fit, whatever the reason.
    );
    this.#lag = { lagMs, atMs: Date.now() };
    this.#nextMeasureAtMs = Date.now() + MEASURE_EVERY_MS;
    this.#measuringUntilMs = 0;
  }
}

/** The primary first, so that what it had is surely older than what the replica has when it is asked. */
async function measureLagMs(primary: Sql, replica: Sql): Promise<number | null> {
  const position = await primary
    .query(PRIMARY_POSITION)
    .then(([row]) => primaryPosition(row))
    .then((read) => (read.ok ? read.value.position : null))
    .catch(() => null); // A primary in trouble is why the replica is wanted.
  const found = replicaPosition((await replica.query(REPLICA_POSITION))[0]);
  return found.ok ? replicaLagMs(position, found.value) : null;
}

/** Undefined table, column and function: a replica that is behind a migration lacks what the primary has. */
const BEHIND_A_MIGRATION = ["42P01", "42703", "42883"];
/** Serialisation failures of a standby are its replay winning over a query. */
const CONFLICTS = ["40001", "40P01"];
/** Connection, resources, operator intervention, system, internal, not in the right state. */
const ITS_OWN_TROUBLE = ["08", "53", "57", "58", "XX", "55"];
const CANCELED = "57014";

/**
 * What a read's failure on the replica means. `writes`: it was no read, ask the primary; `trouble`: ask the primary and leave the
 * replica alone for a while; `elsewhere`: ask the primary; `same`: the primary would say the same.
 */
export function meaningOf(error: unknown): "writes" | "trouble" | "elsewhere" | "same" {
  const code = sqlStateOf(error);
  if (code === null) return "trouble";
  if (code === READ_ONLY) return "writes";
  if (code === CANCELED) return "same";
  if (BEHIND_A_MIGRATION.includes(code) || CONFLICTS.includes(code)) return "elsewhere";
  return ITS_OWN_TROUBLE.includes(code.slice(0, 2)) ? "trouble" : "same";
}
