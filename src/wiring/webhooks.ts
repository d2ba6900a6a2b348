/** Every source of webhooks of this deploy: the tools that we know, and those that the site maps. */
import { z } from "zod";
import { statuspage } from "../notify/public/statuspage.ts";
import { bundle } from "../playbooks/deployed.ts";
import type { PublicChannelSpec } from "../playbooks/site-public.ts";
import { parseJson } from "../shared/json.ts";
import { mapped } from "../webhooks/mapped.ts";
import { webhooks } from "../webhooks/registry.ts";
import type { Webhook } from "../webhooks/webhook.ts";

/** An adapter of ours stands against a mapping of the same name. */
export const webhookSources: ReadonlyMap<string, Webhook> = new Map<string, Webhook>([
  ...bundle.site.webhooks.map((spec) => [spec.id, mapped(spec)] as const),
  ...webhooks,
]);

/** The pages at Statuspage that public channels of ours write, as their secrets name them. */
export const ownStatuspages = (
  channels: readonly PublicChannelSpec[],
  secretOf: (name: string) => string | undefined,
): readonly string[] =>
  channels
    .filter(({ kind }) => kind === statuspage.id)
    .flatMap(({ secret }) => {
      const read = z.looseObject({ page: z.string() }).safeParse(parseJson(secretOf(secret) ?? ""));
      return read.success ? [read.data.page] : [];
    });
