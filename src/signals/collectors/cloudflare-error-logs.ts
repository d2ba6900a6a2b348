/** What production logged as errors around onset: which messages, how often, and in which version and outcome of the Worker. */
import { readErrorLogs } from "../../platform/cloudflare-logs.ts";
import { redact } from "../../shared/redact.ts";
import { ok } from "../../shared/result.ts";
import { refuse, refuseMissing } from "./cloudflare-missing.ts";
import { defineCollector } from "./collector.ts";

const BEFORE_ONSET_MS = 5 * 60_000;
const AFTER_ONSET_MS = 10 * 60_000;
const LISTED_MAX = 10;
const MESSAGE_CHARS_MAX = 300;

export const cloudflareErrorLogs = defineCollector({
  id: "cloudflare-error-logs",

  async collect({ cloudflare, onsetAtMs, atMs }) {
    if (cloudflare === null) return refuseMissing();
    const { api, worker } = cloudflare;
    if (worker === null) return refuse("CLOUDFLARE_WORKER is not set");
    const fromMs = onsetAtMs - BEFORE_ONSET_MS;
    // A harm that began this very moment is not a stretch of time yet.
    const toMs = Math.max(Math.min(atMs, onsetAtMs + AFTER_ONSET_MS), fromMs + 1);
    const logs = await readErrorLogs(api, { script: worker, fromMs, toMs });
    if (!logs.ok) return logs;
    const { count, events } = logs.value;
    const messages = tally(events.map(({ message }) => messageOf(message)));
    const most = messages[0];
    return ok({
      summary:
        most === undefined
          ? `${worker} logged no error around the time the harm began`
          : `${worker} logged ${count} errors around the time the harm began, most often: ${most.what}`,
      facts: {
        worker,
        fromMs,
        toMs,
        count,
        looked: events.length,
        messages: messages.slice(0, LISTED_MAX),
        outcomes: tally(
          events.map(
            ({ outcome, versionId }) => `${outcome} in ${versionId ?? "an unknown version"}`,
          ),
        ).slice(0, LISTED_MAX),
      },
    });
  },
});

/** Numbers and ids differ from one line to the next; what is wrong is the same. */
const messageOf = (message: string): string =>
  redact(message.replaceAll(/[0-9a-f]{8,}|\d+/gi, "#")).slice(0, MESSAGE_CHARS_MAX);

function tally(
  all: readonly string[],
): readonly { readonly what: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const what of all) counts.set(what, (counts.get(what) ?? 0) + 1);
  return [...counts]
    .map(([what, count]) => ({ what, count }))
    .toSorted((a, b) => b.count - a.count);
}
