/** How far a replica is behind, from what it and its primary say. Two statements, because each side knows only its half. */
import { nullable, number, object, truth, type Read } from "./shape.ts";

/** Asked of the primary, before the replica is. */
export const PRIMARY_POSITION = "SELECT (pg_current_wal_lsn() - '0/0')::float8 AS position";
export const primaryPosition = object({ position: number() });

/** Asked of the replica. `position` is null on a server that is none, or that has replayed nothing. */
export const REPLICA_POSITION = `
SELECT pg_is_in_recovery() AS is_replica,
  CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0')::float8 END AS position,
  CASE WHEN pg_is_in_recovery()
    THEN (extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::float8
  END AS last_change_age_ms`;
export const replicaPosition = object({
  is_replica: truth,
  position: nullable(number()),
  last_change_age_ms: nullable(number()),
});
export type ReplicaPosition = Read<typeof replicaPosition>;

/**
 * Milliseconds, or null when nothing can be said. A replica that has all that the primary had is not behind, however old its last
 * change is: nothing may have happened since. Without the primary's word the age of that change is the most it can be behind.
 */
export function replicaLagMs(primary: number | null, replica: ReplicaPosition): number | null {
  if (!replica.is_replica || replica.position === null) return null;
  if (primary !== null && replica.position >= primary) return 0;
  return replica.last_change_age_ms === null ? null : Math.max(0, replica.last_change_age_ms);
}
