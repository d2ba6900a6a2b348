/**
 * GitHub: what was deployed and what ran. It signs the body and no time, and does not try again. None of it is an alert; it is noted
 * with environment, commit and outcome, and what became of a deployment is evidence. The content type must be application/json.
 */
import { z } from "zod";
import type { Deployment } from "../alerts/deployments.ts";
import { ok } from "../shared/result.ts";
import { signedAs } from "./proof.ts";
import { bearsOurMark, deliveryIdOf, idText, noted, own, readJson, time } from "./reading.ts";
import { defineWebhook } from "./webhook.ts";

const text = z.string().nullish();
const id = idText.nullish().catch(null);
const payload = z.looseObject({
  action: text,
  deployment: z.looseObject({ id, environment: text, sha: text }).nullish().catch(null),
  deployment_status: z
    .looseObject({ state: text, updated_at: time.nullish().catch(null) })
    .nullish()
    .catch(null),
  /** The ticket of an incident of ours ends in its id, as our comments on it do. */
  issue: z.looseObject({ body: text }).nullish().catch(null),
});

export const github = defineWebhook({
  vendor: "github",

  verify: signedAs("hmac-sha256"),

  parse: ({ headers, body }, { atMs, instance }) => {
    const read = readJson(payload, body);
    if (!read.ok) return read;
    // Neither header is signed, so what was said is its own id.
    const kind = headers.get("x-github-event") ?? "unknown";
    const delivery = deliveryIdOf("github", [body]);
    if (kind === "ping") return ok(noted(delivery, "test"));
    if (bearsOurMark(read.value.issue?.body, instance)) return ok(own(delivery));
    const { action, deployment, deployment_status: outcome } = read.value;
    const words = [kind, deployment?.environment, deployment?.sha?.slice(0, 12), outcome?.state];
    const note = deployment ? words : [kind, action];
    const taken = noted(delivery, note.filter(Boolean).join(":"));
    return ok({ ...taken, deployment: deploymentOf(read.value, atMs) });
  },
});

const WORD_CHARS_MAX = 100;

/** Null until something became of it. */
function deploymentOf(
  { deployment, deployment_status: outcome }: z.infer<typeof payload>,
  atMs: number,
): Deployment | null {
  if (!deployment?.id || !deployment.sha || !outcome?.state) return null;
  return {
    id: `${deployment.id}:${short(outcome.state)}`,
    source: "github",
    atMs: outcome.updated_at ?? atMs,
    environment: short(deployment.environment ?? ""),
    sha: short(deployment.sha),
    state: short(outcome.state),
  };
}

const short = (word: string): string => word.slice(0, WORD_CHARS_MAX);
