/** Was it a deployment? The production Worker's latest, with who made them and how long before the harm. */
import { readDeployments, type Deployment } from "../../platform/cloudflare-workers.ts";
import { ok } from "../../shared/result.ts";
import { defineCollector } from "./collector.ts";
import { agoText, refuse, refuseMissing } from "./cloudflare-missing.ts";

const LISTED_MAX = 10;
const MESSAGE_CHARS_MAX = 200;

export const cloudflareDeployments = defineCollector({
  id: "cloudflare-deployments",

  async collect({ cloudflare, onsetAtMs }) {
    if (cloudflare === null) return refuseMissing();
    const { api, worker } = cloudflare;
    if (worker === null) return refuse("CLOUDFLARE_WORKER is not set");
    const deployments = await readDeployments(api, worker);
    if (!deployments.ok) return deployments;
    const [live] = deployments.value;
    return ok({
      summary:
        live === undefined
          ? `${worker} was never deployed`
          : `${worker} was last deployed ${agoText(live.createdAtMs, onsetAtMs)}, by ${live.author || "somebody"}`,
      facts: {
        worker,
        deployments: deployments.value.slice(0, LISTED_MAX).map((one) => factsOf(one, onsetAtMs)),
      },
    });
  },
});

const factsOf = (
  { id, createdAtMs, author, source, message, versions }: Deployment,
  onsetAtMs: number,
) => ({
  id,
  atMs: createdAtMs,
  beforeOnsetMs: onsetAtMs - createdAtMs,
  author,
  source,
  message: message.slice(0, MESSAGE_CHARS_MAX),
  versions,
});
