/**
 * Datadog, with the payload that docs/alerts.md gives to paste: its own default does not say whether a monitor recovered. It signs
 * nothing: the secret is a bearer token in a custom header or a basic password. Every value is text, and a variable without a value
 * may arrive by its name.
 */
import { z } from "zod";
import type { Alert } from "../alerts/alert.ts";
import { ok } from "../shared/result.ts";
import { showsSecret } from "./proof.ts";
import { deliveryIdOf, event, noted, readJson } from "./reading.ts";
import { severityOf } from "./severity.ts";
import { defineWebhook, type Parsed, type WebhookContext } from "./webhook.ts";

const STATUSES: ReadonlyMap<string, "firing" | "resolved"> = new Map([
  ["triggered", "firing"],
  ["re-triggered", "firing"],
  ["warn", "firing"],
  ["re-warn", "firing"],
  ["no data", "firing"],
  ["re-no data", "firing"],
  ["renotify", "firing"],
  ["recovered", "resolved"],
]);

const text = z
  .string()
  .optional()
  .transform((value) => (value === "" || value?.startsWith("$") ? undefined : value));
const payload = z.looseObject({
  alert_cycle_key: text,
  aggreg_key: text,
  alert_id: text,
  alert_scope: text,
  alert_transition: text,
  alert_type: text,
  alert_title: text,
  alert_metric: text,
  title: text,
  priority: text,
  date: text,
  id: text,
  link: text,
  tags: text,
});

export const datadog = defineWebhook({
  vendor: "datadog",

  verify: showsSecret,

  parse: ({ body }, context) => {
    const read = readJson(payload, body);
    if (!read.ok) return read;
    const said = read.value;
    const delivery = deliveryIdOf("datadog", [said.id ?? body, said.alert_transition]);
    if (said.title?.startsWith("[TEST]")) return ok(noted(delivery, "test"));
    if (said.alert_transition === undefined) return ok(noted(delivery, "no_alert_transition"));
    const status = STATUSES.get(said.alert_transition.toLowerCase());
    const fingerprint = said.alert_cycle_key ?? said.aggreg_key ?? said.alert_id;
    if (status === undefined || fingerprint === undefined) {
      return ok(noted(delivery, said.alert_transition));
    }
    return ok(aboutMonitor(delivery, { ...said, fingerprint, status }, context));
  },
});

type Said = z.infer<typeof payload> & Pick<Alert, "fingerprint" | "status">;

function aboutMonitor(delivery: string, said: Said, context: WebhookContext): Parsed {
  const tags = (said.tags ?? "").split(",").map((tag) => tag.trim());
  const saidAtMs = Number(said.date ?? context.atMs);
  const startsAtMs = Number.isFinite(saidAtMs) ? saidAtMs : context.atMs;
  const alert = {
    source: "datadog",
    fingerprint: said.fingerprint,
    status: said.status,
    title: said.alert_title ?? said.title ?? "",
    severity: severityOf(said.priority ?? said.alert_type),
    startsAtMs,
    labels: { ...labelsOf(tags), metric: said.alert_metric, scope: said.alert_scope },
    url: said.link,
  };
  return event(delivery, alert, { ...context, saidAtMs: startsAtMs, texts: tags });
}

/** `name:value`; a tag without a value is left out. */
const labelsOf = (tags: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    tags.flatMap((tag) => {
      const at = tag.indexOf(":");
      return at > 0 ? [[tag.slice(0, at), tag.slice(at + 1)]] : [];
    }),
  );
