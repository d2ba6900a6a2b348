/** Alerts in. What we answer decides what the sender does: 2xx is done, 4xx is given up, 5xx is tried again. */
import { createRoute, z } from "@hono/zod-openapi";
import { instanceOf } from "../../playbooks/site.ts";
import { webhooks } from "../../webhooks/registry.ts";
import type { Parsed, Webhook } from "../../webhooks/webhook.ts";
import { answers, limitBody, problems, WEBHOOK_BODY_BYTES_MAX, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { Problem } from "../problems.ts";

const PROBLEMS_SHOWN_MAX = 20;

const receipt = z
  .object({
    accepted: z.literal(true),
    /** The same delivery has the same id. */
    id: z.string(),
    /** Nothing in it was news. */
    duplicate: z.boolean(),
  })
  .openapi("WebhookReceipt");

const receive = createRoute({
  method: "post",
  path: "/webhooks/{source}",
  tags: ["webhooks"],
  summary: "Take alerts from a monitoring tool",
  description: "Authenticated as the tool does it: a signature, or a token in its header.",
  middleware: [limitBody(WEBHOOK_BODY_BYTES_MAX)],
  request: { params: z.object({ source: z.string() }) },
  responses: { 202: answers(receipt, "Taken"), ...problems },
});

export function webhookRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(receive, async (c) => {
    const webhook = webhooks.get(c.req.valid("param").source);
    if (webhook === undefined) throw new Problem("not-found", "No such webhook source.");
    const body = await c.req.text();
    await authenticate(webhook, { headers: c.req.raw.headers, body }, deps);
    const parsed = read(webhook, body, deps);
    const { accepted } = await deps.desk.receive(parsed.alerts, deps.now());
    if (accepted > 0 && parsed.alerts.some((alert) => alert.status === "firing")) {
      // The sender need not wait; should it fail, the next tick sees the alert all the same.
      c.executionCtx.waitUntil(deps.monitor.poke("suspicion").catch(() => null));
    }
    return c.json({ accepted: true, id: parsed.id, duplicate: accepted === 0 } as const, 202);
  });
}

async function authenticate(
  webhook: Webhook,
  delivery: Parameters<Webhook["verify"]>[0],
  { webhookSecrets }: HttpDeps,
): Promise<void> {
  const secret = webhookSecrets[webhook.vendor];
  // 503, so that the tool tries again: an alert that came before its secret is not lost.
  if (secret === undefined || secret === "") {
    throw new Problem("not-configured", `No secret is set for ${webhook.vendor}.`);
  }
  if (await webhook.verify(delivery, secret)) return;
  throw new Problem("unauthorized", "The delivery does not prove who sent it.");
}

function read(webhook: Webhook, body: string, { bundle }: HttpDeps): Parsed {
  const parsed = webhook.parse(body, { instance: instanceOf(bundle.site) });
  if (!parsed.ok) {
    throw new Problem("invalid-request", `This is not a delivery of ${webhook.vendor}.`, {
      errors: parsed.error
        .slice(0, PROBLEMS_SHOWN_MAX)
        .map((message) => ({ field: "body", message })),
    });
  }
  const { id, malformedCount, truncatedCount } = parsed.value;
  if (malformedCount + truncatedCount > 0) {
    console.warn(
      `webhooks: ${webhook.vendor} ${id} lost ${malformedCount} malformed and ${truncatedCount} truncated alerts`,
    );
  }
  return parsed.value;
}
