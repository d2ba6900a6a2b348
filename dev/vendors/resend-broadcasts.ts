/** Resend's broadcasts to a segment of contacts: drafts, or sent at once. They have no idempotency key, and the same name twice is two. */
import { Hono } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const BROADCASTS_KEPT_MAX = 1_000;

const broadcast = z.strictObject({
  segment_id: z.uuid(),
  from: z.email(),
  name: z.string().min(1).max(200).optional(),
  subject: z.string().min(1).max(998),
  text: z
    .string()
    .min(1)
    .refine((text) => text.includes("{{{RESEND_UNSUBSCRIBE_URL}}}"), "no way to unsubscribe"),
  send: z.boolean().optional(),
});

export function resendBroadcasts(account: {
  readonly apiKey: string;
  readonly segment: string;
}): Vendor {
  const broadcasts: (z.infer<typeof broadcast> & { readonly id: string })[] = [];
  const app = new Hono();

  app.use(async (c, next) =>
    c.req.header("authorization") === `Bearer ${account.apiKey}`
      ? next()
      : c.json({ statusCode: 401, name: "missing_api_key" }, 401),
  );
  app.get("/broadcasts", (c) => {
    const { limit = "20" } = c.req.query();
    const data = broadcasts.toReversed().map(({ id, name = null, send = false }) => ({
      id,
      name,
      status: send ? "sent" : "draft",
    }));
    const page = data.slice(0, Math.min(Number(limit), 100));
    return c.json({ object: "list", has_more: data.length > page.length, data: page });
  });
  app.post("/broadcasts", async (c) => {
    const asked = broadcast.safeParse(await c.req.json().catch(() => null));
    const isKnown = asked.success && asked.data.segment_id === account.segment;
    if (!isKnown || broadcasts.length >= BROADCASTS_KEPT_MAX) {
      return c.json({ statusCode: 422, name: "validation_error" }, 422);
    }
    const id = crypto.randomUUID();
    broadcasts.push({ ...asked.data, id });
    return c.json({ id }, 201);
  });
  app.notFound((c) => c.json({ statusCode: 404, name: "not_found" }, 404));

  return {
    name: "resend",
    fetch: (request) => app.fetch(request),
    state: () => ({ broadcasts }),
    reset: () => {
      broadcasts.length = 0;
    },
  };
}
