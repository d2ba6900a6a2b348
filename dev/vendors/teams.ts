/** A Teams workflow behind "When a Teams webhook request is received": takes adaptive cards of at most 28 KB, and says 202. */
import { Hono } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const CARDS_KEPT_MAX = 1_000;
const BYTES_MAX = 28 * 1024;

const run = z.strictObject({
  type: z.literal("TextRun"),
  text: z.string().min(1),
  weight: z.enum(["Default", "Lighter", "Bolder"]).optional(),
  size: z.enum(["Default", "Small", "Medium", "Large", "ExtraLarge"]).optional(),
});
const element = z.strictObject({
  type: z.literal("RichTextBlock"),
  spacing: z.enum(["None", "Small", "Default", "Medium", "Large"]).optional(),
  inlines: z.array(run).min(1),
});
const posted = z.strictObject({
  type: z.literal("message"),
  attachments: z
    .array(
      z.strictObject({
        contentType: z.literal("application/vnd.microsoft.card.adaptive"),
        contentUrl: z.null(),
        content: z.strictObject({
          $schema: z.literal("http://adaptivecards.io/schemas/adaptive-card.json"),
          type: z.literal("AdaptiveCard"),
          version: z.enum(["1.2", "1.3", "1.4"]),
          body: z.array(element).min(1),
          actions: z.array(
            z.strictObject({ type: z.literal("Action.OpenUrl"), title: z.string(), url: z.url() }),
          ),
        }),
      }),
    )
    .length(1),
});

/** `sig` is the key in the address that the workflow shows once. */
export function teams(workflow: { readonly sig: string }): Vendor {
  let cards: z.infer<typeof posted>[] = [];
  const app = new Hono();

  app.post("/workflows/*", async (c) => {
    if (c.req.query("sig") !== workflow.sig)
      return c.json({ error: { code: "Unauthorized" } }, 401);
    const body = await c.req.text();
    if (Buffer.byteLength(body) > BYTES_MAX) return c.json({ error: { code: "TooLarge" } }, 413);
    const asked = posted.safeParse(JSON.parse(body));
    if (!asked.success) return c.json({ error: { code: "InvalidCard" } }, 400);
    cards = [...cards, asked.data].slice(-CARDS_KEPT_MAX);
    return c.body(null, 202);
  });
  app.notFound((c) => c.json({ error: { code: "WorkflowNotFound" } }, 404));

  return {
    name: "teams",
    fetch: (request) => app.fetch(request),
    state: () => ({ cards: cards.map(({ attachments }) => attachments[0]?.content) }),
    reset: () => {
      cards = [];
    },
  };
}
