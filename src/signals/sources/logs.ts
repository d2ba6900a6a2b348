/**
 * What production logged as errors in the last two minutes, and which of them are about time that ran out, by one query of Workers
 * Observability. Seldom while all is calm: the same budget must pay for rolling back.
 */
import { LOG_EVENTS_MAX, readErrorLogs } from "../../platform/cloudflare-logs.ts";
import { answerAll, defineSource } from "../source.ts";

export const WINDOW_MS = 120_000;
/** Logs come some seconds late; the window stops short of what is still on its way. */
export const LOG_LAG_MS = 10_000;

/** In the words of Postgres, of drivers and pools, and of the runtime. */
const TIMEOUT =
  /time(?:d)?[ _-]?out|ETIMEDOUT|deadline (?:passed|exceeded)|canceling statement due to|too many (?:clients|connections)/i;

const emits = ["logs.errors_count", "logs.timeout_errors_count"] as const;

export const logs = defineSource({
  id: "logs",
  emits,
  everyMs: { idle: 3_600_000, busy: 120_000, alert: 30_000 },
  deadlineMs: 9_000,

  async poll({ cloudflare, atMs }) {
    if (cloudflare === null || cloudflare.worker === null) {
      const detail =
        "CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_WORKER are not all set";
      return answerAll(emits, { unknown: "not_configured", detail });
    }
    const toMs = atMs - LOG_LAG_MS;
    const read = await readErrorLogs(cloudflare.api, {
      script: cloudflare.worker,
      fromMs: toMs - WINDOW_MS,
      toMs,
    });
    if (!read.ok) {
      const { class: kind, detail } = read.error;
      return answerAll(emits, { unknown: kind === "refuse" ? "refused" : "timeout", detail });
    }
    const { count, events } = read.value;
    const timeouts = events.filter(({ message }) => TIMEOUT.test(message)).length;
    // Of more than were looked at, at least so many: enough to be alarmed, and too few to be calm.
    const isPart = count > Math.min(events.length, LOG_EVENTS_MAX) && timeouts === 0;
    return {
      "logs.errors_count": { value: count },
      "logs.timeout_errors_count": isPart
        ? { unknown: "no_data", detail: `only ${events.length} of ${count} errors were looked at` }
        : { value: timeouts },
    };
  },
});
