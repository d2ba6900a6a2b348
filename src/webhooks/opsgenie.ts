/**
 * Opsgenie, and Jira Service Management's operations, which speak alike. They sign nothing: the secret is a bearer token in a custom
 * header or a basic password.
 */
import { z } from "zod";
import { ok } from "../shared/result.ts";
import { showsSecret } from "./proof.ts";
import { deliveryIdOf, event, idText, noted, readJson } from "./reading.ts";
import { severityOf } from "./severity.ts";
import { defineWebhook } from "./webhook.ts";

const STATUSES: ReadonlyMap<string, "firing" | "resolved"> = new Map([
  ["Create", "firing"],
  ["Close", "resolved"],
  ["Delete", "resolved"],
]);

const text = z.string().nullish();
const envelope = z.looseObject({ action: z.string().min(1), alert: z.unknown() });
const alert = z.looseObject({
  alertId: z.string().min(1),
  message: text,
  alias: text,
  entity: text,
  source: text,
  tags: z.array(z.unknown()).nullish(),
  // `updatedAt` is in nanoseconds, which JavaScript rounds: nothing hangs on it.
  createdAt: z.int(),
  /** `3` or `P3`. */
  priority: idText.nullish(),
});

export const opsgenie = defineWebhook({
  vendor: "opsgenie",

  verify: showsSecret,

  parse: ({ body }, context) => {
    const read = readJson(envelope, body);
    if (!read.ok) return read;
    const { action } = read.value;
    const about = alert.safeParse(read.value.alert);
    const status = STATUSES.get(action);
    if (status === undefined || !about.success) {
      return ok(noted(deliveryIdOf("opsgenie", [body]), action));
    }
    const { alertId, message, alias, entity, source, tags, createdAt, priority } = about.data;
    const said = {
      source: "opsgenie",
      fingerprint: alertId,
      status,
      title: message ?? "",
      severity: severityOf(priority?.replace(/^\d$/, "P$&")),
      startsAtMs: createdAt,
      labels: { alias, entity, source },
      url: null,
    } as const;
    const delivery = deliveryIdOf("opsgenie", [alertId, action]);
    const texts = [alias, ...(tags ?? [])];
    return ok(event(delivery, said, { ...context, saidAtMs: createdAt, texts }));
  },
});
