/** Resend's `POST /emails`: mails by their idempotency key, each sent once; the same key with another mail is refused. */
import { Hono } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const MAILS_KEPT_MAX = 1_000;

const mail = z.strictObject({
  from: z.string().regex(/^(?:[^<>]+ <)?[^\s<>@]+@[^\s<>@]+>?$/),
  to: z.array(z.email()).min(1).max(50),
  subject: z.string().min(1).max(998),
  text: z.string().min(1),
  headers: z.record(z.string(), z.string()).optional(),
});

export function resend(account: { readonly apiKey: string }): Vendor {
  const mails = new Map<string, { readonly id: string; readonly sent: z.infer<typeof mail> }>();
  const app = new Hono();

  app.post("/emails", async (c) => {
    const refuse = (statusCode: 401 | 409 | 422, name: string) =>
      c.json({ statusCode, name, message: name }, statusCode);
    if (c.req.header("authorization") !== `Bearer ${account.apiKey}`) {
      return refuse(401, "missing_api_key");
    }
    const asked = mail.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(422, "validation_error");
    const key = c.req.header("idempotency-key") ?? crypto.randomUUID();
    if (key.length > 256) return refuse(422, "invalid_idempotency_key");
    const known = mails.get(key);
    if (known !== undefined && JSON.stringify(known.sent) !== JSON.stringify(asked.data)) {
      return refuse(409, "invalid_idempotent_request");
    }
    const id = known?.id ?? crypto.randomUUID();
    if (known === undefined && mails.size < MAILS_KEPT_MAX)
      mails.set(key, { id, sent: asked.data });
    return c.json({ id });
  });
  app.notFound((c) => c.json({ statusCode: 404, name: "not_found" }, 404));

  return {
    name: "resend",
    fetch: (request) => app.fetch(request),
    state: () => ({ mails: [...mails.values()].map(({ sent }) => sent) }),
    reset: () => mails.clear(),
  };
}
