/** Jobs that should have said that they ran. Nothing is unknown about a job that is late: that it is silent is the fact. */
import {
  heartbeatStates,
  measuredNow,
  oldestBackupMs,
  type HeartbeatState,
  type Measure,
} from "../../alerts/heartbeats.ts";
import { answerAll, defineSource, type Answer } from "../source.ts";

const emits = [
  "heartbeats.late_count",
  "heartbeats.failed_count",
  "heartbeats.failed_backups_count",
  "heartbeats.backup_age_seconds",
  "postgres.cpu_ratio",
  "origin.cpu_ratio",
] as const;

export const heartbeats = defineSource({
  id: "heartbeats",
  emits,
  everyMs: { idle: 0, busy: 0, alert: 0 },
  deadlineMs: 2_000,

  async poll({ heartbeats: declared, told, atMs }) {
    if (declared.length === 0) {
      const detail = "site.yaml declares no heartbeats";
      return answerAll(emits, { unknown: "not_configured", detail });
    }
    const heard = await told.heartbeats(declared.map(({ name }) => name));
    const states = heartbeatStates(declared, heard, atMs);
    const countOf = (status: string): number =>
      states.filter((state) => state.status === status).length;
    const hasBackups = declared.some(({ watches }) => watches === "backup");
    const ageMs = oldestBackupMs(states, atMs);
    return {
      "heartbeats.late_count": { value: countOf("late") },
      "heartbeats.failed_count": { value: countOf("failed") },
      "heartbeats.failed_backups_count": {
        value: states.filter(({ status, watches }) => status === "failed" && watches === "backup")
          .length,
      },
      "heartbeats.backup_age_seconds":
        ageMs !== null
          ? { value: ageMs / 1_000 }
          : hasBackups
            ? { unknown: "no_data", detail: "a backup job has never said that it succeeded" }
            : { unknown: "not_configured", detail: "no heartbeat watches a backup" },
      "postgres.cpu_ratio": measuredAs("postgres.cpu_ratio", states),
      "origin.cpu_ratio": measuredAs("origin.cpu_ratio", states),
    };
  },
});

function measuredAs(what: Measure, states: readonly HeartbeatState[]): Answer {
  const found = measuredNow(states, what);
  if (found === "undeclared") {
    return { unknown: "not_configured", detail: `no heartbeat measures ${what}` };
  }
  if ("value" in found) return found;
  return { unknown: "no_data", detail: `the job ${found.waitsFor} has not said it in time` };
}
