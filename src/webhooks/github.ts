/**
 * GitHub: what was deployed and what ran. It signs the body and no time, and does not try again. None of it is an alert; it is noted
 * with environment, commit and outcome. The content type must be application/json.
 */
import { z } from "zod";
import { ok } from "../shared/result.ts";
import { signedAs } from "./proof.ts";
import { deliveryIdOf, noted, readJson } from "./reading.ts";
import { defineWebhook } from "./webhook.ts";

const text = z.string().nullish();
const payload = z.looseObject({
  action: text,
  deployment: z.looseObject({ environment: text, sha: text }).nullish().catch(null),
  deployment_status: z.looseObject({ state: text }).nullish().catch(null),
});

export const github = defineWebhook({
  vendor: "github",

  verify: signedAs("hmac-sha256"),

  parse: ({ headers, body }) => {
    const read = readJson(payload, body);
    if (!read.ok) return read;
    // Neither header is signed, so what was said is its own id.
    const kind = headers.get("x-github-event") ?? "unknown";
    const delivery = deliveryIdOf("github", [body]);
    if (kind === "ping") return ok(noted(delivery, "test"));
    const { action, deployment, deployment_status: outcome } = read.value;
    const words = [kind, deployment?.environment, deployment?.sha?.slice(0, 12), outcome?.state];
    const note = deployment ? words : [kind, action];
    return ok(noted(delivery, note.filter(Boolean).join(":")));
  },
});
