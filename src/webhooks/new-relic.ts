/** New Relic, workflow webhooks with the default payload. It signs nothing: the secret is a bearer token or a basic password. */
import { z } from "zod";
import { parseJson } from "../shared/json.ts";
import { ok } from "../shared/result.ts";
import { showsSecret } from "./proof.ts";
import { deliveryIdOf, event, noted, readJson } from "./reading.ts";
import { severityOf } from "./severity.ts";
import { defineWebhook } from "./webhook.ts";

const STATUSES: ReadonlyMap<string, "firing" | "resolved"> = new Map([
  ["CREATED", "firing"],
  ["ACTIVATED", "firing"],
  ["CLOSED", "resolved"],
]);

const names = z.array(z.unknown()).nullish().catch(null);
const payload = z.looseObject({
  id: z.string().min(1),
  state: z.string().min(1),
  title: z.string().nullish(),
  priority: z.string().nullish(),
  issueUrl: z.string().nullish(),
  createdAt: z.int(),
  updatedAt: z.int().nullish(),
  impactedEntities: names,
  alertPolicyNames: names,
  alertConditionNames: names,
});

const channelTest = z.looseObject({ current_state: z.literal("test") });

export const newRelic = defineWebhook({
  vendor: "new-relic",

  verify: showsSecret,

  parse: ({ body }, context) => {
    // The test button of the older notification channels, which say nothing else in this form.
    if (channelTest.safeParse(parseJson(body)).success) {
      return ok(noted(deliveryIdOf("new-relic", [body]), "test"));
    }
    const read = readJson(payload, body);
    if (!read.ok) return read;
    const { id, state, title, priority, issueUrl, createdAt, updatedAt } = read.value;
    const delivery = deliveryIdOf("new-relic", [id, state, updatedAt]);
    const status = STATUSES.get(state);
    if (status === undefined) return ok(noted(delivery, state));
    const said = {
      source: "new-relic",
      fingerprint: id,
      status,
      title: title ?? "",
      severity: severityOf(priority ?? undefined),
      startsAtMs: createdAt,
      endsAtMs: status === "resolved" ? (updatedAt ?? null) : null,
      labels: {
        entity: read.value.impactedEntities?.[0],
        policy: read.value.alertPolicyNames?.[0],
        condition: read.value.alertConditionNames?.[0],
      },
      url: issueUrl,
    };
    const texts = [read.value.alertPolicyNames, read.value.alertConditionNames].flat();
    return ok(event(delivery, said, { ...context, saidAtMs: updatedAt ?? createdAt, texts }));
  },
});
