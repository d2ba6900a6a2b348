/** Better Stack, incident webhooks. It signs nothing: the secret is a bearer token in a custom header or a basic password. */
import { z } from "zod";
import { ok } from "../shared/result.ts";
import { showsSecret } from "./proof.ts";
import { deliveryIdOf, event, idText, noted, readJson, time } from "./reading.ts";
import { defineWebhook } from "./webhook.ts";

/** Its status pages speak of an `event_type` to their subscribers. */
const envelope = z
  .looseObject({
    event: z.string().optional(),
    event_type: z.string().optional(),
    data: z.unknown(),
  })
  .refine(
    ({ data, event_type: page }) => data !== undefined || page !== undefined,
    "neither data nor event_type",
  );
const incident = z.looseObject({
  id: idText,
  type: z.literal("incident"),
  attributes: z.looseObject({
    name: z.string().nullish(),
    url: z.string().nullish(),
    cause: z.string().nullish(),
    started_at: time,
    acknowledged_at: time.nullish(),
    resolved_at: time.nullish(),
  }),
});

export const betterStack = defineWebhook({
  vendor: "better-stack",

  verify: showsSecret,

  parse: ({ body }, context) => {
    const read = readJson(envelope, body);
    if (!read.ok) return read;
    const { event: given, event_type: page, data } = read.value;
    const about = incident.safeParse(data);
    if (!about.success) {
      return ok(noted(deliveryIdOf("better-stack", [body]), page ?? given ?? "unknown"));
    }
    const { id, attributes } = about.data;
    const kind = given ?? (attributes.resolved_at ? "resolved" : "started");
    const delivery = deliveryIdOf("better-stack", [id, kind]);
    if (kind !== "started" && kind !== "resolved") return ok(noted(delivery, kind));
    const { name, url, cause, started_at: startsAtMs, resolved_at: endsAtMs } = attributes;
    const said = {
      source: "better-stack",
      fingerprint: id,
      status: kind === "started" ? "firing" : "resolved",
      title: [name, cause].filter(Boolean).join(": "),
      // It has no severities: a monitor that looks from outside and finds it down is major.
      severity: "SEV-2",
      startsAtMs,
      endsAtMs: endsAtMs ?? null,
      labels: { monitor: name, cause },
      url,
    } as const;
    return ok(event(delivery, said, { ...context, saidAtMs: startsAtMs, texts: [cause] }));
  },
});
