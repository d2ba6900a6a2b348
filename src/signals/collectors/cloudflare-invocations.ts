/** How invocations of production ended before and after the harm began, for each version: is it the new one, or all of them? */
import { readInvocations, type Invocations } from "../../platform/cloudflare-analytics.ts";
import { ok } from "../../shared/result.ts";
import { refuse, refuseMissing } from "./cloudflare-missing.ts";
import { defineCollector } from "./collector.ts";

const AROUND_ONSET_MS = 10 * 60_000;
const LISTED_MAX = 10;

export const cloudflareInvocations = defineCollector({
  id: "cloudflare-invocations",

  async collect({ cloudflare, onsetAtMs, atMs }) {
    if (cloudflare === null) return refuseMissing();
    const { api, worker } = cloudflare;
    if (worker === null) return refuse("CLOUDFLARE_WORKER is not set");
    const untilMs = Math.max(Math.min(atMs, onsetAtMs + AROUND_ONSET_MS), onsetAtMs + 1);
    const [before, since] = await Promise.all([
      readInvocations(api, {
        script: worker,
        fromMs: onsetAtMs - AROUND_ONSET_MS,
        toMs: onsetAtMs,
      }),
      readInvocations(api, { script: worker, fromMs: onsetAtMs, toMs: untilMs }),
    ]);
    if (!before.ok) return before;
    if (!since.ok) return since;
    return ok({
      summary: `${worker}: ${shareText(since.value)} since the harm began, ${shareText(before.value)} before`,
      facts: {
        worker,
        fromMs: onsetAtMs - AROUND_ONSET_MS,
        untilMs,
        /** Cloudflare samples, and needs a minute or two until it has counted all. */
        isSampled: true,
        before: before.value.slice(0, LISTED_MAX),
        since: since.value.slice(0, LISTED_MAX),
      },
    });
  },
});

function shareText(rows: readonly Invocations[]): string {
  const requests = rows.reduce((sum, row) => sum + row.requests, 0);
  const errors = rows.reduce((sum, row) => sum + row.errors, 0);
  if (requests === 0) return "no invocation was counted";
  return `${((errors / requests) * 100).toFixed(1)} % of ${requests} invocations failed`;
}
