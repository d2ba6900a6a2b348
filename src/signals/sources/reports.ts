/** What users and support say. Before the first report ever the counts are unknown: perhaps nobody can reach us. */
import { answerAll, defineSource } from "../source.ts";

const emits = [
  "reports.users_count",
  "reports.unavailable_count",
  "reports.data_count",
  "reports.payment_count",
] as const;

export const reports = defineSource({
  id: "reports",
  emits,
  everyMs: { idle: 0, busy: 0, alert: 0 },
  deadlineMs: 2_000,

  async poll({ told }) {
    const { reporters, dataReporters, byKind, lastReceivedAtMs } = await told.reportCounts();
    if (lastReceivedAtMs === null) {
      return answerAll(emits, { unknown: "no_data", detail: "nobody has reported anything yet" });
    }
    return {
      "reports.users_count": { value: reporters },
      "reports.unavailable_count": { value: byKind.unavailable ?? 0 },
      "reports.data_count": { value: dataReporters },
      "reports.payment_count": { value: byKind.payment ?? 0 },
    };
  },
});
