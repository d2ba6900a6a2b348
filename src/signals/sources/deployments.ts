/** How old what production runs is. Without Cloudflare's API nobody knows, and that is not the same as old. */
import { readDeployments } from "../../platform/cloudflare-workers.ts";
import { defineSource, type Answer } from "../source.ts";

export const deployments = defineSource({
  id: "deployments",
  emits: ["cloudflare.deployment_age_seconds"],
  // While something is wrong it matters at once; a call each ten seconds is a thirtieth of our budget.
  everyMs: { idle: 300_000, busy: 60_000, alert: 10_000 },
  deadlineMs: 9_000,

  async poll({ cloudflare, atMs }) {
    const answer = (given: Answer) => ({ "cloudflare.deployment_age_seconds": given });
    if (cloudflare === null || cloudflare.worker === null) {
      const detail =
        "CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_WORKER are not all set";
      return answer({ unknown: "not_configured", detail });
    }
    const read = await readDeployments(cloudflare.api, cloudflare.worker);
    if (!read.ok) {
      const { class: kind, detail } = read.error;
      return answer({ unknown: kind === "refuse" ? "refused" : "timeout", detail });
    }
    const [live] = read.value;
    if (live === undefined) return answer({ unknown: "no_data", detail: "it was never deployed" });
    return answer({ value: Math.max(0, (atMs - live.createdAtMs) / 1_000) });
  },
});
