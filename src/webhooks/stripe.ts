/**
 * Stripe: whether payments fail for a reason of Stripe's, or of ours. It signs body and time and keeps trying for three days, in no
 * order. A card that is declined is its holder's matter, and an event of test mode is a test.
 */
import { z } from "zod";
import { ok } from "../shared/result.ts";
import { signedAs } from "./proof.ts";
import { deliveryIdOf, event, noted, readJson } from "./reading.ts";
import { defineWebhook, OWN_LABEL } from "./webhook.ts";

const ENDS: ReadonlySet<string> = new Set(["payment_intent.succeeded", "payment_intent.canceled"]);

const envelope = z.looseObject({
  id: z.string().min(1),
  type: z.string().min(1),
  /** `v2.core.event` for thin events, which carry no object. */
  object: z.string(),
  created: z.unknown(),
  livemode: z.boolean().default(true),
  data: z.unknown(),
});
const text = z.string().nullish();
const payment = z.looseObject({
  object: z.looseObject({
    id: z.string().min(1),
    last_payment_error: z.looseObject({ type: text, code: text }).nullish(),
    metadata: z.record(z.string(), z.unknown()).nullish().catch(null),
  }),
});

export const stripe = defineWebhook({
  vendor: "stripe",

  verify: signedAs("stripe"),

  parse: ({ body }, context) => {
    const read = readJson(envelope, body);
    if (!read.ok) return read;
    const { id, type, object, created, livemode, data } = read.value;
    const delivery = deliveryIdOf("stripe", [id]);
    if (!livemode) return ok(noted(delivery, "test"));
    const about = payment.safeParse(data);
    const said = object === "event" && about.success ? outcomeOf(type, about.data.object) : null;
    if (said === null || typeof created !== "number") return ok(noted(delivery, type));
    const saidAtMs = created * 1_000;
    return ok(event(delivery, { ...said, startsAtMs: saidAtMs }, { ...context, saidAtMs }));
  },
});

/** What became of one payment; null where that is no matter of ours. Many of them are the payment signals' matter. */
function outcomeOf(
  type: string,
  { id: fingerprint, last_payment_error: error, metadata }: z.infer<typeof payment>["object"],
) {
  // A payment that a probe of ours tries carries our mark.
  const mark = { [OWN_LABEL]: metadata?.[OWN_LABEL] };
  const said = { source: "stripe", fingerprint, severity: "SEV-3", url: null } as const;
  if (ENDS.has(type)) {
    return {
      ...said,
      status: "resolved",
      title: "A payment is over",
      labels: { type, ...mark },
    } as const;
  }
  if (type !== "payment_intent.payment_failed" || error?.type === "card_error") return null;
  const title = `A payment failed: ${error?.code ?? error?.type ?? "unknown"}`;
  const labels = { type, code: error?.code, error: error?.type, ...mark };
  return { ...said, status: "firing", title, labels } as const;
}
