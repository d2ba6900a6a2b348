/** Signals of production's database: what it answers, what it says of itself, what its replica and its host say. */
import * as seen from "./evidence.ts";

export const DATABASE = {
  "postgres.reachable_ratio": {
    type: "double",
    unit: "ratio",
    source: "postgres",
    evidence: seen.database,
    describes: "1 when the database answered SELECT 1 within its deadline, 0 when it did not.",
  },
  "postgres.latency_ms": {
    type: "double",
    unit: "ms",
    source: "postgres",
    evidence: seen.database,
    describes: "Time the database took to answer SELECT 1.",
  },
  "postgres.longest_query_seconds": {
    type: "double",
    unit: "seconds",
    source: "database",
    evidence: seen.queries,
    describes:
      "Age of the longest query that a client is running; vacuum, index builds, backup programs and Firebreak left out.",
  },
  "postgres.query_mean_ms": {
    type: "double",
    unit: "ms",
    source: "database",
    evidence: seen.queries,
    describes: "Mean time of the queries that ended since the poll before, by pg_stat_statements.",
  },
  "postgres.query_p95_ms": {
    type: "double",
    unit: "ms",
    source: "database",
    evidence: seen.queries,
    describes:
      "95 % of those queries were of statements whose mean time was at most this: pg_stat_statements keeps no finer times.",
  },
  "postgres.queries_per_second": {
    type: "double",
    unit: "queries/second",
    source: "database",
    evidence: seen.queries,
    describes: "Rate of those queries; a rule that needs a minimum asks for it.",
  },
  "postgres.active_count": {
    type: "int",
    unit: "sessions",
    source: "database",
    evidence: seen.queries,
    describes: "Clients that are running a query, those that wait for a lock included.",
  },
  "postgres.idle_in_transaction_count": {
    type: "int",
    unit: "sessions",
    source: "database",
    evidence: seen.queries,
    describes: "Clients that hold a transaction open and do nothing.",
  },
  "postgres.lock_waiting_count": {
    type: "int",
    unit: "sessions",
    source: "database",
    evidence: seen.queries,
    describes: "Clients that wait for a lock which another session holds.",
  },
  "postgres.connections_ratio": {
    type: "double",
    unit: "ratio",
    source: "database",
    evidence: seen.queries,
    describes: "Clients connected, of all databases, against what max_connections leaves them.",
  },
  "postgres.deadlocks_per_minute": {
    type: "double",
    unit: "deadlocks/minute",
    source: "database",
    evidence: seen.queries,
    describes: "Deadlocks in this database since the poll before.",
  },
  "postgres.cache_hit_ratio": {
    type: "double",
    unit: "ratio",
    source: "database",
    evidence: seen.queries,
    describes: "Share of the blocks read since the poll before that were in shared buffers.",
  },
  "postgres.replica_reachable_ratio": {
    type: "double",
    unit: "ratio",
    source: "replica",
    evidence: seen.replica,
    describes: "1 when the read replica answered within its deadline, 0 when it did not.",
  },
  "postgres.replica_lag_seconds": {
    type: "double",
    unit: "seconds",
    source: "replica",
    evidence: seen.replica,
    describes:
      "How far the read replica is behind; while its primary does not say, the most it can be: the age of its last change.",
  },
  "neon.compute_max_cu": {
    type: "double",
    unit: "CU",
    source: "neon",
    evidence: seen.neon,
    describes:
      "Compute units (one vCPU, 4 GB) that the compute which writes to production's branch may grow to.",
  },
  "neon.compute_used_ratio": {
    type: "double",
    unit: "ratio",
    source: "neon",
    evidence: seen.neon,
    describes:
      "Share that was used of all computes of that branch, on average between the last two movements of Neon's own counter, which lags by minutes.",
  },
  "neon.history_retention_seconds": {
    type: "double",
    unit: "seconds",
    source: "neon",
    evidence: seen.neon,
    describes: "How far back a branch of production's data can be made.",
  },
  "neon.snapshot_age_seconds": {
    type: "double",
    unit: "seconds",
    source: "neon",
    evidence: seen.neon,
    describes:
      "Age of the newest snapshot of production's branch. Neon does not say whether one can be restored.",
  },
} as const satisfies Record<string, seen.SignalSpec>;
