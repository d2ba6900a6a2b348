/**
 * Grafana's alerting, contact point "Webhook". With its HMAC secret set it signs the body; give it the timestamp header
 * `X-Grafana-Alerting-Timestamp` and it signs the time, too. Without HMAC the secret is a bearer token or a basic password.
 */
import { join, utf8 } from "../guard/write-journal/bytes.ts";
import { readGroup } from "./alert-group.ts";
import { hasHmac, isTimely, showsSecret } from "./proof.ts";
import { defineWebhook } from "./webhook.ts";

export const grafana = defineWebhook({
  vendor: "grafana",

  verify: async (delivery, secret, reach) => {
    const { headers, bytes } = delivery;
    const signature = headers.get("x-grafana-alerting-signature");
    if (signature === null) return showsSecret(delivery, secret, reach);
    const seconds = headers.get("x-grafana-alerting-timestamp");
    if (seconds === null) return hasHmac(signature, bytes, secret);
    if (!isTimely(seconds, reach.atMs)) return false;
    return hasHmac(signature, join(utf8(`${seconds}:`), bytes), secret);
  },

  parse: ({ body }, { instance }) =>
    readGroup(body, {
      vendor: "grafana",
      version: "1",
      instance,
      isTest: ({ alertname, instance: of }) => alertname === "TestAlert" && of === "Grafana",
    }),
});
