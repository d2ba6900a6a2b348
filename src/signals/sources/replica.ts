/** Can the read replica be reached, and how far is it behind? Asked with a connection string of its own, so that a dead primary says nothing about it. */
import { z } from "zod";
import {
  PRIMARY_POSITION,
  REPLICA_POSITION,
  replicaLagMs,
  type ReplicaPosition,
} from "../../shared/replica-lag.ts";
import { ok, type Result } from "../../shared/result.ts";
import type { Postgres } from "../../platform/postgres.ts";
import type { StoreFailure } from "../../platform/store-failure.ts";
import { PING_TIMEOUT_MS, pingSignal, STORE_EVERY_MS, storeAnswers } from "./store.ts";
import { answerAll, defineSource, type Answer } from "../source.ts";

const emits = ["postgres.replica_reachable_ratio", "postgres.replica_lag_seconds"] as const;

const primaryPosition = z.object({ position: z.number() });
const replicaPosition = z.object({
  is_replica: z.boolean(),
  position: z.number().nullable(),
  last_change_age_ms: z.number().nullable(),
});

const STATEMENT_TIMEOUT_MS = 1_000;
/** A primary that does not answer is why the replica is looked at; it must not keep the replica's answer. */
export const PRIMARY_TIMEOUT_MS = 1_000;
const DEADLINE_MS = PRIMARY_TIMEOUT_MS + PING_TIMEOUT_MS + 1_000;

export const replica = defineSource({
  id: "replica",
  emits,
  everyMs: STORE_EVERY_MS,
  busyEvery: "stores_every",
  deadlineMs: DEADLINE_MS,

  async poll({ postgres, replica: server, signal }) {
    if (server === null) {
      return answerAll(emits, {
        unknown: "not_configured",
        detail: "POSTGRES_REPLICA_URL is not set",
      });
    }
    // The primary first, so that what it had is surely older than what the replica has when it is asked.
    const primary = postgres === null ? null : await positionOf(postgres, signal);
    const found = await server.query(
      { text: REPLICA_POSITION, row: replicaPosition, statementTimeoutMs: STATEMENT_TIMEOUT_MS },
      pingSignal(signal),
    );
    return {
      "postgres.replica_reachable_ratio": storeAnswers(answered(found)).reachable,
      "postgres.replica_lag_seconds": lagOf(primary, found),
    };
  },
});

/** Null when the primary does not say. */
async function positionOf(postgres: Postgres, signal: AbortSignal): Promise<number | null> {
  const read = await postgres.query(
    { text: PRIMARY_POSITION, row: primaryPosition, statementTimeoutMs: STATEMENT_TIMEOUT_MS },
    AbortSignal.any([signal, AbortSignal.timeout(PRIMARY_TIMEOUT_MS)]),
  );
  return read.ok ? (read.value[0]?.position ?? null) : null;
}

/** How long it took is nobody's signal. */
const answered = (
  found: Result<unknown, StoreFailure>,
): Result<{ readonly tookMs: number }, StoreFailure> => (found.ok ? ok({ tookMs: 0 }) : found);

function lagOf(
  primary: number | null,
  found: Result<readonly ReplicaPosition[], StoreFailure>,
): Answer {
  if (!found.ok) return { unknown: "no_data", detail: "the replica does not say" };
  const [position] = found.value;
  if (position === undefined) return { unknown: "malformed" };
  if (!position.is_replica) {
    return { unknown: "refused", detail: "the server at POSTGRES_REPLICA_URL is no replica" };
  }
  const lagMs = replicaLagMs(primary, position);
  return lagMs === null
    ? { unknown: "no_data", detail: "it has replayed nothing since it started" }
    : { value: lagMs / 1_000 };
}
