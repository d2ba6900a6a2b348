/** What outside monitoring told us. Before the first alert ever the counts are unknown: silence proves nothing. */
import { answerAll, defineSource } from "../source.ts";

const emits = ["alerts.firing_count", "alerts.critical_count", "alerts.sources_count"] as const;

export const alerts = defineSource({
  id: "alerts",
  emits,
  everyMs: { idle: 0, busy: 0, alert: 0 },
  deadlineMs: 2_000,

  async poll(context) {
    const counts = await context.alerts.alertCounts();
    if (counts.lastReceivedAtMs === null) {
      return answerAll(
        emits,
        context.hasAlertSource
          ? { unknown: "no_data", detail: "no monitoring tool has sent anything yet" }
          : { unknown: "not_configured", detail: "no webhook source has a token" },
      );
    }
    return {
      "alerts.firing_count": { value: counts.firing },
      "alerts.critical_count": { value: counts.critical },
      "alerts.sources_count": { value: counts.sources },
    };
  },
});
