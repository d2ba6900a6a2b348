/** A receiver of Standard Webhooks, as a paging service would be: it verifies, deduplicates and remembers. */
import { Hono } from "hono";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import type { Vendor } from "./vendor.ts";

const BODY_CHARS_MAX = 64 * 1024;
const PAGES_MAX = 1_000;

/** One message that was accepted; `deliveries` counts how often it came. */
type Page = {
  readonly id: string;
  readonly firstAtMs: number;
  readonly payload: unknown;
  deliveries: number;
};

/** Accepts `POST /` signed with `secret` (`whsec_…`); the same `webhook-id` again is the same page. */
export function pager(secret: string): Vendor {
  const webhook = new Webhook(secret);
  const pages = new Map<string, Page>();
  const app = new Hono();

  app.post("/", async (c) => {
    const body = await c.req.text();
    if (body.length > BODY_CHARS_MAX) return c.json({ error: "payload too large" }, 413);
    if (c.req.header("Content-Type")?.startsWith("application/json") !== true) {
      return c.json({ error: "content-type must be application/json" }, 415);
    }
    let payload: unknown;
    try {
      payload = webhook.verify(body, c.req.header());
    } catch (error) {
      if (error instanceof WebhookVerificationError) return c.json({ error: error.message }, 401);
      return c.json({ error: "payload is not JSON" }, 400);
    }
    const id = c.req.header("webhook-id") ?? "";
    const known = pages.get(id);
    if (known !== undefined) {
      known.deliveries += 1;
      return c.json({ accepted: true, duplicate: true });
    }
    if (pages.size >= PAGES_MAX) return c.json({ error: "too many pages are kept already" }, 507);
    pages.set(id, { id, firstAtMs: Date.now(), payload, deliveries: 1 });
    return c.json({ accepted: true, duplicate: false });
  });

  return {
    name: "pager",
    fetch: (request) => app.fetch(request),
    state: () => ({ pages: [...pages.values()] }),
    reset: () => pages.clear(),
  };
}
