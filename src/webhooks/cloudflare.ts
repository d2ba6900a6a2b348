/**
 * Cloudflare Notifications, Health Checks among them. The secret stands in `cf-webhook-auth`; nothing is signed. "Save and Test" must
 * be answered 2xx, or the destination cannot be saved.
 */
import { z } from "zod";
import type { Severity } from "../playbooks/schema.ts";
import { ok } from "../shared/result.ts";
import { showsSecretIn } from "./proof.ts";
import { deliveryIdOf, event, noted, readJson } from "./reading.ts";
import { severityOf } from "./severity.ts";
import { defineWebhook } from "./webhook.ts";

const STATUSES: ReadonlyMap<string, "firing" | "resolved"> = new Map([
  ["ALERT_STATE_EVENT_START", "firing"],
  ["ALERT_STATE_EVENT_END", "resolved"],
]);
/** What its alerts are worth to us; it gives them no severity. */
const SEVERITIES: ReadonlyMap<string, Severity> = new Map([
  ["health_check_status_notification", "SEV-2"],
  ["load_balancing_health_alert", "SEV-2"],
  ["http_alert_origin_error", "SEV-2"],
  ["http_alert_edge_error", "SEV-2"],
  ["advanced_ddos_attack_l7_alert", "SEV-2"],
]);

const text = z.string().optional();
const payload = z.looseObject({
  text: z.string(),
  name: text,
  alert_type: text,
  alert_event: text,
  alert_correlation_id: text,
  policy_name: text,
  ts: z.number().positive().optional(),
  data: z.looseObject({}).nullish().catch(null),
});
/** The parts of `data` that say what the alert is about. */
const subject = z.looseObject({
  health_check_id: text,
  health_check_name: text,
  new_health_status: text,
  zone_name: text,
  episode: z.looseObject({ id: text }).optional(),
  dashboard_link: text,
});

export const cloudflare = defineWebhook({
  vendor: "cloudflare",

  verify: showsSecretIn("cf-webhook-auth"),

  parse: ({ body }, context) => {
    const read = readJson(payload, body);
    if (!read.ok) return read;
    const said = read.value;
    if (said.alert_event === undefined && said.alert_type === undefined) {
      return ok(noted(deliveryIdOf("cloudflare", [body]), "test"));
    }
    const about = subject.safeParse(said.data).data ?? {};
    const { fingerprint, status } = whatChanged(said, about);
    const delivery = deliveryIdOf("cloudflare", [fingerprint, said.alert_event, said.ts ?? body]);
    if (status === undefined || fingerprint === undefined) {
      return ok(noted(delivery, said.alert_type ?? "unknown"));
    }
    const alert = { ...inWords(said, about, context.atMs), fingerprint, status };
    const texts = [said.policy_name, about.health_check_name];
    return ok(event(delivery, alert, { ...context, saidAtMs: alert.startsAtMs, texts }));
  },
});

const whatChanged = (
  { alert_event: of = "", alert_correlation_id: correlation }: z.infer<typeof payload>,
  about: Partial<z.infer<typeof subject>>,
) => ({
  fingerprint: about.health_check_id ?? about.episode?.id ?? correlation,
  status: healthOf(about.new_health_status) ?? STATUSES.get(of),
});

const inWords = (
  { name, policy_name: policy, alert_type: kind, ts }: z.infer<typeof payload>,
  about: Partial<z.infer<typeof subject>>,
  atMs: number,
) => ({
  source: "cloudflare",
  startsAtMs: ts === undefined ? atMs : ts * 1_000,
  title: name ?? policy ?? kind ?? "",
  severity: SEVERITIES.get(kind ?? "") ?? severityOf(undefined),
  labels: { alert_type: kind, policy, zone: about.zone_name, check: about.health_check_name },
  url: about.dashboard_link,
});

/** A health check says it itself, whichever end of the alert this is. */
const HEALTHS: ReadonlyMap<string, "firing" | "resolved"> = new Map([
  ["healthy", "resolved"],
  ["unhealthy", "firing"],
]);
const healthOf = (word: string | undefined) => HEALTHS.get((word ?? "").toLowerCase());
