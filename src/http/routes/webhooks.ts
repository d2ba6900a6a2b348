/** Alerts in. What we answer decides what the sender does: 2xx is done, 4xx is given up, 5xx is tried again. */
import { createRoute, z } from "@hono/zod-openapi";
import { instanceOf } from "../../playbooks/site.ts";
import type { Delivery, Parsed, Webhook } from "../../webhooks/webhook.ts";
import { answers, limitBody, problems, WEBHOOK_BODY_BYTES_MAX, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { Problem } from "../problems.ts";
import { say } from "../../shared/log.ts";

const PROBLEMS_SHOWN_MAX = 20;
/** A delivery that is a query is a few short values. */
const QUERY_CHARS_MAX = 8_192;
const VISIT_MS_MAX = 5_000;

const receipt = z
  .object({
    accepted: z.literal(true),
    /** The same delivery has the same id. */
    id: z.string(),
    /** Of its alerts, none was news. */
    duplicate: z.boolean(),
    /** Why it is no alert, such as `test`, `own`, or the kind of event; null when it is one. */
    note: z.string().nullable(),
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

/** For a tool whose deliveries are a GET, with everything in the query. */
const receiveAsQuery = (vendor: string) =>
  createRoute({
    method: "get",
    path: `/webhooks/${vendor}`,
    tags: ["webhooks"],
    summary: `Take an alert of ${vendor}, which sends it as a query`,
    description: "Authenticated by the secret in the query, as `key`.",
    responses: { 202: answers(receipt, "Taken"), ...problems },
  });

export function webhookRoutes(api: Api, deps: HttpDeps): void {
  for (const [vendor, webhook] of deps.webhooks) {
    if (webhook.comesAsGet === undefined) continue;
    api.openapi(receiveAsQuery(vendor), async (c) => {
      const taken = await take(webhook, await deliveryIn(c.req.raw), deps, c.executionCtx);
      return c.json(taken, 202);
    });
  }
  api.openapi(receive, async (c) => {
    const webhook = deps.webhooks.get(c.req.valid("param").source);
    if (webhook === undefined) throw new Problem("not-found", "No such webhook source.");
    return c.json(await take(webhook, await deliveryIn(c.req.raw), deps, c.executionCtx), 202);
  });
}

async function deliveryIn(request: Request): Promise<Delivery> {
  const url = new URL(request.url);
  if (url.search.length > QUERY_CHARS_MAX) {
    throw new Problem(
      "payload-too-large",
      `This route takes a query of ${QUERY_CHARS_MAX} bytes.`,
      {
        limitBytes: QUERY_CHARS_MAX,
      },
    );
  }
  const bytes = new Uint8Array(await request.arrayBuffer());
  const body = new TextDecoder().decode(bytes);
  return { headers: request.headers, query: url.searchParams, bytes, body };
}

async function take(
  webhook: Webhook,
  delivery: Delivery,
  deps: HttpDeps,
  ctx: Pick<ExecutionContext, "waitUntil">,
): Promise<z.infer<typeof receipt>> {
  await authenticate(webhook, delivery, deps);
  const parsed = read(webhook, delivery, deps);
  if (parsed.visitUrl !== null) ctx.waitUntil(visit(webhook, parsed.visitUrl));
  const { id, note } = parsed;
  const told = { part: "webhooks", source: webhook.vendor, delivery: id };
  if (note !== null) say("info", { ...told, note, detail: "it is no alert" });
  if (parsed.deployment) await deps.desk.deployed(parsed.deployment);
  if (parsed.answer) {
    const isOurs = await deps.desk.answered(parsed.answer, deps.now());
    const { deed, incidentId } = parsed.answer;
    const detail = "there is no such incident here";
    if (!isOurs) say("warn", { ...told, incident: incidentId, deed, detail });
  }
  if (parsed.alerts.length === 0) return { accepted: true, id, duplicate: false, note };
  const { accepted } = await deps.desk.receive(parsed.alerts, deps.now());
  say("info", { ...told, alerts: parsed.alerts.length, accepted });
  if (accepted > 0 && parsed.alerts.some((alert) => alert.status === "firing")) {
    // The sender need not wait; should it fail, the next tick sees the alert all the same.
    ctx.waitUntil(deps.monitor.poke("suspicion").catch(() => null));
  }
  return { accepted: true, id, duplicate: accepted === 0, note };
}

async function authenticate(
  webhook: Webhook,
  delivery: Delivery,
  { webhookSecrets, now }: HttpDeps,
): Promise<void> {
  const secret = webhookSecrets[webhook.vendor];
  // 503, so that the tool tries again: an alert that came before its secret is not lost.
  if (secret === undefined || secret === "") {
    throw new Problem("not-configured", `No secret is set for ${webhook.vendor}.`);
  }
  const reach = { atMs: now(), fetch: (url: string, init: RequestInit) => fetch(url, init) };
  if (await webhook.verify(delivery, secret, reach)) return;
  throw new Problem("unauthorized", "The delivery does not prove who sent it.");
}

function read(webhook: Webhook, delivery: Delivery, deps: HttpDeps): Parsed {
  const { bundle, now, ownStatuspages } = deps;
  const instance = instanceOf(bundle.site);
  const parsed = webhook.parse(delivery, { instance, ownStatuspages, atMs: now() });
  if (!parsed.ok) {
    throw new Problem("invalid-request", `This is not a delivery of ${webhook.vendor}.`, {
      errors: parsed.error
        .slice(0, PROBLEMS_SHOWN_MAX)
        .map((message) => ({ field: "body", message })),
    });
  }
  const { id, malformedCount, truncatedCount } = parsed.value;
  if (malformedCount + truncatedCount > 0) {
    say("warn", {
      part: "webhooks",
      source: webhook.vendor,
      delivery: id,
      detail: `${malformedCount} malformed and ${truncatedCount} truncated alerts were lost`,
    });
  }
  return parsed.value;
}

/** What the vendor wants visited before it delivers. Should it fail, the vendor says so, and asks again when told to. */
async function visit({ vendor }: Webhook, url: string): Promise<void> {
  const signal = AbortSignal.timeout(VISIT_MS_MAX);
  const answer = await fetch(url, { redirect: "manual", signal }).catch(() => null);
  await answer?.body?.cancel();
  if (answer?.ok !== true) {
    say("warn", { part: "webhooks", source: vendor, detail: "it did not take our confirmation" });
  }
}
