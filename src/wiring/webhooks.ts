/** Every source of webhooks of this deploy: the tools that we know, and those that the site maps. */
import { bundle } from "../playbooks/deployed.ts";
import { mapped } from "../webhooks/mapped.ts";
import { webhooks } from "../webhooks/registry.ts";
import type { Webhook } from "../webhooks/webhook.ts";

/** An adapter of ours stands against a mapping of the same name. */
export const webhookSources: ReadonlyMap<string, Webhook> = new Map<string, Webhook>([
  ...bundle.site.webhooks.map((spec) => [spec.id, mapped(spec)] as const),
  ...webhooks,
]);
