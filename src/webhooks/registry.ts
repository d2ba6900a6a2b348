/** Every tool whose webhooks we read; the key is the last part of `/webhooks/{source}`. */
import { alertmanager } from "./alertmanager.ts";
import { betterStack } from "./better-stack.ts";
import { cloudflare } from "./cloudflare.ts";
import { cloudwatch } from "./cloudwatch.ts";
import { datadog } from "./datadog.ts";
import { github } from "./github.ts";
import { grafana } from "./grafana.ts";
import { newRelic } from "./new-relic.ts";
import { opsgenie } from "./opsgenie.ts";
import { pagerduty } from "./pagerduty.ts";
import { pingdom } from "./pingdom.ts";
import { sentry } from "./sentry.ts";
import { standardWebhooks } from "./standard-webhooks.ts";
import { statuspage } from "./statuspage.ts";
import { stripe } from "./stripe.ts";
import { uptimerobot } from "./uptimerobot.ts";
import type { Webhook } from "./webhook.ts";

export const WEBHOOKS = {
  [alertmanager.vendor]: alertmanager,
  [betterStack.vendor]: betterStack,
  [cloudflare.vendor]: cloudflare,
  [cloudwatch.vendor]: cloudwatch,
  [datadog.vendor]: datadog,
  [github.vendor]: github,
  [grafana.vendor]: grafana,
  [newRelic.vendor]: newRelic,
  [opsgenie.vendor]: opsgenie,
  [pagerduty.vendor]: pagerduty,
  [pingdom.vendor]: pingdom,
  [sentry.vendor]: sentry,
  [standardWebhooks.vendor]: standardWebhooks,
  [statuspage.vendor]: statuspage,
  [stripe.vendor]: stripe,
  [uptimerobot.vendor]: uptimerobot,
} as const;

/** The same list, looked up by any string. */
export const webhooks: ReadonlyMap<string, Webhook> = new Map(Object.entries(WEBHOOKS));

/** What the vendor's secret is called: `WEBHOOK_NEW_RELIC`. */
export const webhookSecretName = (vendor: string): "ALERTMANAGER_TOKEN" | `WEBHOOK_${string}` =>
  vendor === alertmanager.vendor
    ? "ALERTMANAGER_TOKEN"
    : `WEBHOOK_${vendor.toUpperCase().replaceAll("-", "_")}`;
