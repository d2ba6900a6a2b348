/**
 * Prometheus Alertmanager, webhook payload version 4. It signs nothing: the secret is a bearer token
 * (`http_config.authorization.credentials`). It retries on 5xx and drops on 4xx.
 */
import { readGroup } from "./alert-group.ts";
import { showsSecret } from "./proof.ts";
import { defineWebhook } from "./webhook.ts";

export const alertmanager = defineWebhook({
  vendor: "alertmanager",

  verify: showsSecret,

  parse: ({ body }, { instance }) =>
    readGroup(body, { vendor: "alertmanager", version: "4", instance }),
});
