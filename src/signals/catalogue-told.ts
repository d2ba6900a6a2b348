/** Signals that come from outside: monitoring tools, jobs that say when they ran, people who say what is wrong. */
import * as seen from "./evidence.ts";

export const TOLD = {
  "alerts.firing_count": {
    type: "int",
    unit: "alerts",
    source: "alerts",
    evidence: seen.monitoring,
    describes: "Alerts that outside monitoring says are firing now.",
  },
  "alerts.critical_count": {
    type: "int",
    unit: "alerts",
    source: "alerts",
    evidence: seen.monitoring,
    describes: "Those of them mapped to SEV-1 or SEV-2.",
  },
  "alerts.sources_count": {
    type: "int",
    unit: "sources",
    source: "alerts",
    evidence: seen.monitoring,
    describes: "Different monitoring tools with a firing alert.",
  },
  "heartbeats.late_count": {
    type: "int",
    unit: "jobs",
    source: "heartbeats",
    evidence: seen.jobs,
    describes: "Declared jobs that have not said for too long that they ran.",
  },
  "heartbeats.failed_count": {
    type: "int",
    unit: "jobs",
    source: "heartbeats",
    evidence: seen.jobs,
    describes: "Declared jobs that said of their last run that it failed.",
  },
  "heartbeats.failed_backups_count": {
    type: "int",
    unit: "jobs",
    source: "heartbeats",
    evidence: seen.jobs,
    describes: "Those of them that watch a backup.",
  },
  "heartbeats.backup_age_seconds": {
    type: "double",
    unit: "seconds",
    source: "heartbeats",
    evidence: seen.jobs,
    describes: "Age of the oldest backup, or time that a late one has been missing.",
  },
  "postgres.cpu_ratio": {
    type: "double",
    unit: "ratio",
    source: "heartbeats",
    evidence: seen.machines,
    describes:
      "Share of the database server's CPU in use, as a declared job measures it; of several servers the highest.",
  },
  "origin.cpu_ratio": {
    type: "double",
    unit: "ratio",
    source: "heartbeats",
    evidence: seen.machines,
    describes:
      "Share of the CPU in use of what production runs on, as a declared job measures it; of several machines the highest.",
  },
  "reports.users_count": {
    type: "int",
    unit: "users",
    source: "reports",
    evidence: seen.users,
    describes: "Different people who reported anything in the last ten minutes.",
  },
  "reports.unavailable_count": {
    type: "int",
    unit: "users",
    source: "reports",
    evidence: seen.users,
    describes: "Those of them who cannot reach or use the site.",
  },
  "reports.data_count": {
    type: "int",
    unit: "users",
    source: "reports",
    evidence: seen.users,
    describes: "Those of them who miss records, or see wrong ones.",
  },
  "reports.payment_count": {
    type: "int",
    unit: "users",
    source: "reports",
    evidence: seen.users,
    describes: "Those of them who complain about a payment.",
  },
} as const satisfies Record<string, seen.SignalSpec>;
