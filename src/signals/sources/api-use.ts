/**
 * Who uses production as no visitor does, as the guards count it within the last minute. What is known of a client is at least what it did: a
 * part that is missing makes a low number unknown, and a high one no less true.
 */
import { conductFigures } from "../../traffic/conduct-figures.ts";
import { CONDUCT_SECONDS } from "../../traffic/traffic-api.ts";
import { answerAll, defineSource, type Answer } from "../source.ts";
import { doubtAbout, REPORT_LAG_SECONDS } from "./traffic.ts";

const emits = [
  "api_use.ids_per_client_count",
  "api_use.client_error_ratio",
  "api_use.scanner_paths_per_client_count",
] as const;

export const apiUse = defineSource({
  id: "api_use",
  emits,
  // From memory; and nobody looks for ways in where nobody comes.
  everyMs: { idle: 300_000, busy: 0, alert: 0 },
  deadlineMs: 2_000,

  async poll({ traffic, atMs }) {
    const nowSecond = Math.floor(atMs / 1_000);
    const [window, conduct] = await Promise.all([
      traffic.window(CONDUCT_SECONDS, nowSecond - 1 - REPORT_LAG_SECONDS),
      traffic.conduct(nowSecond),
    ]);
    const doubt =
      conduct.silentShards > 0
        ? `${conduct.silentShards} shards of the counters did not answer`
        : doubtAbout(window, atMs);
    if (window.lastFlushAtMs === null) {
      return answerAll(emits, { unknown: "no_data", detail: doubt ?? "no guard has reported yet" });
    }
    const { idsPerClient, clientErrorRatio, scannerPathsPerClient } = conductFigures(conduct);
    const atLeast = (value: number): Answer =>
      doubt !== null && value === 0 ? { unknown: "no_data", detail: doubt } : { value };
    return {
      "api_use.ids_per_client_count": atLeast(idsPerClient),
      "api_use.client_error_ratio": atLeast(clientErrorRatio),
      "api_use.scanner_paths_per_client_count": atLeast(scannerPathsPerClient),
    };
  },
});
